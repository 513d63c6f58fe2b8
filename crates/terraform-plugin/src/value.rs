//! Values as Terraform has them: known, null or unknown.

pub(crate) use describe::{UNKNOWN, VALUE};
pub use describe::{Number, Set, Value};
