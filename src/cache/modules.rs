//! Lowered modules: many in a file, each under its key.
//!
//! A file is a table of keys, lengths and checksums, and then the modules, each of which is read when it is asked for. A
//! run that made modules adds a file with them. When there are many, the small ones become one; when the small ones
//! together are half as large as the largest, or when it is old, all do, and what no run has used lately is left out. So a
//! module is copied a few times in its life, and not in each run.

use std::fs;
use std::io;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::seal::Pieces;
use super::{Cache, DAYS, Key, seal, today};

const PREFIX: &str = "modules-";
/// More files become one.
const MOST_FILES: usize = 8;

/// All modules that are kept.
#[derive(Debug, Default)]
pub struct Modules {
    packs: Vec<Pack>,
    /// The pack, and the place in its table. One that is no longer what it was may stand in another pack as well.
    places: FxHashMap<Key, SmallVec<[(usize, usize); 1]>>,
    /// Files that are not as they were written.
    broken: Vec<String>,
}

#[derive(Debug)]
struct Pack {
    name: String,
    pieces: Pieces,
    /// With where each begins.
    table: Vec<(Entry, u64)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    key: Key,
    length: usize,
    /// BLAKE3 of the bytes.
    sum: [u8; 32],
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
                    for (at, (entry, _)) in pack.table.iter().enumerate() {
                        modules.places.entry(entry.key).or_default().push((number, at));
                    }
                    modules.packs.push(pack);
                }
            }
        }
        modules
    }

    /// The module under `key`; none if it is not there, or not as it was written.
    pub fn get(&self, key: &Key) -> Option<Vec<u8>> {
        self.places.get(key)?.iter().find_map(|(pack, at)| self.packs[*pack].get(*at))
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
        let old = self.to_merge(today, made.iter().map(|it| it.1.len() as u64).sum());
        if made.is_empty() && old.is_empty() {
            return Ok(());
        }
        let mut taken: FxHashSet<Key> = made.iter().map(|it| it.0).collect();
        let mut entries: Vec<(Entry, Vec<u8>)> = Vec::with_capacity(made.len());
        for (key, bytes) in made {
            entries.push((Entry { key, length: bytes.len(), sum: *blake3::hash(&bytes).as_bytes(), day: today }, bytes));
        }
        for pack in &old {
            for (at, (entry, _)) in pack.table.iter().enumerate() {
                let day = if used.contains(&entry.key) { today } else { entry.day };
                if day.saturating_add(DAYS) >= today
                    && !taken.contains(&entry.key)
                    && let Some(bytes) = pack.get(at)
                {
                    taken.insert(entry.key);
                    entries.push((Entry { day, ..entry.clone() }, bytes));
                }
            }
        }
        let table: Vec<&Entry> = entries.iter().map(|it| &it.0).collect();
        let table = postcard::to_stdvec(&table).map_err(io::Error::other)?;
        let name = format!("{PREFIX}{}.bin", &blake3::hash(&table).to_hex()[..16]);
        let pieces: Vec<&[u8]> = entries.iter().map(|it| &*it.1).collect();
        seal::write_pieces(&cache.directory, &name, &table, &pieces)?;
        for pack in old.iter().filter(|it| it.name != name) {
            let _ = fs::remove_file(cache.directory.join(&pack.name));
        }
        Ok(())
    }

    /// The files that become one with another `made` bytes.
    fn to_merge(&self, today: u32, made: u64) -> Vec<&Pack> {
        let Some(largest) = self.packs.iter().max_by_key(|it| it.pieces.length) else { return Vec::new() };
        let rest: u64 = self.packs.iter().filter(|it| it.name != largest.name).map(|it| it.pieces.length).sum();
        let is_old = largest.table.iter().any(|it| it.0.day.saturating_add(DAYS) < today);
        let is_crowded = self.packs.len() >= MOST_FILES;
        match () {
            () if is_old || is_crowded && (rest + made) * 2 > largest.pieces.length => self.packs.iter().collect(),
            () if is_crowded => self.packs.iter().filter(|it| it.name != largest.name).collect(),
            () => Vec::new(),
        }
    }
}

impl Pack {
    fn read(cache: &Cache, name: &str) -> Option<Pack> {
        let pieces = Pieces::open(&cache.directory, name)?;
        let entries: Vec<Entry> = postcard::from_bytes(&pieces.head).ok()?;
        let mut at: u64 = 0;
        let mut table = Vec::with_capacity(entries.len());
        for entry in entries {
            let end = at.checked_add(entry.length as u64)?;
            table.push((entry, at));
            at = end;
        }
        (at == pieces.length).then(|| Pack { name: name.to_string(), pieces, table })
    }

    /// The bytes of an entry, if they are as they were written.
    fn get(&self, at: usize) -> Option<Vec<u8>> {
        let (entry, start) = &self.table[at];
        self.pieces.read(*start, entry.length).filter(|it| *blake3::hash(it).as_bytes() == entry.sum)
    }
}
