//! The objects of a tenant: a file for each kind, and the one list of the kinds.
//!
//! A new kind is a file here and a row in [`kinds`]. The row makes it a part of [`Tenant`](super::tenant::Tenant), of the
//! catalog's document, of the history, and of what a change affects. What the compiler then asks for is `Admit`
//! (`admission.rs`).

pub mod connection_override;
pub mod connection_permission;
pub mod folder_override;
pub mod folder_permission;
pub mod integration;
pub mod object;
pub mod scoped;
pub mod settings;
pub mod workspace;

pub use connection_override::{ConnectionOverride, PlannedConnectionOverride};
pub use connection_permission::{ConnectionPermission, PlannedConnectionPermission};
pub use folder_override::{FolderOverride, PlannedFolderOverride};
pub use folder_permission::{FolderPermission, PlannedFolderPermission};
pub use integration::{Integration, PlannedIntegration};
pub use object::{Concerns, Object, ObjectMap};
pub use scoped::{Scoped, Target};
pub use settings::{
    ConnectionSettings, EffectiveSettings, OverriddenSettings, PlannedConnectionSettings,
    PlannedEffectiveSettings, PlannedOverriddenSettings,
};
pub use workspace::Workspace;

/// Calls the macro `$with` with a row for each kind: its doc comment, its field in a tenant and in the catalog's document,
/// its type, and in brackets what serde does where a document lacks the field. Documents of schema version 1 have
/// integrations alone, so `[default]` stands at every other kind. History and messages keep this order.
macro_rules! kinds {
    ($with:ident) => {
        $with! {
            /// Mirrors of AWS organizations and of hand-written accounts.
            integrations: $crate::model::objects::Integration [],
            /// Grants of folders.
            folder_permissions: $crate::model::objects::FolderPermission [default],
            /// Grants of connections.
            connection_permissions: $crate::model::objects::ConnectionPermission [default],
            /// Settings of folders that differ.
            folder_overrides: $crate::model::objects::FolderOverride [default],
            /// Settings of connections that differ.
            connection_overrides: $crate::model::objects::ConnectionOverride [default],
            /// Consumers of connections.
            workspaces: $crate::model::objects::Workspace [default],
        }
    };
}
pub(crate) use kinds;
