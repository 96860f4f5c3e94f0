use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use rustc_hash::FxHashSet;
use tempfile::TempDir;

use super::*;

/// A cache in a directory of its own.
fn cache() -> (TempDir, Cache) {
    let directory = tempfile::tempdir().unwrap();
    let cache = Cache::open(&directory.path().join(NAME), false).unwrap();
    (directory, cache)
}

fn key(number: u8) -> Key {
    [number; 32]
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Keeps modules, each a byte repeated, that are asked for in this run as those in `used` are.
fn keep(cache: &Cache, made: &[u8], used: &[u8]) {
    let made = made.iter().map(|it| (key(*it), vec![*it; 10 + usize::from(*it)])).collect();
    Modules::load(cache).keep(cache, made, &used.iter().map(|it| key(*it)).collect()).unwrap();
}

fn kept(cache: &Cache) -> Vec<u8> {
    let modules = Modules::load(cache);
    let is_kept = |it: &u8| modules.get(&key(*it)).inspect(|bytes| assert_eq!(*bytes, vec![*it; 10 + usize::from(*it)])).is_some();
    (0..=u8::MAX).filter(is_kept).collect()
}

#[test]
fn results_come_back_under_their_keys() {
    let (_directory, cache) = cache();
    assert_eq!(cache.result(&key(1)), None);
    cache.keep_result(&key(1), b"one").unwrap();
    cache.keep_result(&key(2), b"").unwrap();
    assert_eq!((cache.result(&key(1)).as_deref(), cache.result(&key(2)).as_deref()), (Some(&b"one"[..]), Some(&b""[..])));
    // Under another name it is another file.
    fs::copy(cache.directory.join(result_name(&key(1))), cache.directory.join(result_name(&key(3)))).unwrap();
    assert_eq!(cache.result(&key(3)), None);
}

#[test]
fn modules_come_back_and_files_stay_few() {
    let (_directory, cache) = cache();
    for number in 0..100 {
        keep(&cache, &[number], &[]);
        assert!(names(&cache.directory).len() <= 8, "{:?}", names(&cache.directory));
    }
    keep(&cache, &[7, 7, 200], &[]);
    assert_eq!(kept(&cache), (0..100).chain([200]).collect::<Vec<u8>>());
    let before = names(&cache.directory);
    keep(&cache, &[], &[1, 2, 3]);
    assert_eq!(names(&cache.directory), before, "nothing new, nothing written");
}

#[test]
fn a_large_file_is_not_copied_for_each_small_one() {
    let (_directory, cache) = cache();
    Modules::default().keep(&cache, vec![(key(250), vec![1; 1_000_000])], &FxHashSet::default()).unwrap();
    let large = names(&cache.directory);
    for number in 0..50 {
        keep(&cache, &[number], &[]);
    }
    assert!(names(&cache.directory).contains(&large[0]) && names(&cache.directory).len() <= 8);
}

#[test]
fn broken_files_are_passed_over_and_removed() {
    let (_directory, cache) = cache();
    keep(&cache, &[1], &[]);
    let broken = cache.directory.join(&names(&cache.directory)[0]);
    let bytes = fs::read(&broken).unwrap();
    fs::write(&broken, &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(kept(&cache), [0u8; 0]);
    keep(&cache, &[2], &[]);
    assert_eq!((kept(&cache), broken.exists()), (vec![2], false));
}

#[test]
fn a_module_that_changed_is_passed_over_and_the_others_are_not() {
    let (_directory, cache) = cache();
    keep(&cache, &[1, 2, 3], &[]);
    let path = cache.directory.join(&names(&cache.directory)[0]);
    let mut bytes = fs::read(&path).unwrap();
    // The last byte of the second of three.
    let at = bytes.len() - 14;
    assert_eq!((bytes[at], bytes[at + 1]), (2, 3));
    bytes[at] = 7;
    fs::write(&path, bytes).unwrap();
    assert_eq!(kept(&cache), [1, 3]);
    keep(&cache, &[2], &[]);
    assert_eq!(kept(&cache), [1, 2, 3]);
}

#[test]
fn what_is_old_goes() {
    let (_directory, cache) = cache();
    let age = |name: &str, days: u64| {
        let time = SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60);
        File::open(cache.directory.join(name)).unwrap().set_modified(time).unwrap();
    };
    for number in 0..20 {
        cache.keep_result(&key(number), b"x").unwrap();
        age(&result_name(&key(number)), u64::from(20 - number));
    }
    fs::write(cache.directory.join("unfinished-a"), "").unwrap();
    fs::write(cache.directory.join("unfinished-b"), "").unwrap();
    age("unfinished-a", 2);
    let other = cache.directory.with_file_name("0.0.9-0123456789abcdef");
    let foreign = cache.directory.with_file_name("notes-of-mine");
    for directory in [&other, &foreign] {
        fs::create_dir(directory).unwrap();
        File::open(directory).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    }
    cache.keep_result(&key(30), b"x").unwrap();
    let results = names(&cache.directory).iter().filter(|it| it.starts_with(RESULT)).count();
    assert_eq!(results, 14, "of 13 days, and the new one");
    assert!(!cache.directory.join("unfinished-a").exists() && cache.directory.join("unfinished-b").exists());
    assert!(!other.exists() && foreign.exists());
    for number in 40..80 {
        cache.keep_result(&key(number), b"x").unwrap();
    }
    assert_eq!(names(&cache.directory).iter().filter(|it| it.starts_with(RESULT)).count(), 16);
}

#[cfg(unix)]
#[test]
fn an_index_knows_files_that_have_not_changed() {
    let (directory, cache) = cache();
    let path = directory.path().join("a.py");
    fs::write(&path, "a = 1\n").unwrap();
    assert_eq!(Stamp::of(&path), None, "it has changed just now, and may again in the same tick");
    std::thread::sleep(Duration::from_millis(2100));
    let stamp = Stamp::of(&path);
    let keep = |stamp| Index::load(&cache).keep(&cache, [(path.as_path(), stamp, 7)].into_iter()).unwrap();
    keep(stamp);
    let known = |stamp: Option<Stamp>| Index::<i32>::load(&cache).get(&path, stamp.unwrap()).copied();
    assert_eq!(known(stamp), Some(7));

    // The same size, and the time of modification set back: what a careful editor, or an attacker, would do.
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, "a = 2\n").unwrap();
    File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    std::thread::sleep(Duration::from_millis(2100));
    assert_eq!(known(Stamp::of(&path)), None);
    keep(None);
    assert_eq!(known(stamp), None, "of what has no stamp nothing is known");
}

#[test]
fn only_an_own_directory_is_used_and_removed() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("empty")).unwrap();
    Cache::open(&at("empty"), true).unwrap();
    Cache::open(&at("deep/below"), true).unwrap();
    assert!(names(&at("empty")).starts_with(&[".gitignore".into()]) && fs::read_to_string(at("empty/.gitignore")).unwrap() == "*\n");
    fs::create_dir(at("other")).unwrap();
    fs::write(at("other/thesis.txt"), "").unwrap();
    fs::write(at("file"), "").unwrap();
    for name in ["other", "file"] {
        assert!(Cache::open(&at(name), true).is_err());
        assert!(matches!(clean(&at(name)), Err(CleanError::Foreign(_))));
    }
    assert_eq!(names(&at("other")), ["thesis.txt"]);
    assert!(clean(&at("empty")).unwrap() && !at("empty").exists() && !clean(&at("empty")).unwrap());
}

#[cfg(unix)]
#[test]
fn links_in_a_tree_lead_nowhere() {
    use std::os::unix::fs::symlink;
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("elsewhere")).unwrap();
    symlink(at("elsewhere"), at("link")).unwrap();
    assert!(Cache::open(&at("link"), false).is_err());
    // The tag, or the build's directory, is a link.
    fs::create_dir(at("tagged")).unwrap();
    symlink(at("victim"), at("tagged/CACHEDIR.TAG")).unwrap();
    let _ = Cache::open(&at("tagged"), false);
    let cache = Cache::open(&at("cache"), false).unwrap();
    fs::remove_dir(&cache.directory).unwrap();
    symlink(at("elsewhere"), &cache.directory).unwrap();
    assert!(Cache::open(&at("cache"), false).is_err());
    assert!(!at("victim").exists() && names(&at("elsewhere")).is_empty());
    // A result that never ends.
    fs::remove_file(&cache.directory).unwrap();
    let cache = Cache::open(&at("cache"), false).unwrap();
    symlink("/dev/zero", cache.directory.join(result_name(&key(1)))).unwrap();
    assert_eq!(cache.result(&key(1)), None);
    assert!(Cache::open(&at("link"), true).is_ok(), "who names a link means it");
}

#[test]
fn many_at_once() {
    let (_directory, cache) = cache();
    std::thread::scope(|scope| {
        for thread in 0..4u8 {
            let cache = &cache;
            scope.spawn(move || {
                for round in 0..30u8 {
                    // What one sees may be old, or gone, but never wrong.
                    kept(cache);
                    keep(cache, &[thread * 30 + round], &[round]);
                    cache.keep_result(&key(round % 4), &[round % 4; 5_000]).unwrap();
                    if let Some(bytes) = cache.result(&key(round % 3)) {
                        assert_eq!(bytes, [round % 3; 5_000]);
                    }
                    let index = Index::load(cache);
                    index.keep(cache, std::iter::empty::<(&Path, Option<Stamp>, u8)>()).unwrap();
                }
            });
        }
    });
    assert!(!kept(&cache).is_empty());
    assert!(names(&cache.directory).iter().all(|it| !it.starts_with("unfinished-")));
}

/// Puts `bytes` in place of each file of a cache, and looks at it in every way.
fn look_at(bytes: &[u8], is_sealed: bool) {
    let (_directory, cache) = cache();
    for name in ["files.bin", "modules-0.bin", &result_name(&key(1))] {
        match is_sealed {
            true => seal::write(&cache.directory, name, bytes).unwrap(),
            false => fs::write(cache.directory.join(name), bytes).unwrap(),
        }
    }
    let found = cache.result(&key(1));
    assert_eq!(found.as_deref(), is_sealed.then_some(bytes));
    let modules = Modules::load(&cache);
    assert!(modules.get(&key(1)).is_none());
    modules.keep(&cache, vec![(key(2), vec![2; 12])], &FxHashSet::default()).unwrap();
    let index = Index::<u64>::load(&cache);
    index.keep(&cache, std::iter::empty()).unwrap();
    assert_eq!(kept(&cache), [2]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_passed_over(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        look_at(&bytes, false);
        look_at(&[b"lockset\n", &bytes[..]].concat(), false);
        look_at(&bytes, true);
    }

    #[test]
    fn a_changed_byte_is_seen(at in any::<proptest::sample::Index>(), flip in 1..=u8::MAX, cut in any::<proptest::sample::Index>()) {
        let (_directory, cache) = cache();
        cache.keep_result(&key(1), b"some findings").unwrap();
        let path = cache.directory.join(result_name(&key(1)));
        let mut bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..cut.index(bytes.len())]).unwrap();
        prop_assert_eq!(cache.result(&key(1)), None);
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        fs::write(&path, &bytes).unwrap();
        prop_assert_eq!(cache.result(&key(1)), None);
    }
}
