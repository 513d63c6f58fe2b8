//! The managed resources, one file each.

mod belonging;
pub mod connection_override;
pub mod connection_permission;
pub mod external_id;
pub mod folder_override;
pub mod folder_permission;
pub mod integration;
mod overridden;
pub mod workspace;
