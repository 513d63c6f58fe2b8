//! What a resource may ask for while a change is applied.

use std::fmt;
use std::marker::PhantomData;

use crate::proto::tfplugin6::DynamicValue;

use super::super::codec::{decode, decode_message};
use super::super::diagnostics::Diagnostic;
use super::super::schema::Schema;
use super::Model;

/// The values of a change beside its planned state. Each is decoded when the resource asks for it: most resources need
/// neither, and a configuration can be large.
pub struct Change<'a, S> {
    config: Config<'a>,
    prior: Option<&'a [u8]>,
    state: PhantomData<fn() -> S>,
}

impl<'a, S: Model> Change<'a, S> {
    pub(super) fn new(config: Config<'a>, prior: Option<&'a [u8]>) -> Self {
        Self {
            config,
            prior,
            state: PhantomData,
        }
    }

    /// The configuration as it is written, write-only values included: neither defaults nor computed values are in it.
    ///
    /// # Errors
    /// If it does not fit the Rust type.
    pub fn config(&self) -> Result<S, Diagnostic> {
        let Config { schema, value } = self.config;
        Ok(decode_message("configuration", schema, value)?)
    }

    /// The state before the change; none if the object is created.
    ///
    /// # Errors
    /// If it does not fit the Rust type.
    pub fn prior(&self) -> Result<Option<S>, Diagnostic> {
        let prior = self.prior.map(|prior| decode("prior state", prior));
        Ok(prior.transpose()?)
    }
}

/// Shows no values: there may be secrets among them.
impl<S> fmt::Debug for Change<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change").finish_non_exhaustive()
    }
}

/// A configuration in the message that brought it, and its schema.
#[derive(Clone, Copy)]
pub(crate) struct Config<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) value: Option<&'a DynamicValue>,
}
