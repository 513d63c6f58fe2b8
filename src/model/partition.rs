//! AWS partitions, as far as a mirror needs them.

use std::collections::BTreeSet;

use super::suggestions::suggest;

/// The commercial partition.
pub const AWS: &str = "aws";
/// AWS GovCloud (US).
pub const AWS_US_GOV: &str = "aws-us-gov";
/// The China Regions.
pub const AWS_CN: &str = "aws-cn";

/// The partition a Region belongs to, by its name's prefix.
pub fn of_region(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        AWS_CN
    } else if region.starts_with("us-gov-") {
        AWS_US_GOV
    } else {
        AWS
    }
}

/// The partition that a name is certainly of: its beginning says so, or it is known. None where it may be misspelt.
pub fn certain_partition(region: &str) -> Option<&'static str> {
    let partition = of_region(region);
    (partition != AWS || regions(AWS).contains(&region)).then_some(partition)
}

/// The partition in an ARN, even if the rest is missing; none in what does not begin like an ARN.
pub fn of_arn(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.split(':').next()
}

/// Whether it is one of the partitions whose facts are here.
pub fn is_known(partition: &str) -> bool {
    matches!(partition, AWS | AWS_US_GOV | AWS_CN)
}

/// Whether it has the form of a Region's name, such as `eu-west-1`: words, and a number at the end. AWS adds Regions, so
/// any name of the form is one; `us-east-1a` is an Availability Zone.
pub fn is_region(value: &str) -> bool {
    let is_word = |part: &str| {
        let mut bytes = part.bytes();
        !part.is_empty() && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let Some((words, number)) = value.rsplit_once('-') else {
        return false;
    };
    words.contains('-') && words.split('-').all(is_word) && is_number(number)
}

/// Whether it is a glob, which matches any number of Regions, and not a name.
pub fn is_glob(value: &str) -> bool {
    value.contains(['*', '?'])
}

/// The default Region of a partition's connections.
pub fn default_region(partition: &str) -> &'static str {
    match partition {
        AWS_CN => "cn-north-1",
        AWS_US_GOV => "us-gov-west-1",
        _ => "us-east-1",
    }
}

/// The Region that AWS Organizations, and what belongs to it, is called in
/// (<https://docs.aws.amazon.com/general/latest/gr/ao.html>). Its endpoint serves the whole partition.
pub fn organizations_region(partition: &str) -> &'static str {
    match partition {
        AWS_CN => "cn-northwest-1",
        AWS_US_GOV => "us-gov-west-1",
        _ => "us-east-1",
    }
}

/// The Regions of a partition that are known here; none of a partition that is not.
///
/// As botocore 1.44 has them in `partitions.json`, announced ones included. AWS adds some every year, so a rule for
/// all Regions must not depend on this list.
pub fn regions(partition: &str) -> &'static [&'static str] {
    match partition {
        AWS => &[
            "af-south-1",
            "ap-east-1",
            "ap-east-2",
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-south-1",
            "ap-south-2",
            "ap-southeast-1",
            "ap-southeast-2",
            "ap-southeast-3",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-central-1",
            "ca-west-1",
            "eu-central-1",
            "eu-central-2",
            "eu-north-1",
            "eu-south-1",
            "eu-south-2",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
            "il-central-1",
            "me-central-1",
            "me-south-1",
            "me-west-1",
            "mx-central-1",
            "sa-east-1",
            "sa-west-1",
            "us-east-1",
            "us-east-2",
            "us-west-1",
            "us-west-2",
        ],
        AWS_US_GOV => &["us-gov-east-1", "us-gov-west-1"],
        AWS_CN => &["cn-north-1", "cn-northwest-1"],
        _ => &[],
    }
}

/// Expands names and globs to Regions: keeps names, known or not, and replaces each glob by the known Regions of the
/// partition that match it.
pub fn expand<'a>(partition: &str, wanted: &'a BTreeSet<String>) -> BTreeSet<&'a str> {
    let (globs, names): (Vec<&str>, Vec<&str>) = wanted
        .iter()
        .map(String::as_str)
        .partition(|wanted| is_glob(wanted));
    let known = regions(partition).iter().copied();
    let matching = known.filter(|region| globs.iter().any(|glob| matches(glob, region)));
    names.into_iter().chain(matching).collect()
}

/// Why a Region's name or a glob may be a mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegionWarning {
    /// No known Region has this name. It may be a new one, or mean one of these, if any, whose names are similar.
    Unknown(Vec<String>),
    /// No known Region matches this glob.
    MatchesNone,
}

/// Checks a Region's name or a glob in a partition; none: in any partition.
///
/// Does not warn of a name that is certainly of another partition, because a [`Claim`] reports that, nor in a partition
/// that is not known here.
pub fn check_region(partition: Option<&str>, wanted: &str) -> Option<RegionWarning> {
    if is_glob(wanted) {
        let any = [AWS, AWS_US_GOV, AWS_CN];
        let partitions = partition.as_ref().map_or(&any[..], std::slice::from_ref);
        let mut known = partitions.iter().flat_map(|partition| regions(partition));
        let is_judged = partitions.iter().all(|partition| is_known(partition));
        return (is_judged && !known.any(|region| matches(wanted, region)))
            .then_some(RegionWarning::MatchesNone);
    }
    let partition = partition.unwrap_or_else(|| of_region(wanted));
    let known = regions(partition);
    let is_of_another = certain_partition(wanted).is_some_and(|certain| certain != partition);
    if known.is_empty() || known.contains(&wanted) || is_of_another {
        return None;
    }
    let suggestions = suggest(wanted, known.iter().map(|&region| (region, region)));
    Some(RegionWarning::Unknown(
        suggestions.into_iter().map(|region| region.id).collect(),
    ))
}

/// A value that is in one partition only. A role leads into its own partition, so all of an integration are in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim<'a> {
    /// The attribute that has the value, such as `default_region`.
    pub attribute: &'static str,
    /// Such as `eu-west-1`.
    pub value: &'a str,
    /// The value's partition.
    pub partition: &'a str,
}

impl<'a> Claim<'a> {
    /// What the name of a Region claims, if it is certain.
    pub fn of_region(attribute: &'static str, value: &'a str) -> Option<Self> {
        let partition = (!is_glob(value)).then(|| certain_partition(value))??;
        Some(Self {
            attribute,
            value,
            partition,
        })
    }

    /// What an ARN claims.
    pub fn of_arn(attribute: &'static str, value: &'a str) -> Option<Self> {
        Some(Self {
            attribute,
            value,
            partition: of_arn(value)?,
        })
    }
}

/// Whether a glob, in which `*` stands for any characters and `?` for one, matches a Region's name. Takes no longer than
/// the product of their lengths, whatever the glob.
pub(super) fn matches(glob: &str, region: &str) -> bool {
    // Names of Regions are ASCII.
    let (glob, region) = (glob.as_bytes(), region.as_bytes());
    let (mut in_glob, mut in_region) = (0, 0);
    // Position after the last `*`, and the position in the name up to which that `*` matches.
    let mut retry = None;
    while let Some(&byte) = region.get(in_region) {
        match (glob.get(in_glob), retry) {
            (Some(b'*'), _) => {
                in_glob += 1;
                retry = Some((in_glob, in_region));
            }
            (Some(&wanted), _) if wanted == b'?' || wanted == byte => {
                in_glob += 1;
                in_region += 1;
            }
            (_, Some((behind, from))) => {
                in_glob = behind;
                in_region = from + 1;
                retry = Some((in_glob, in_region));
            }
            (_, None) => return false,
        }
    }
    glob[in_glob..].iter().all(|&left| left == b'*')
}

#[cfg(test)]
mod tests;
