//! Where a catalog is: a directory, or a prefix of an S3 bucket.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

/// Where a catalog is, as the user configured it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A directory; a relative one is relative to Terraform's working directory.
    Disk(PathBuf),
    /// A prefix of an S3 bucket.
    S3 {
        /// Name of the bucket.
        bucket: String,
        /// Without slashes at its ends; empty: the whole bucket.
        prefix: String,
    },
}

/// A text that is no [`Location`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LocationError {
    /// The text is empty.
    #[error("the location of the catalog is empty; give a directory")]
    Empty,
    /// `s3://` without a bucket.
    #[error("{0:?} names no bucket; write s3://bucket/prefix")]
    NoBucket(String),
    /// Another kind of URL.
    #[error("{0:?} is neither a directory nor s3://bucket/prefix")]
    Scheme(String),
    /// A path that only a shell would expand.
    #[error(
        "{0:?} starts with ~, which only a shell expands; write the path out, or use pathexpand() in HCL"
    )]
    Tilde(String),
    /// A path with a NUL character.
    #[error("{0:?} contains a NUL character, which no path can")]
    Nul(String),
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        if text.is_empty() {
            return Err(LocationError::Empty);
        }
        if text.contains('\0') {
            return Err(LocationError::Nul(text.to_owned()));
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            if scheme != "s3" {
                return Err(LocationError::Scheme(text.to_owned()));
            }
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if bucket.is_empty() {
                return Err(LocationError::NoBucket(text.to_owned()));
            }
            return Ok(Location::S3 {
                bucket: bucket.to_owned(),
                prefix: prefix.trim_matches('/').to_owned(),
            });
        }
        // A slash too few would make a directory of that name.
        if text.starts_with("s3:") {
            return Err(LocationError::Scheme(text.to_owned()));
        }
        if text == "~" || text.starts_with("~/") {
            return Err(LocationError::Tilde(text.to_owned()));
        }
        Ok(Location::Disk(PathBuf::from(text)))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Disk(path) => path.display().fmt(f),
            Location::S3 { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Location::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn reads_paths_and_buckets() {
        let s3 = |bucket: &str, prefix: &str| Location::S3 {
            bucket: bucket.into(),
            prefix: prefix.into(),
        };
        for (text, location, shown) in [
            (
                ".orgmirror",
                Location::Disk(".orgmirror".into()),
                ".orgmirror",
            ),
            ("/a b/c", Location::Disk("/a b/c".into()), "/a b/c"),
            ("s3://acme", s3("acme", ""), "s3://acme"),
            ("s3://acme/", s3("acme", ""), "s3://acme"),
            ("s3://acme//prod//", s3("acme", "prod"), "s3://acme/prod"),
            (
                "s3://acme/ä b/%20",
                s3("acme", "ä b/%20"),
                "s3://acme/ä b/%20",
            ),
            (
                "s3://acme/prod/eu/",
                s3("acme", "prod/eu"),
                "s3://acme/prod/eu",
            ),
        ] {
            let read: Location = text.parse().unwrap();
            assert_eq!(read, location);
            assert_eq!(read.to_string(), shown);
        }
    }

    #[test]
    fn refuses_what_is_neither() {
        for (text, error) in [
            ("", LocationError::Empty),
            ("s3://", LocationError::NoBucket("s3://".into())),
            ("s3:///x", LocationError::NoBucket("s3:///x".into())),
            ("file:///x", LocationError::Scheme("file:///x".into())),
            ("s3:acme", LocationError::Scheme("s3:acme".into())),
            ("s3:/acme", LocationError::Scheme("s3:/acme".into())),
            ("S3://acme", LocationError::Scheme("S3://acme".into())),
            ("~/x", LocationError::Tilde("~/x".into())),
            ("a\0b", LocationError::Nul("a\0b".into())),
        ] {
            assert_eq!(text.parse::<Location>(), Err(error));
        }
    }
}
