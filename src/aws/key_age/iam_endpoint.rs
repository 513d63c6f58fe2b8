//! Where IAM is called.

use aws_config::{Region, SdkConfig};
use aws_types::service_config::ServiceConfigKey;

/// One service for a whole partition, with one Region that requests to it are signed for.
struct Partition {
    /// How the names of its Regions begin.
    regions: &'static str,
    signed_for: &'static str,
    host: &'static str,
    fips: &'static str,
    dual_stack: &'static str,
    fips_and_dual_stack: &'static str,
}

/// As the endpoint rules of AWS's model of IAM have them, by which every SDK of AWS goes. The last one is for all the
/// Regions that are in no other.
const PARTITIONS: [Partition; 8] = [
    Partition {
        regions: "cn-",
        signed_for: "cn-north-1",
        host: "iam.cn-north-1.amazonaws.com.cn",
        fips: "iam-fips.amazonaws.com.cn",
        dual_stack: "iam.global.api.amazonwebservices.com.cn",
        fips_and_dual_stack: "iam-fips.api.amazonwebservices.com.cn",
    },
    Partition {
        regions: "us-gov-",
        signed_for: "us-gov-west-1",
        host: "iam.us-gov.amazonaws.com",
        fips: "iam.us-gov.amazonaws.com",
        dual_stack: "iam.us-gov.api.aws",
        fips_and_dual_stack: "iam.us-gov.api.aws",
    },
    Partition {
        regions: "eusc-",
        signed_for: "eusc-de-east-1",
        host: "iam.eusc-de-east-1.amazonaws.eu",
        fips: "iam-fips.amazonaws.eu",
        dual_stack: "iam.global.api.amazonwebservices.eu",
        fips_and_dual_stack: "iam-fips.api.amazonwebservices.eu",
    },
    Partition {
        regions: "us-iso-",
        signed_for: "us-iso-east-1",
        host: "iam.us-iso-east-1.c2s.ic.gov",
        fips: "iam-fips.us-iso-east-1.c2s.ic.gov",
        dual_stack: "iam.api.aws.ic.gov",
        fips_and_dual_stack: "iam-fips.api.aws.ic.gov",
    },
    Partition {
        regions: "us-isob-",
        signed_for: "us-isob-east-1",
        host: "iam.us-isob-east-1.sc2s.sgov.gov",
        fips: "iam-fips.us-isob-east-1.sc2s.sgov.gov",
        dual_stack: "iam.api.aws.scloud",
        fips_and_dual_stack: "iam-fips.api.aws.scloud",
    },
    Partition {
        regions: "eu-isoe-",
        signed_for: "eu-isoe-west-1",
        host: "iam.eu-isoe-west-1.cloud.adc-e.uk",
        fips: "iam-fips.cloud.adc-e.uk",
        dual_stack: "iam.api.cloud-aws.adc-e.uk",
        fips_and_dual_stack: "iam-fips.api.cloud-aws.adc-e.uk",
    },
    Partition {
        regions: "us-isof-",
        signed_for: "us-isof-south-1",
        host: "iam.us-isof-south-1.csp.hci.ic.gov",
        fips: "iam-fips.csp.hci.ic.gov",
        dual_stack: "iam.api.aws.hci.ic.gov",
        fips_and_dual_stack: "iam-fips.api.aws.hci.ic.gov",
    },
    Partition {
        regions: "",
        signed_for: "us-east-1",
        host: "iam.amazonaws.com",
        fips: "iam-fips.amazonaws.com",
        dual_stack: "iam.global.api.aws",
        fips_and_dual_stack: "iam-fips.global.api.aws",
    },
];

/// Where requests go, and the Region that they are signed for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) url: String,
    pub(super) signed_for: Region,
}

/// What no request can be made with.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    #[error("no Region is configured")]
    NoRegion,
    #[error("an endpoint of one's own cannot be combined with those for FIPS or dual stack")]
    Contradiction,
}

impl Endpoint {
    /// `own` is one of the provider's arguments. One for IAM in the environment or in the profile counts as well, as in
    /// AWS's own clients.
    pub(super) fn of(config: &SdkConfig, own: Option<&str>) -> Result<Self, Unusable> {
        let region = config.region().ok_or(Unusable::NoRegion)?;
        let fips = config.use_fips().unwrap_or(false);
        let dual_stack = config.use_dual_stack().unwrap_or(false);
        let own = own.map(str::to_owned).or_else(|| configured_url(config));
        if let Some(url) = own {
            return match (fips, dual_stack) {
                (false, false) => Ok(Self {
                    url,
                    signed_for: region.clone(),
                }),
                _ => Err(Unusable::Contradiction),
            };
        }
        Ok(Self::of_region(region.as_ref(), fips, dual_stack))
    }

    fn of_region(region: &str, fips: bool, dual_stack: bool) -> Self {
        let [others @ .., commercial] = &PARTITIONS;
        let partition = others
            .iter()
            .find(|partition| region.starts_with(partition.regions))
            .unwrap_or(commercial);
        let host = match (fips, dual_stack) {
            (false, false) => partition.host,
            (true, false) => partition.fips,
            (false, true) => partition.dual_stack,
            (true, true) => partition.fips_and_dual_stack,
        };
        Self {
            url: format!("https://{host}"),
            signed_for: Region::from_static(partition.signed_for),
        }
    }
}

/// `AWS_ENDPOINT_URL_IAM` and `AWS_ENDPOINT_URL`, and the same in the profile:
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>.
fn configured_url(config: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id("IAM")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()?;
    config
        .service_config()
        .and_then(|configured| configured.load_config(key))
        .or_else(|| config.endpoint_url().map(str::to_owned))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use aws_types::service_config::LoadServiceConfig;

    use super::*;

    /// Region, the Region signed for, and the hosts: plain, FIPS, dual stack, both. As botocore 1.44 works them out from
    /// the model's rules.
    const MODELED: [(&str, &str, [&str; 4]); 14] = [
        (
            "us-east-1",
            "us-east-1",
            [
                "iam.amazonaws.com",
                "iam-fips.amazonaws.com",
                "iam.global.api.aws",
                "iam-fips.global.api.aws",
            ],
        ),
        (
            "mx-central-1",
            "us-east-1",
            [
                "iam.amazonaws.com",
                "iam-fips.amazonaws.com",
                "iam.global.api.aws",
                "iam-fips.global.api.aws",
            ],
        ),
        (
            "cn-north-1",
            "cn-north-1",
            [
                "iam.cn-north-1.amazonaws.com.cn",
                "iam-fips.amazonaws.com.cn",
                "iam.global.api.amazonwebservices.com.cn",
                "iam-fips.api.amazonwebservices.com.cn",
            ],
        ),
        (
            "cn-northwest-1",
            "cn-north-1",
            [
                "iam.cn-north-1.amazonaws.com.cn",
                "iam-fips.amazonaws.com.cn",
                "iam.global.api.amazonwebservices.com.cn",
                "iam-fips.api.amazonwebservices.com.cn",
            ],
        ),
        (
            "us-gov-west-1",
            "us-gov-west-1",
            [
                "iam.us-gov.amazonaws.com",
                "iam.us-gov.amazonaws.com",
                "iam.us-gov.api.aws",
                "iam.us-gov.api.aws",
            ],
        ),
        (
            "us-gov-east-1",
            "us-gov-west-1",
            [
                "iam.us-gov.amazonaws.com",
                "iam.us-gov.amazonaws.com",
                "iam.us-gov.api.aws",
                "iam.us-gov.api.aws",
            ],
        ),
        (
            "eusc-de-east-1",
            "eusc-de-east-1",
            [
                "iam.eusc-de-east-1.amazonaws.eu",
                "iam-fips.amazonaws.eu",
                "iam.global.api.amazonwebservices.eu",
                "iam-fips.api.amazonwebservices.eu",
            ],
        ),
        (
            "us-iso-east-1",
            "us-iso-east-1",
            [
                "iam.us-iso-east-1.c2s.ic.gov",
                "iam-fips.us-iso-east-1.c2s.ic.gov",
                "iam.api.aws.ic.gov",
                "iam-fips.api.aws.ic.gov",
            ],
        ),
        (
            "us-iso-west-1",
            "us-iso-east-1",
            [
                "iam.us-iso-east-1.c2s.ic.gov",
                "iam-fips.us-iso-east-1.c2s.ic.gov",
                "iam.api.aws.ic.gov",
                "iam-fips.api.aws.ic.gov",
            ],
        ),
        (
            "us-isob-east-1",
            "us-isob-east-1",
            [
                "iam.us-isob-east-1.sc2s.sgov.gov",
                "iam-fips.us-isob-east-1.sc2s.sgov.gov",
                "iam.api.aws.scloud",
                "iam-fips.api.aws.scloud",
            ],
        ),
        (
            "us-isob-west-1",
            "us-isob-east-1",
            [
                "iam.us-isob-east-1.sc2s.sgov.gov",
                "iam-fips.us-isob-east-1.sc2s.sgov.gov",
                "iam.api.aws.scloud",
                "iam-fips.api.aws.scloud",
            ],
        ),
        (
            "eu-isoe-west-1",
            "eu-isoe-west-1",
            [
                "iam.eu-isoe-west-1.cloud.adc-e.uk",
                "iam-fips.cloud.adc-e.uk",
                "iam.api.cloud-aws.adc-e.uk",
                "iam-fips.api.cloud-aws.adc-e.uk",
            ],
        ),
        (
            "us-isof-south-1",
            "us-isof-south-1",
            [
                "iam.us-isof-south-1.csp.hci.ic.gov",
                "iam-fips.csp.hci.ic.gov",
                "iam.api.aws.hci.ic.gov",
                "iam-fips.api.aws.hci.ic.gov",
            ],
        ),
        (
            "us-isof-east-1",
            "us-isof-south-1",
            [
                "iam.us-isof-south-1.csp.hci.ic.gov",
                "iam-fips.csp.hci.ic.gov",
                "iam.api.aws.hci.ic.gov",
                "iam-fips.api.aws.hci.ic.gov",
            ],
        ),
    ];

    #[test]
    fn every_partition_has_the_endpoints_of_the_model() {
        for (region, signed_for, hosts) in MODELED {
            let kinds = [(false, false), (true, false), (false, true), (true, true)];
            for ((fips, dual_stack), host) in kinds.into_iter().zip(hosts) {
                let endpoint = Endpoint::of_region(region, fips, dual_stack);
                assert_eq!(endpoint.url, format!("https://{host}"), "{region}");
                assert_eq!(endpoint.signed_for.as_ref(), signed_for, "{region}");
            }
        }
    }

    /// What stands in the environment or in a profile.
    #[derive(Debug)]
    struct Configured(&'static [(&'static str, &'static str)]);

    impl LoadServiceConfig for Configured {
        fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
            assert_eq!(
                (key.env(), key.profile()),
                ("AWS_ENDPOINT_URL", "endpoint_url")
            );
            let mut found = self.0.iter().filter(|(id, _)| *id == key.service_id());
            found.next().map(|(_, url)| (*url).to_owned())
        }
    }

    fn url(config: &SdkConfig, own: Option<&str>) -> String {
        Endpoint::of(config, own).unwrap().url
    }

    #[test]
    fn an_endpoint_of_ones_own_goes_before_those_of_the_environment_and_is_signed_for_the_region() {
        let region = Region::from_static("eu-west-1");
        let bare = SdkConfig::builder().region(region).build();
        assert_eq!(url(&bare, None), "https://iam.amazonaws.com");
        let other = Configured(&[("STS", "http://sts")]);
        let for_sts = bare.to_builder().service_config(other).build();
        assert_eq!(url(&for_sts, None), "https://iam.amazonaws.com");
        let for_all = for_sts.to_builder().endpoint_url("http://all").build();
        assert_eq!(url(&for_all, None), "http://all");
        let own = Configured(&[("IAM", "http://iam")]);
        let for_iam = for_all.to_builder().service_config(own).build();
        assert_eq!(url(&for_iam, None), "http://iam");
        let endpoint = Endpoint::of(&for_iam, Some("http://own")).unwrap();
        assert_eq!(endpoint.url, "http://own");
        assert_eq!(endpoint.signed_for.as_ref(), "eu-west-1");
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused() {
        let config = || SdkConfig::builder().region(Region::from_static("us-gov-east-1"));
        for config in [config().use_fips(true), config().use_dual_stack(true)] {
            let config = config.build();
            assert!(url(&config, None).starts_with("https://iam.us-gov."));
            let refused = Endpoint::of(&config, Some("http://own"));
            assert_eq!(refused, Err(Unusable::Contradiction));
        }
        let nowhere = SdkConfig::builder().build();
        assert_eq!(Endpoint::of(&nowhere, None), Err(Unusable::NoRegion));
    }
}
