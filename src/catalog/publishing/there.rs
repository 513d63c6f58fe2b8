//! The files that a list found.

use std::collections::BTreeMap;

use crate::catalog::store::{Digest, Listed, Token};

/// The files that a list found, by path; without any, also where nothing could be listed. So a file that is not here may
/// be there all the same, such as behind a link.
#[derive(Debug, Default)]
pub(super) struct There(BTreeMap<String, Listed>);

impl There {
    pub(super) fn new(listed: Vec<Listed>) -> Self {
        let by_path = listed.into_iter().map(|file| (file.path.clone(), file));
        Self(by_path.collect())
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Names the content of a file, where it has a name.
    pub(super) fn token(&self, path: &str) -> Option<Token> {
        self.0.get(path)?.token.clone()
    }

    /// Whether a file is certainly the one that has this token.
    pub(super) fn is_unchanged(&self, path: &str, token: Option<&Token>) -> bool {
        token.is_some() && self.token(path).as_ref() == token
    }

    /// Whether a file is certainly not the one with this digest.
    pub(super) fn is_other(&self, path: &str, digest: &Digest) -> bool {
        let length = self.0.get(path).and_then(|file| file.length);
        length.is_some_and(|length| length != digest.length)
    }
}
