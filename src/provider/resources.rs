//! The managed resources: a file for each, and the list of all.

mod connection_override;
mod connection_permission;
mod external_id;
mod folder_override;
mod folder_permission;
pub(in crate::provider) mod integration;
mod overridden;
mod scoped;
mod workspace;

use terraform_plugin::resource::ResourceType;

use super::catalog_resource::CatalogResource;
use super::data::Data;

/// All resources. Those that declare an object of the catalog share one life.
pub(super) fn all() -> Vec<ResourceType<Data>> {
    vec![
        ResourceType::new(CatalogResource::<integration::State>::new()),
        ResourceType::new(CatalogResource::<folder_permission::State>::new()),
        ResourceType::new(CatalogResource::<connection_permission::State>::new()),
        ResourceType::new(CatalogResource::<folder_override::State>::new()),
        ResourceType::new(CatalogResource::<connection_override::State>::new()),
        ResourceType::new(CatalogResource::<workspace::State>::new()),
        ResourceType::new(external_id::ExternalIdResource),
    ]
}
