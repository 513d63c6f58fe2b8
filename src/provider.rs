//! Where Terraform calls in: schemas, and thin glue from them to the other rooms.

pub mod arguments;
mod credentials;
pub mod data_sources;
mod duration;
mod kept;
mod late;
pub mod orgmirror;
mod reach;
pub mod resources;

use crate::framework::server::Server;

pub use orgmirror::Orgmirror;

/// The provider as the gRPC service that [`crate::plugin::serve`] takes.
pub fn server() -> Server<Orgmirror> {
    Server::new(Orgmirror)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_and_types_are_sound() {
        let problems = crate::framework::provider::problems(&Orgmirror);
        assert_eq!(problems, Vec::<String>::new());
    }
}
