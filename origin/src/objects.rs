//! Objects: bytes under a name, in a directory or in an S3-compatible store.
//!
//! Invariant: what `put` acknowledged survives a crash of the machine; an object is whole or not
//! there. Refused: names that leave the store.

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart};
use std::path::PathBuf;
use std::sync::Arc;

/// Deletions at once.
const DELETES: usize = 8;

/// Why the store did not.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no such object")]
    Absent,
    #[error("the store of objects: {0}")]
    Store(object_store::Error),
    #[error("the store of objects: {0}")]
    Io(#[from] std::io::Error),
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Absent,
            other => Self::Store(other),
        }
    }
}

/// An object on its way out.
pub struct Found {
    pub bytes: u64,
    pub parts: BoxStream<'static, Result<axum::body::Bytes, object_store::Error>>,
}

/// The store.
#[derive(Clone, Debug)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    /// Of a directory, whose files are synchronised by hand.
    root: Option<PathBuf>,
    prefix: Path,
}

impl Objects {
    /// Opens `s3://bucket/prefix` or a directory. `s3` are names and values of `AWS_…`; what else
    /// the environment has of these (a machine's own role) counts too.
    ///
    /// # Errors
    /// The directory cannot be made, or the URL or a value is wrong.
    pub fn open(url: &str, s3: &[(&'static str, String)]) -> Result<Self, Error> {
        if let Some(rest) = url.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let mut store = AmazonS3Builder::from_env().with_bucket_name(bucket);
            for (name, value) in s3 {
                store = store.with_config(name.to_ascii_lowercase().parse()?, value);
            }
            let store = store.build()?;
            return Ok(Self { store: Arc::new(store), root: None, prefix: Path::from(prefix) });
        }
        let root = PathBuf::from(url.strip_prefix("file://").unwrap_or(url));
        std::fs::create_dir_all(&root)?;
        let root = root.canonicalize()?;
        let store = Arc::new(LocalFileSystem::new_with_prefix(&root)?);
        Ok(Self { store, root: Some(root), prefix: Path::default() })
    }

    fn path(&self, key: &str) -> Result<Path, Error> {
        let own = Path::parse(key).map_err(object_store::Error::from)?;
        Ok(self.prefix.parts().chain(own.parts()).collect())
    }

    /// Keeps a whole object; replaces another of the name.
    ///
    /// # Errors
    /// The store does not take it.
    pub async fn put(&self, key: &str, bytes: impl Into<PutPayload>) -> Result<(), Error> {
        let path = self.path(key)?;
        self.store.put(&path, bytes.into()).await?;
        self.synchronise(&path).await
    }

    /// A long object, part by part; nothing is there until [`Objects::finish`].
    ///
    /// # Errors
    /// The store does not take it.
    pub async fn begin(&self, key: &str) -> Result<WriteMultipart, Error> {
        Ok(WriteMultipart::new(self.store.put_multipart(&self.path(key)?).await?))
    }

    /// Ends what [`Objects::begin`] began.
    ///
    /// # Errors
    /// The store does not take it.
    pub async fn finish(&self, key: &str, upload: WriteMultipart) -> Result<(), Error> {
        upload.finish().await?;
        self.synchronise(&self.path(key)?).await
    }

    /// What was written reaches the disk, and the directory that names it.
    async fn synchronise(&self, path: &Path) -> Result<(), Error> {
        let Some(root) = &self.root else { return Ok(()) };
        let file = path.parts().fold(root.clone(), |at, part| at.join(part.as_ref()));
        tokio::fs::File::open(&file).await?.sync_all().await?;
        let mut dir = file.as_path();
        // A directory's own name is in its parent: new ones are named up to the root.
        while let Some(parent) = dir.parent().filter(|parent| parent.starts_with(root)) {
            tokio::fs::File::open(parent).await?.sync_all().await?;
            dir = parent;
        }
        Ok(())
    }

    /// An object, as it comes.
    ///
    /// # Errors
    /// [`Error::Absent`], or the store does not answer.
    pub async fn get(&self, key: &str) -> Result<Found, Error> {
        let found = self.store.get(&self.path(key)?).await?;
        Ok(Found { bytes: found.meta.size, parts: found.into_stream() })
    }

    /// A whole object that is known to be small.
    ///
    /// # Errors
    /// As [`Objects::get`].
    pub async fn read(&self, key: &str) -> Result<axum::body::Bytes, Error> {
        Ok(self.store.get(&self.path(key)?).await?.bytes().await?)
    }

    /// Whether it is there.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn has(&self, key: &str) -> Result<bool, Error> {
        match self.store.head(&self.path(key)?).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// Takes an object away; one that is not there is gone already.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn delete(&self, key: &str) -> Result<(), Error> {
        match self.store.delete(&self.path(key)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    /// Takes everything below `key` away; how many objects.
    ///
    /// # Errors
    /// The store does not answer; what is left is found by the next call.
    pub async fn delete_below(&self, key: &str) -> Result<u64, Error> {
        let path = self.path(key)?;
        let all: Vec<Path> =
            self.store.list(Some(&path)).map_ok(|meta| meta.location).try_collect().await?;
        let count = all.len() as u64;
        let deletes = all.into_iter().map(|path| async move {
            match self.store.delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(other) => Err(Error::from(other)),
            }
        });
        futures::stream::iter(deletes).buffer_unordered(DELETES).try_collect::<Vec<()>>().await?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_object_is_whole_or_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::open(&format!("{}/o", dir.path().display()), &[]).unwrap();
        objects.put("app_1/vid_1/v240-avc/0.m4s", vec![7u8; 10]).await.unwrap();
        assert_eq!(objects.read("app_1/vid_1/v240-avc/0.m4s").await.unwrap(), vec![7u8; 10]);
        assert!(matches!(objects.get("app_1/vid_1/none").await, Err(Error::Absent)));
        let mut long = objects.begin("app_1/vid_1/long").await.unwrap();
        long.write(b"abc");
        assert!(!objects.has("app_1/vid_1/long").await.unwrap());
        objects.finish("app_1/vid_1/long", long).await.unwrap();
        assert_eq!(objects.get("app_1/vid_1/long").await.unwrap().bytes, 3);
        assert!(objects.get("../etc/passwd").await.is_err());
        assert_eq!(objects.delete_below("app_1/vid_1").await.unwrap(), 2);
        objects.delete("app_1/vid_1/long").await.unwrap();
    }
}
