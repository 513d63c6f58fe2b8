//! Where Terraform calls in: schemas, and thin glue from them to the other rooms.

pub mod arguments;
mod catalog_config;
mod catalog_ops;
mod catalog_resource;
mod concurrency;
mod credentials;
mod data;
pub mod data_sources;
mod duration;
mod environment;
mod impact;
mod late;
mod messages;
pub mod orgmirror;
mod regions;
pub mod resources;
mod selection;
mod side_effects;
mod timeouts;

use std::process::ExitCode;

use terraform_plugin::plugin::{self, About};
use terraform_plugin::server::Server;

pub use orgmirror::Orgmirror;

/// What the process says of itself.
pub const ABOUT: About = About {
    provider: "orgmirror",
    version: env!("CARGO_PKG_VERSION"),
    crates: &[env!("CARGO_CRATE_NAME")],
    hosts: "Terraform or OpenTofu 1.11 or later",
};

/// Serves the provider until Terraform ends it ([`plugin::serve`]).
pub fn serve() -> ExitCode {
    plugin::serve(Server::new(Orgmirror), ABOUT)
}

#[cfg(test)]
mod tests {
    use terraform_plugin::provider::Provider;

    use super::*;

    #[test]
    fn schemas_and_types_are_sound() {
        let problems = terraform_plugin::provider::problems(&Orgmirror);
        assert_eq!(problems, Vec::<String>::new());
    }

    /// A handle may change, and then belong to another object.
    #[test]
    fn no_identity_contains_a_handle() {
        for resource in Orgmirror.resources() {
            let identity = resource.identity();
            let handles = identity
                .names()
                .iter()
                .filter(|name| name.contains("handle"));
            assert_eq!(handles.count(), 0, "{}: {identity:?}", resource.name());
        }
    }
}
