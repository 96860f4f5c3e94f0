//! What is known of each file, by its path, as long as its stamp is the same.

use std::io;
use std::path::Path;

use rustc_hash::FxHashMap;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Cache, DAYS, Stamp, seal, today};

const NAME: &str = "files.bin";

/// `T` is what is known.
#[derive(Debug)]
pub struct Index<T> {
    records: FxHashMap<String, Record<T>>,
}

/// What is known of one file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Record<T> {
    pub stamp: Stamp,
    pub about: T,
    /// The day of its last use.
    day: u32,
}

impl<T> Default for Index<T> {
    fn default() -> Self {
        Index { records: FxHashMap::default() }
    }
}

impl<T: Serialize + DeserializeOwned + Clone + PartialEq> Index<T> {
    /// As it was kept; empty if there is none.
    pub fn load(cache: &Cache) -> Index<T> {
        let read = seal::read(&cache.directory, NAME).and_then(|it| postcard::from_bytes(&it).ok());
        Index { records: read.unwrap_or_default() }
    }

    /// What is known of the file that lies at `path` and has this stamp.
    pub fn get(&self, path: &Path, stamp: Stamp) -> Option<&T> {
        self.records.get(path.to_str()?).filter(|it| it.stamp == stamp).map(|it| &it.about)
    }

    /// Keeps what is known of these files, and forgets those that no run has asked for lately. Writes nothing if that is
    /// what was known.
    pub fn keep<'p>(mut self, cache: &Cache, files: impl Iterator<Item = (&'p Path, Option<Stamp>, T)>) -> io::Result<()> {
        let today = today();
        let mut is_new = false;
        for (path, stamp, about) in files {
            let Some(path) = path.to_str() else { continue };
            match stamp.map(|stamp| Record { stamp, about, day: today }) {
                None => is_new |= self.records.remove(path).is_some(),
                Some(record) if self.records.get(path) == Some(&record) => {}
                Some(record) => {
                    self.records.insert(path.to_string(), record);
                    is_new = true;
                }
            }
        }
        if !is_new {
            return Ok(());
        }
        self.records.retain(|_, it| it.day.saturating_add(DAYS) >= today);
        let bytes = postcard::to_stdvec(&self.records).map_err(io::Error::other)?;
        seal::write(&cache.directory, NAME, &bytes)
    }
}
