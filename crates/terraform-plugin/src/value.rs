//! Values as Terraform has them: known, null or unknown.

pub use describe::{Number, Set, Value};
pub(crate) use describe::{UNKNOWN, VALUE};
