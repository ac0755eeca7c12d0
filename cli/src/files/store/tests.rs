//! The store over a temporary directory.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

use tempfile::TempDir;

use super::*;
use crate::files::message::Modified;

const PEER: &str = "peer";
const TIME: Modified = Modified { seconds: 1_000_000_000, nanoseconds: 5 };

fn offer(path: &str, size: usize) -> Offer<'_> {
    Offer { path, size: size as u64, modified: TIME, executable: false, folder: false }
}

fn digest(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

struct Fixture {
    home: TempDir,
    store: Store,
}

impl Fixture {
    fn new(overwrite: bool) -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(&home.path().join("in"), overwrite).unwrap();
        Self { home, store }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.home.path().join("in").join(name)
    }

    fn take(&self, offer: &Offer<'_>) -> Partial {
        match self.store.consider(PEER, offer).unwrap() {
            Plan::Take(partial) => *partial,
            other => panic!("{other:?}"),
        }
    }

    fn reason(&self, offer: &Offer<'_>) -> Reason {
        self.store.consider(PEER, offer).unwrap_err().reason()
    }
}

#[test]
fn a_file_appears_only_when_it_is_whole_and_verified() {
    let it = Fixture::new(false);
    let mut partial = it.take(&Offer { executable: true, ..offer("a/b/x", 5) });
    partial.begin(0).unwrap();
    partial.write(b"he").unwrap();
    partial.write(b"llo").unwrap();
    assert!(!it.path("a/b/x").exists());
    partial.finish(&digest(b"hello")).unwrap();
    let placed = fs::metadata(it.path("a/b/x")).unwrap();
    assert_eq!(fs::read(it.path("a/b/x")).unwrap(), b"hello");
    assert_eq!((placed.mtime(), placed.mtime_nsec()), (TIME.seconds, 5));
    assert_ne!(placed.mode() & 0o100, 0);
    drop(partial);
    it.store.tidy();
    assert!(!it.path(PARTIAL_DIR).exists());
}

#[test]
fn a_broken_off_file_is_resumed_after_its_prefix() {
    let it = Fixture::new(false);
    let mut partial = it.take(&offer("x", 5));
    partial.begin(0).unwrap();
    partial.write(b"hel").unwrap();
    drop(partial);
    let mut partial = it.take(&offer("x", 5));
    assert_eq!(partial.prefix(), (3, digest(b"hel")));
    partial.begin(3).unwrap();
    partial.write(b"lo").unwrap();
    partial.finish(&digest(b"hello")).unwrap();
    assert_eq!(fs::read(it.path("x")).unwrap(), b"hello");
}

#[test]
fn another_file_or_another_peer_resumes_nothing() {
    let it = Fixture::new(false);
    let mut partial = it.take(&offer("x", 5));
    partial.begin(0).unwrap();
    partial.write(b"hel").unwrap();
    drop(partial);
    let newer = Offer { modified: Modified { seconds: 1, nanoseconds: 0 }, ..offer("x", 5) };
    assert_eq!(it.take(&newer).prefix().0, 0);
    let Plan::Take(other) = it.store.consider("other", &offer("x", 5)).unwrap() else { panic!() };
    assert_eq!(other.prefix().0, 0);
}

#[test]
fn a_sender_may_begin_anew_but_not_elsewhere() {
    let it = Fixture::new(false);
    let mut partial = it.take(&offer("x", 5));
    partial.write(b"bad").unwrap();
    assert_eq!(partial.begin(2).unwrap_err().reason(), Reason::Protocol);
    partial.begin(0).unwrap();
    partial.write(b"hello").unwrap();
    partial.finish(&digest(b"hello")).unwrap();
}

#[test]
fn a_wrong_checksum_places_nothing_and_forgets_the_data() {
    let it = Fixture::new(false);
    let mut partial = it.take(&offer("x", 5));
    partial.write(b"hallo").unwrap();
    assert_eq!(partial.finish(&digest(b"hello")).unwrap_err().reason(), Reason::Checksum);
    drop(partial);
    assert!(!it.path("x").exists());
    assert_eq!(it.take(&offer("x", 5)).prefix().0, 0);
}

#[test]
fn more_or_less_data_than_offered_is_refused() {
    let it = Fixture::new(false);
    let mut partial = it.take(&offer("x", 2));
    assert_eq!(partial.write(b"abc").unwrap_err().reason(), Reason::Protocol);
    partial.write(b"a").unwrap();
    assert_eq!(partial.finish(&digest(b"a")).unwrap_err().reason(), Reason::Protocol);
}

#[test]
fn an_existing_file_is_compared_and_never_replaced_unasked() {
    let it = Fixture::new(false);
    fs::write(it.path("x"), "hello").unwrap();
    let Plan::Compare(there) = it.store.consider(PEER, &offer("x", 5)).unwrap() else { panic!() };
    assert_eq!(there, digest(b"hello"));
    assert_eq!(it.store.replace(PEER, &offer("x", 5)).unwrap_err().reason(), Reason::Exists);
    assert_eq!(it.reason(&offer("x", 6)), Reason::Exists);
    fs::create_dir(it.path("d")).unwrap();
    assert_eq!(it.reason(&offer("d", 6)), Reason::Exists);
    assert_eq!(it.reason(&offer("x/y", 6)), Reason::Exists);
}

#[test]
fn a_file_that_came_in_the_meantime_is_not_replaced() {
    let it = Fixture::new(false);
    let mut partial = it.take(&offer("x", 1));
    partial.write(b"a").unwrap();
    fs::write(it.path("x"), "mine").unwrap();
    assert_eq!(partial.finish(&digest(b"a")).unwrap_err().reason(), Reason::Exists);
    assert_eq!(fs::read(it.path("x")).unwrap(), b"mine");
}

#[test]
fn overwriting_replaces_files_when_asked() {
    let it = Fixture::new(true);
    fs::write(it.path("x"), "older").unwrap();
    let mut partial = it.store.replace(PEER, &offer("x", 5)).unwrap();
    partial.write(b"hello").unwrap();
    assert_eq!(fs::read(it.path("x")).unwrap(), b"older");
    partial.finish(&digest(b"hello")).unwrap();
    assert_eq!(fs::read(it.path("x")).unwrap(), b"hello");
}

#[test]
fn names_that_lead_out_are_refused_and_leave_nothing() {
    let it = Fixture::new(true);
    for name in ["../x", "/etc/srudp-x", "a/../../x", "a\0b", "c:x", ".srudp-partial/x"] {
        assert_eq!(it.reason(&offer(name, 1)), Reason::Name, "{name:?}");
        assert_eq!(it.reason(&Offer { folder: true, ..offer(name, 0) }), Reason::Name);
    }
    assert_eq!(fs::read_dir(it.path("")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(it.home.path()).unwrap().count(), 1);
}

#[test]
fn links_in_the_directory_are_not_followed() {
    let it = Fixture::new(true);
    let outside = it.home.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "hello").unwrap();
    symlink(&outside, it.path("folder")).unwrap();
    symlink(outside.join("secret"), it.path("file")).unwrap();
    symlink(outside.join("new"), it.path("dangling")).unwrap();
    for name in ["folder/x", "folder/deep/x", "folder", "file", "dangling"] {
        assert_eq!(it.reason(&offer(name, 5)), Reason::Exists, "{name}");
    }
    let folder = Offer { folder: true, ..offer("folder/made", 0) };
    assert_eq!(it.reason(&folder), Reason::Exists);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    assert_eq!(fs::read(outside.join("secret")).unwrap(), b"hello");
}

#[test]
fn a_link_in_place_of_the_partial_files_is_not_followed() {
    let it = Fixture::new(false);
    let outside = it.home.path().join("outside");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, it.path(PARTIAL_DIR)).unwrap();
    assert_eq!(it.reason(&offer("x", 5)), Reason::Storage);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn the_newest_offer_of_a_file_wins() {
    let it = Fixture::new(false);
    let mut old = it.take(&offer("x", 5));
    old.write(b"hel").unwrap();
    let mut new = it.take(&offer("x", 5));
    assert_eq!(new.prefix(), (3, digest(b"hel")));
    assert_eq!(old.write(b"lo").unwrap_err().reason(), Reason::Superseded);
    assert_eq!(old.discard().unwrap_err().reason(), Reason::Superseded);
    drop(old);
    new.write(b"lo").unwrap();
    new.finish(&digest(b"hello")).unwrap();
    drop(new);
    let plan = it.store.consider(PEER, &offer("x", 5)).unwrap();
    assert!(matches!(plan, Plan::Compare(_)), "{plan:?}");
}

#[test]
fn a_second_receiver_of_the_same_directory_keeps_off() {
    let it = Fixture::new(false);
    let other = Store::open(&it.path(""), false).unwrap();
    let partial = it.take(&offer("x", 5));
    let refusal = other.consider(PEER, &offer("x", 5)).unwrap_err();
    assert_eq!(refusal.reason(), Reason::Busy);
    drop(partial);
    assert!(other.consider(PEER, &offer("x", 5)).is_ok());
}

#[test]
fn a_file_larger_than_the_disk_is_refused_at_once() {
    let it = Fixture::new(false);
    let huge = Offer { size: u64::MAX, ..offer("x", 0) };
    let refusal = it.store.consider(PEER, &huge).unwrap_err();
    assert_eq!(refusal.reason(), Reason::Space);
    assert!(refusal.to_string().contains("more bytes of free space"), "{refusal}");
}
