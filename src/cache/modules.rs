//! Lowered modules: many in a file, each under its key.
//!
//! A file is a table of keys and lengths, and then the modules. A run that made modules adds a file with them. When there
//! are many, the small ones become one; when the small ones together are half as large as the largest, or when it is old,
//! all do, and what no run has used lately is left out. So a module is copied a few times in its life, and not in each
//! run.

use std::fs;
use std::io;
use std::ops::Range;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::seal::Sealed;
use super::{Cache, DAYS, Key, seal, today};

const PREFIX: &str = "modules-";
/// More files become one.
const MOST_FILES: usize = 8;

/// All modules that are kept.
#[derive(Debug, Default)]
pub struct Modules {
    packs: Vec<Pack>,
    /// The pack, and the bytes in it.
    places: FxHashMap<Key, (usize, Range<usize>)>,
    /// Files that are not as they were written.
    broken: Vec<String>,
}

#[derive(Debug)]
struct Pack {
    name: String,
    bytes: Sealed,
    table: Vec<(Entry, Range<usize>)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    key: Key,
    length: usize,
    /// The last day on which it was put into a file and was in use.
    day: u32,
}

impl Modules {
    pub fn load(cache: &Cache) -> Modules {
        let names = fs::read_dir(&cache.directory).into_iter().flatten().filter_map(|it| it.ok()?.file_name().into_string().ok());
        let mut modules = Modules::default();
        let mut names: Vec<String> = names.filter(|it| it.starts_with(PREFIX)).collect();
        names.sort();
        for name in names {
            match Pack::read(cache, &name) {
                None => modules.broken.push(name),
                Some(pack) => {
                    let number = modules.packs.len();
                    modules.places.extend(pack.table.iter().map(|(entry, range)| (entry.key, (number, range.clone()))));
                    modules.packs.push(pack);
                }
            }
        }
        modules
    }

    pub fn get(&self, key: &Key) -> Option<&[u8]> {
        let (number, range) = self.places.get(key)?;
        self.packs[*number].bytes.get(range.clone())
    }

    /// Keeps `made` as well. `used` are the keys that were asked for.
    pub fn keep(self, cache: &Cache, mut made: Vec<(Key, Vec<u8>)>, used: &FxHashSet<Key>) -> io::Result<()> {
        for name in &self.broken {
            // What cannot be removed is passed over again.
            let _ = fs::remove_file(cache.directory.join(name));
        }
        let today = today();
        // A file may stand twice in a tree.
        made.sort_unstable_by_key(|it| it.0);
        made.dedup_by(|a, b| a.0 == b.0);
        let old = self.to_merge(today, made.iter().map(|it| it.1.len()).sum());
        if made.is_empty() && old.is_empty() {
            return Ok(());
        }
        let mut entries: Vec<(Entry, &[u8])> =
            made.iter().map(|(key, bytes)| (Entry { key: *key, length: bytes.len(), day: today }, bytes.as_slice())).collect();
        let mut taken: FxHashSet<Key> = made.iter().map(|it| it.0).collect();
        for pack in &old {
            for (entry, range) in &pack.table {
                let day = if used.contains(&entry.key) { today } else { entry.day };
                if day.saturating_add(DAYS) >= today && taken.insert(entry.key) {
                    entries.push((Entry { day, ..entry.clone() }, &pack.bytes[range.clone()]));
                }
            }
        }
        let table: Vec<&Entry> = entries.iter().map(|it| &it.0).collect();
        let table = postcard::to_stdvec(&table).map_err(io::Error::other)?;
        let name = format!("{PREFIX}{}.bin", &blake3::hash(&table).to_hex()[..16]);
        let parts: Vec<&[u8]> = std::iter::once(table.as_slice()).chain(entries.iter().map(|it| it.1)).collect();
        seal::write(&cache.directory, &name, &parts)?;
        for pack in old.iter().filter(|it| it.name != name) {
            let _ = fs::remove_file(cache.directory.join(&pack.name));
        }
        Ok(())
    }

    /// The files that become one with another `made` bytes.
    fn to_merge(&self, today: u32, made: usize) -> Vec<&Pack> {
        let Some(largest) = self.packs.iter().max_by_key(|it| it.bytes.len()) else { return Vec::new() };
        let rest: usize = self.packs.iter().filter(|it| it.name != largest.name).map(|it| it.bytes.len()).sum();
        let is_old = largest.table.iter().any(|it| it.0.day.saturating_add(DAYS) < today);
        let is_crowded = self.packs.len() >= MOST_FILES;
        match () {
            () if is_old || is_crowded && (rest + made) * 2 > largest.bytes.len() => self.packs.iter().collect(),
            () if is_crowded => self.packs.iter().filter(|it| it.name != largest.name).collect(),
            () => Vec::new(),
        }
    }
}

impl Pack {
    fn read(cache: &Cache, name: &str) -> Option<Pack> {
        let bytes = seal::read(&cache.directory, name)?;
        let (entries, bodies): (Vec<Entry>, &[u8]) = postcard::take_from_bytes(&bytes).ok()?;
        let mut at = bytes.len() - bodies.len();
        let mut table = Vec::with_capacity(entries.len());
        for entry in entries {
            let end = at.checked_add(entry.length).filter(|it| *it <= bytes.len())?;
            table.push((entry, at..end));
            at = end;
        }
        (at == bytes.len()).then(|| Pack { name: name.to_string(), bytes, table })
    }
}
