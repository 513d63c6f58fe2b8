use super::*;

#[test]
fn globs_mean_the_regions_of_their_partition() {
    let expanded = |partition, wanted: &[&str]| {
        let wanted: BTreeSet<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
        expand(partition, &wanted)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
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
    // Each `*` could match anything: trying every combination would take years.
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
fn a_region_has_words_and_a_number() {
    for region in ["eu-west-1", "us-gov-east-1", "eusc-de-east-1", "xx-far-12"] {
        assert!(is_region(region), "{region}");
    }
    for other in [
        "",
        "eu-west",
        "eu-1",
        "eu--1",
        "EU-west-1",
        "eu-west-1\n",
        "eu-*-1",
        "us-east-1a",
        "us-west-2-lax-1a",
        "eu-west-",
        "aws-global",
    ] {
        assert!(!is_region(other), "{other}");
    }
}

#[test]
fn a_name_or_glob_that_may_be_a_mistake_is_reported() {
    let unknown = |near: &[&str]| {
        let near = near.iter().map(|near| (*near).to_owned()).collect();
        Some(RegionWarning::Unknown(near))
    };
    for (partition, wanted, warning) in [
        (Some(AWS), "eu-west-1", None),
        (Some(AWS), "us-*", None),
        (Some(AWS_US_GOV), "us-*", None),
        (Some(AWS_CN), "*", None),
        (Some(AWS), "us-wset-2", unknown(&["us-west-2"])),
        (Some(AWS), "xx-faraway-9", unknown(&[])),
        (
            Some(AWS_US_GOV),
            "us-gv-west-1",
            unknown(&["us-gov-west-1"]),
        ),
        (Some(AWS_CN), "cn-north-2", unknown(&["cn-north-1"])),
        (Some(AWS), "cn-*", Some(RegionWarning::MatchesNone)),
        (Some(AWS_US_GOV), "eu-*", Some(RegionWarning::MatchesNone)),
        (Some(AWS), "us-wset-?", Some(RegionWarning::MatchesNone)),
        // Claims report these.
        (Some(AWS), "us-gov-west-1", None),
        (Some(AWS_US_GOV), "us-east-1", None),
        // Nothing is known of it.
        (Some("aws-iso"), "us-iso-east-1", None),
        (Some("aws-iso"), "eu-*", None),
        // In whichever partition.
        (None, "us-gov-west-1", None),
        (None, "cn-*", None),
        (None, "us-gov-wset-1", unknown(&["us-gov-west-1"])),
        (None, "xx-*", Some(RegionWarning::MatchesNone)),
    ] {
        assert_eq!(
            check_region(partition, wanted),
            warning,
            "{wanted} in {partition:?}"
        );
    }
}

#[test]
fn a_region_claims_its_partition_where_that_is_certain() {
    let claimed = |value| Claim::of_region("default_region", value).map(|claim| claim.partition);
    assert_eq!(claimed("eu-west-1"), Some(AWS));
    assert_eq!(claimed("us-gov-west-1"), Some(AWS_US_GOV));
    // A new one is recognized by the beginning of its name.
    assert_eq!(claimed("us-gov-north-9"), Some(AWS_US_GOV));
    assert_eq!(claimed("cn-south-1"), Some(AWS_CN));
    // A new one, or one of GovCloud misspelt.
    assert_eq!(claimed("us-gv-west-1"), None);
    assert_eq!(claimed("us-gov-*"), None);
}

#[test]
fn the_partition_of_an_arn_is_its_second_part() {
    assert_eq!(of_arn("arn:aws-cn:iam::111122223333:role/x"), Some(AWS_CN));
    assert_eq!(of_arn("arn:aws"), Some(AWS));
    assert_eq!(of_arn("orgmirror-readonly"), None);
}
