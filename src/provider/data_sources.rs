//! The data sources: a file for each, and the list of all.

mod aws_organization;
mod catalog_history;
mod connection_test;
mod connections;
mod integration;
mod onboarding;
mod resource_explorer;

use terraform_plugin::data_source::DataSourceType;

use super::data::Data;

/// All data sources.
pub(super) fn all() -> Vec<DataSourceType<Data>> {
    vec![
        DataSourceType::new(aws_organization::AwsOrganization),
        DataSourceType::new(integration::IntegrationData),
        DataSourceType::new(connections::Connections),
        DataSourceType::new(connection_test::ConnectionTest),
        DataSourceType::new(catalog_history::CatalogHistory),
        DataSourceType::new(onboarding::OnboardingData),
        DataSourceType::new(resource_explorer::ResourceExplorer),
    ]
}
