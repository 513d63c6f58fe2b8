//! AWS partitions, as far as a mirror needs them.

use std::collections::BTreeSet;

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

/// Whether it has the form of a Region's name, such as `eu-west-1`. AWS adds Regions, so any name of the form is one.
pub fn is_region(value: &str) -> bool {
    let is_part = |part: &str| {
        let mut bytes = part.bytes();
        !part.is_empty() && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    value.split('-').count() >= 3 && value.split('-').all(is_part)
}

/// The default Region of a partition's connections.
pub fn default_region(partition: &str) -> &'static str {
    match partition {
        AWS_CN => "cn-north-1",
        AWS_US_GOV => "us-gov-west-1",
        _ => "us-east-1",
    }
}

/// The Region of a partition that AWS Organizations is in:
/// <https://docs.aws.amazon.com/general/latest/gr/ao.html>.
pub fn organizations_region(partition: &str) -> &'static str {
    match partition {
        AWS_CN => "cn-northwest-1",
        AWS_US_GOV => "us-gov-west-1",
        _ => "us-east-1",
    }
}

/// The Regions of a partition that are known here; none of a partition that is not.
///
/// As botocore 1.44 has them in `partitions.json`, announced ones included. AWS adds some every year: what is to hold
/// for those as well must not depend on this list.
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

/// The Regions that names and globs mean: names as they are, known or not, and for each glob the known Regions of the
/// partition that match it.
pub fn expand<'a>(partition: &str, wanted: &'a BTreeSet<String>) -> BTreeSet<&'a str> {
    let (globs, names): (Vec<&str>, Vec<&str>) = wanted
        .iter()
        .map(String::as_str)
        .partition(|wanted| wanted.contains(['*', '?']));
    let known = regions(partition).iter().copied();
    let matching = known.filter(|region| globs.iter().any(|glob| matches(glob, region)));
    names.into_iter().chain(matching).collect()
}

/// Whether a glob, in which `*` stands for any characters and `?` for one, matches a Region's name. Takes no longer than
/// the product of their lengths, whatever the glob.
pub(super) fn matches(glob: &str, region: &str) -> bool {
    // Names of Regions are ASCII.
    let (glob, region) = (glob.as_bytes(), region.as_bytes());
    let (mut in_glob, mut in_region) = (0, 0);
    // Behind the last `*`, and where in the name what it does not stand for begins.
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
mod tests {
    use super::*;

    #[test]
    fn globs_mean_the_regions_of_their_partition() {
        let expanded = |partition, wanted: &[&str]| {
            let wanted: BTreeSet<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
            let expanded = expand(partition, &wanted).into_iter();
            expanded.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(
            expanded(AWS, &["us-*", "eu-west-?", "xx-new-9"]),
            [
                "eu-west-1",
                "eu-west-2",
                "eu-west-3",
                "us-east-1",
                "us-east-2",
                "us-west-1",
                "us-west-2",
                "xx-new-9"
            ]
        );
        assert_eq!(expanded(AWS, &["*"]), regions(AWS));
        assert_eq!(
            expanded(AWS_US_GOV, &["us-*"]),
            ["us-gov-east-1", "us-gov-west-1"]
        );
        assert_eq!(expanded(AWS_CN, &["*west*"]), ["cn-northwest-1"]);
        assert_eq!(expanded(AWS_CN, &["us-*", "?"]), [""; 0]);
        assert_eq!(expanded("aws-iso", &["*"]), [""; 0]);
    }

    #[test]
    fn a_glob_stands_for_whole_names() {
        for glob in [
            "eu-west-1",
            "eu-*",
            "*-1",
            "*",
            "e*-*-?",
            "**eu-west-1**",
            "eu-west-1*",
        ] {
            assert!(matches(glob, "eu-west-1"), "{glob}");
        }
        for glob in [
            "",
            "eu-west",
            "u-west-1",
            "eu-west-1?",
            "*-2",
            "?",
            "*west",
            "eu*1-",
        ] {
            assert!(!matches(glob, "eu-west-1"), "{glob}");
        }
        // Each `*` could stand for anything: trying all of it would take years.
        assert!(!matches(&format!("{}x", "*-".repeat(40)), &"-".repeat(60)));
        assert!(!matches(&format!("{}x", "*".repeat(60)), "ap-southeast-1"));
    }

    #[test]
    fn known_regions_are_in_their_partition() {
        for partition in [AWS, AWS_US_GOV, AWS_CN] {
            for region in regions(partition) {
                assert_eq!(of_region(region), partition);
            }
        }
    }

    #[test]
    fn a_default_region_is_in_its_partition() {
        for partition in [AWS, AWS_US_GOV, AWS_CN] {
            assert_eq!(of_region(default_region(partition)), partition);
        }
        assert_eq!(of_region("eu-west-1"), AWS);
        assert_eq!(of_region("us-gov-east-1"), AWS_US_GOV);
    }

    #[test]
    fn a_region_has_three_parts_or_more() {
        for region in ["eu-west-1", "us-gov-east-1", "eusc-de-east-1"] {
            assert!(is_region(region), "{region}");
        }
        for other in ["", "eu-west", "eu--1", "EU-west-1", "eu-west-1\n", "eu-*-1"] {
            assert!(!is_region(other), "{other}");
        }
    }
}
