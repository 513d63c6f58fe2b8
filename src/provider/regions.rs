//! Regions that do not go together, or may not be meant.

use crate::model::partition::{self, Claim, RegionWarning};
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::path::Path;
use terraform_plugin::value::{Set, Value};

/// What the known ones of a set of Regions claim to be in.
pub(super) fn claims<'a>(
    attribute: &'static str,
    regions: &'a Value<Set<String>>,
) -> impl Iterator<Item = Claim<'a>> {
    names(regions).filter_map(move |region| Claim::of_region(attribute, region))
}

/// What a Region, if it is known, claims to be in.
pub(super) fn claim<'a>(attribute: &'static str, region: &'a Value<String>) -> Option<Claim<'a>> {
    Claim::of_region(attribute, region.known()?)
}

fn names(regions: &Value<Set<String>>) -> impl Iterator<Item = &str> {
    let known = regions.known().into_iter().flat_map(Set::iter);
    known.filter_map(|region| Some(region.known()?.as_str()))
}

/// Refuses values of two partitions side by side, whichever is the right one.
pub(super) fn refuse_two_partitions<'a>(
    mut claims: impl Iterator<Item = Claim<'a>>,
    diagnostics: &mut Diagnostics,
) {
    let Some(first) = claims.next() else {
        return;
    };
    if let Some(other) = claims.find(|claim| claim.partition != first.partition) {
        diagnostics.error_at(
            path_of(other.attribute),
            "Values in different partitions",
            format!(
                "{}, and {}. A role leads into its own partition only. Keep what is in the partition of the accounts; \
                 accounts of another partition go into an integration of their own.",
                said(&other),
                said(&first)
            ),
        );
    }
}

/// Refuses values of another partition than the accounts'.
pub(super) fn refuse_other_partition<'a>(
    partition: &str,
    claims: impl Iterator<Item = Claim<'a>>,
    diagnostics: &mut Diagnostics,
) {
    for claim in claims.filter(|claim| claim.partition != partition) {
        diagnostics.error_at(
            path_of(claim.attribute),
            "Value in another partition",
            format!(
                "{}, and the accounts of this integration are in the partition {partition}. {} For accounts that are \
                 written by hand, aws_organization.partition says which one they are in.",
                said(&claim),
                own_regions(partition)
            ),
        );
    }
}

/// Half a sentence.
fn said(claim: &Claim<'_>) -> String {
    let Claim {
        attribute,
        value,
        partition,
    } = claim;
    format!("{value:?} in {attribute} is of the partition {partition}")
}

/// What to do instead, as a sentence.
pub(super) fn own_regions(partition: &str) -> String {
    if !partition::is_known(partition) {
        return format!("Use what is in the partition {partition}.");
    }
    let default = partition::default_region(partition);
    format!(
        "Use what is in the partition {partition}, such as the Region {default:?}; \"*\" is all of its Regions."
    )
}

/// Warns of Region names and globs that may be mistakes in a partition; none: in any partition.
pub(super) fn warn_of_regions<'a>(
    partition: Option<&str>,
    regions: impl Iterator<Item = (&'static str, &'a str)>,
    diagnostics: &mut Diagnostics,
) {
    let place = partition.map_or_else(String::new, |partition| {
        format!(" of the partition {partition}")
    });
    for (attribute, region) in regions {
        match partition::check_region(partition, region) {
            None => {}
            Some(RegionWarning::Unknown(similar)) => {
                let similar: Vec<String> = similar.iter().map(|name| format!("{name:?}")).collect();
                let question = match &similar[..] {
                    [] => String::new(),
                    several => format!(" Did you mean {}?", several.join(" or ")),
                };
                diagnostics.warning_at(
                    path_of(attribute),
                    "Unknown Region",
                    format!(
                        "{attribute} has {region:?}, which is no Region{place} that this version of the provider knows. \
                         It is taken as it is: AWS adds Regions every year.{question}"
                    ),
                );
            }
            Some(RegionWarning::MatchesNone) => diagnostics.warning_at(
                path_of(attribute),
                "No Region matches",
                format!(
                    "{attribute} has {region:?}, which matches no Region{place} that this version of the provider knows, \
                     so that it means none for tools that need names. Correct or remove it."
                ),
            ),
        }
    }
}

/// Names and globs of a set and a default Region, each with its attribute, for [`warn_of_regions`].
pub(super) fn each<'a>(
    (attribute, regions): (&'static str, &'a Value<Set<String>>),
    (default_attribute, default_region): (&'static str, &'a Value<String>),
) -> impl Iterator<Item = (&'static str, &'a str)> {
    let default_region = default_region.known();
    names(regions)
        .map(move |region| (attribute, region))
        .chain(default_region.map(|region| (default_attribute, region.as_str())))
}

/// The path of an attribute that is written with dots.
fn path_of(attribute: &str) -> Path {
    attribute
        .split('.')
        .fold(Path::root(), |path, step| path.attribute(step))
}
