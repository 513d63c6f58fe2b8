//! AWS partitions, as far as a mirror needs them.

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

#[cfg(test)]
mod tests {
    use super::*;

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
