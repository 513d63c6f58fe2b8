//! The list of published files.

use std::collections::BTreeMap;

use crate::catalog::store::{Digest, Listed, Token};

/// The published files that the store lists, by path; empty also if it could not list any. A file that is not listed may
/// exist all the same, for example behind a link.
#[derive(Debug, Default)]
pub(super) struct PublicationListing(BTreeMap<String, Listed>);

impl PublicationListing {
    pub(super) fn new(listed: Vec<Listed>) -> Self {
        let by_path = listed.into_iter().map(|file| (file.path.clone(), file));
        Self(by_path.collect())
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The token of a file's content, if it has one.
    pub(super) fn token(&self, path: &str) -> Option<Token> {
        self.0.get(path)?.token.clone()
    }

    /// Whether a file certainly has this token.
    pub(super) fn is_unchanged(&self, path: &str, token: Option<&Token>) -> bool {
        token.is_some() && self.token(path).as_ref() == token
    }

    /// Whether a file certainly does not have this digest.
    pub(super) fn is_other(&self, path: &str, digest: &Digest) -> bool {
        let length = self.0.get(path).and_then(|file| file.length);
        length.is_some_and(|length| length != digest.length)
    }
}
