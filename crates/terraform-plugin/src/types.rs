//! Terraform's type constraints.

pub use describe::Type;
