//! Where the tests keep catalogs: a directory, or a bucket in moto.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use orgmirror::catalog::*;
use orgmirror_testing::moto;
use orgmirror_testing::s3::{self, Bucket};
use tempfile::TempDir;

use crate::fixtures::{TENANT, contents};

/// Makes a test on disk and one in S3 of each of these functions, which take the place.
macro_rules! on_each_store {
    ($($(#[$attribute:meta])* $test:ident),+ $(,)?) => {
        mod on_disk {
            $($(#[$attribute])* #[tokio::test] async fn $test() {
                super::$test($crate::place::Place::on_disk()).await;
            })+
        }
        mod in_s3 {
            $($(#[$attribute])* #[tokio::test] async fn $test() {
                super::$test($crate::place::Place::in_s3()).await;
            })+
        }
    };
}
pub(crate) use on_each_store;

/// A place for one catalog, which goes when dropped.
pub enum Place {
    Disk(TempDir),
    S3(Bucket),
}

impl Place {
    pub fn on_disk() -> Self {
        Place::Disk(TempDir::new().unwrap())
    }

    pub fn in_s3() -> Self {
        Place::S3(Bucket::make())
    }

    /// An empty one of the same kind.
    pub fn another(&self) -> Self {
        match self {
            Place::Disk(_) => Self::on_disk(),
            Place::S3(_) => Self::in_s3(),
        }
    }

    /// The store that another process has of it.
    pub fn store(&self) -> Arc<dyn Store> {
        store_at(&self.address())
    }

    /// The catalog as another process has it.
    pub fn open(&self) -> Catalog {
        Catalog::with_store(self.store(), TENANT)
    }

    /// What leads another process here.
    pub fn address(&self) -> String {
        match self {
            Place::Disk(directory) => directory.path().to_str().unwrap().to_owned(),
            Place::S3(bucket) => format!("{}/{}", moto::url(), bucket.name),
        }
    }

    /// Every file with its content, by path; not the lock, which nobody reads.
    pub async fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.files_below("").await
    }

    pub async fn files_below(&self, prefix: &str) -> BTreeMap<String, Vec<u8>> {
        match self {
            Place::Disk(directory) => {
                let root = directory.path();
                let files = contents(root)
                    .into_iter()
                    .filter(|(path, _)| !path.is_dir());
                let files = files.map(|(path, bytes)| {
                    let path = path.strip_prefix(root).unwrap();
                    (path.to_str().unwrap().to_owned(), bytes)
                });
                files
                    .filter(|(path, _)| path.starts_with(prefix))
                    .filter(|(path, _)| !path.ends_with("/catalog.lock"))
                    .collect()
            }
            Place::S3(bucket) => bucket.contents_below(prefix).await,
        }
    }

    pub async fn get(&self, path: &str) -> Option<Vec<u8>> {
        match self {
            Place::Disk(directory) => match fs::read(directory.path().join(path)) {
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                read => Some(read.unwrap()),
            },
            Place::S3(bucket) => bucket.get(path).await,
        }
    }

    pub async fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        match self {
            Place::Disk(directory) => {
                let path = directory.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            }
            Place::S3(bucket) => bucket.put(path, bytes.as_ref()).await,
        }
    }

    pub async fn remove(&self, path: &str) {
        match self {
            Place::Disk(directory) => fs::remove_file(directory.path().join(path)).unwrap(),
            Place::S3(bucket) => bucket.remove(path).await,
        }
    }

    /// A way here for processes that are to be killed.
    pub fn way(&self) -> Way {
        match self {
            Place::Disk(_) => Way {
                address: self.address(),
                proxy: None,
            },
            Place::S3(bucket) => {
                let proxy = Bucket::nowhere(&bucket.name);
                Way {
                    address: format!("{}/{}", proxy.url(), bucket.name),
                    proxy: Some(proxy),
                }
            }
        }
    }
}

/// A way to a place, see [`Place::way`].
pub struct Way {
    /// What leads another process through it.
    pub address: String,
    proxy: Option<Bucket>,
}

impl Way {
    /// What the killed asked for is made when this returns, or never will be. Without it moto might still be at it.
    pub async fn close(self) {
        if let Some(proxy) = self.proxy {
            proxy.close().await;
        }
    }
}

/// The store at [`Place::address`] or the end of a [`Way`].
pub fn store_at(address: &str) -> Arc<dyn Store> {
    if !address.starts_with("http://") {
        return Arc::new(Disk::new(Path::new(address), TENANT));
    }
    let (url, bucket) = address.rsplit_once('/').unwrap();
    let place = S3Place {
        bucket: bucket.to_owned(),
        prefix: String::new(),
        kms_key_id: None,
        max_retries: 3,
    };
    Arc::new(S3::new(place, Arc::new(s3::client(url)), TENANT))
}
