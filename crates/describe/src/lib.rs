//! What a declared object is made of: its attributes, their types and rules, and values that may not be known yet.
//!
//! A struct is declared once. [`derive@Describe`] makes of it the list of its attributes ([`Object::attributes`]), whose
//! descriptions are the doc comments, and, where a counterpart is asked for, a second struct in which each attribute is a
//! [`Value`]: set, not set, or not known yet. [`Known::into_planned`] and [`Known::from_planned`] lead from the one to the
//! other.
//!
//! Nothing in here knows a protocol, a file format or an operating system: what reads and writes objects interprets their
//! description.

// The derive macro's code names this crate.
extern crate self as describe;

mod attribute;
mod described;
mod types;
mod value;

pub use attribute::{Attribute, Check, Kind, Nesting, Scalar, Violation};
pub use describe_derive::Describe;
#[doc(hidden)]
pub use described::derived;
pub use described::{Described, Field, Known, NotKnown, Object, Record, StringCheck, is_known};
#[doc(hidden)]
pub use serde;
pub use types::Type;
pub use value::{NUMBER, Number, Set, UNKNOWN, VALUE, Value};
