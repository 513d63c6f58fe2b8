//! The Region to work in.

use aws_config::Region;
use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;

use super::credentials::metadata_client;
use super::settings::Settings;
use crate::model::partition;

/// AWS Organizations is one service per partition; in the commercial one any region's name leads to it.
pub(super) const DEFAULT_REGION: &str = "us-east-1";

/// As the settings say, else as the AWS CLI finds it, else the default of the partition.
pub(super) async fn region(settings: &Settings) -> Region {
    if let Some(region) = &settings.region {
        return Region::new(region.clone());
    }
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = &settings.profile {
        profile = profile.profile_name(name);
    }
    let mut chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(profile.build());
    // Without a metadata service, asking it costs a second: only if credentials may come from it, too.
    let elsewhere = settings.access_key.is_some()
        || settings.profile.is_some()
        || ["AWS_ACCESS_KEY_ID", "AWS_PROFILE"]
            .iter()
            .any(|name| std::env::var_os(name).is_some());
    if !elsewhere {
        chain = chain.or_else(
            ImdsRegionProvider::builder()
                .imds_client(metadata_client())
                .build(),
        );
    }
    // The credentials are of the role's partition, or cannot assume it.
    let role = settings.assume_role.as_ref();
    let partition = role.and_then(|role| partition::of_arn(&role.role_arn));
    let default = partition.map_or(DEFAULT_REGION, partition::organizations_region);
    chain.region().await.unwrap_or_else(|| Region::new(default))
}
