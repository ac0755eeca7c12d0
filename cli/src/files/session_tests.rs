//! Both sides of a stream against each other, over pipes in memory.

use std::fs;
use std::path::Path;
use std::thread;

use super::channel::pipe;
use super::message::{self, Message, Modified, Offer, Reason};
use super::receiving::{Announced, Listen, Received, receive};
use super::sending::{SendError, Sent, Source as _, Watch, send};
use super::store::{Plan, Store};
use super::walk::{Item, Walk};

#[derive(Default)]
struct Seen {
    resumed: Option<u64>,
    moved: u64,
}

impl Watch for Seen {
    fn resumed(&mut self, offset: u64) {
        self.resumed = Some(offset);
    }

    fn moved(&mut self, bytes: u64) {
        self.moved += bytes;
    }
}

impl Listen for Seen {
    fn announced(&mut self, _announced: Announced) {}

    fn begins(&mut self, _path: &str, _offset: u64) {}
}

fn item(path: &Path) -> Item {
    Walk::of(&[path.to_owned()]).into_parts().0.remove(0)
}

/// Sends one file; the sender's pipe breaks after so many bytes.
fn transfer(
    store: &Store,
    item: &Item,
    breaks_after: usize,
) -> (Result<Sent, SendError>, std::io::Result<Received>, Seen) {
    let (mut ours, mut theirs) = pipe::pair();
    ours.breaks_after = breaks_after;
    let mut seen = Seen::default();
    thread::scope(|scope| {
        let receiver =
            scope.spawn(move || receive(&mut theirs, store, "peer", &mut Seen::default()));
        let sent = send(&mut ours, item, &mut seen);
        drop(ours);
        (sent, receiver.join().unwrap(), seen)
    })
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n % 251) as u8).collect()
}

#[test]
fn a_file_arrives_and_is_skipped_the_second_time() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(&home.path().join("in"), false).unwrap();
    for (name, length) in [("empty", 0), ("one", 1), ("large", 700_001)] {
        let path = home.path().join(name);
        fs::write(&path, content(length)).unwrap();
        let (sent, received, seen) = transfer(&store, &item(&path), usize::MAX);
        assert_eq!(sent.unwrap(), Sent::From(0));
        assert!(matches!(received.unwrap(), Received::Stored { .. }));
        assert_eq!(seen.moved, length as u64);
        assert_eq!(fs::read(home.path().join("in").join(name)).unwrap(), content(length));
        let (sent, ..) = transfer(&store, &item(&path), usize::MAX);
        assert_eq!(sent.unwrap(), Sent::Skipped);
    }
}

#[test]
fn a_transfer_that_breaks_goes_on_where_it_was() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(&home.path().join("in"), false).unwrap();
    let path = home.path().join("x");
    fs::write(&path, content(700_001)).unwrap();
    let (sent, received, _) = transfer(&store, &item(&path), 400_000);
    assert!(matches!(sent, Err(SendError::Broken(_))), "{sent:?}");
    assert!(received.is_err());
    let (sent, _, seen) = transfer(&store, &item(&path), usize::MAX);
    let Ok(Sent::From(offset)) = sent else { panic!("{sent:?}") };
    assert!(offset > 100_000, "{offset}");
    assert_eq!(seen.moved, 700_001 - offset);
    assert_eq!(fs::read(home.path().join("in/x")).unwrap(), content(700_001));
}

#[test]
fn a_damaged_prefix_is_sent_again() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(&home.path().join("in"), false).unwrap();
    let path = home.path().join("x");
    fs::write(&path, content(700_001)).unwrap();
    let _ = transfer(&store, &item(&path), 400_000);
    let partials = home.path().join("in/.srudp-partial");
    let partial = fs::read_dir(partials).unwrap().next().unwrap().unwrap().path();
    let mut damaged = fs::read(&partial).unwrap();
    damaged[17] ^= 1;
    fs::write(&partial, damaged).unwrap();
    let (sent, _, seen) = transfer(&store, &item(&path), usize::MAX);
    assert_eq!((sent.unwrap(), seen.resumed), (Sent::From(0), Some(0)));
    assert_eq!(fs::read(home.path().join("in/x")).unwrap(), content(700_001));
}

#[test]
fn another_file_of_the_name_is_refused_or_replaced() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("x");
    fs::write(&path, content(10)).unwrap();
    fs::create_dir(home.path().join("in")).unwrap();
    fs::write(home.path().join("in/x"), "0123456789").unwrap();
    let careful = Store::open(&home.path().join("in"), false).unwrap();
    let (sent, ..) = transfer(&careful, &item(&path), usize::MAX);
    let Err(SendError::Refused(refusal)) = sent else { panic!("{sent:?}") };
    assert_eq!(refusal.reason(), Reason::Exists);
    let bold = Store::open(&home.path().join("in"), true).unwrap();
    let (sent, ..) = transfer(&bold, &item(&path), usize::MAX);
    assert_eq!(sent.unwrap(), Sent::From(0));
    assert_eq!(fs::read(home.path().join("in/x")).unwrap(), content(10));
}

#[test]
fn a_refusal_in_the_middle_of_the_data_is_heard() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(&home.path().join("in"), false).unwrap();
    let path = home.path().join("x");
    fs::write(&path, content(3_000_000)).unwrap();
    let item = item(&path);
    let (mut ours, mut theirs) = pipe::pair();
    thread::scope(|scope| {
        let store = &store;
        scope.spawn(move || receive(&mut theirs, store, "peer", &mut Seen::default()));
        let mut takeover = Takeover { store, item: &item, newer: None };
        let sent = send(&mut ours, &item, &mut takeover);
        let Err(SendError::Refused(refusal)) = sent else { panic!("{sent:?}") };
        assert_eq!(refusal.reason(), Reason::Superseded);
    });
}

/// Offers the file anew when the first data has been sent.
struct Takeover<'a> {
    store: &'a Store,
    item: &'a Item,
    newer: Option<Plan>,
}

impl Watch for Takeover<'_> {
    fn resumed(&mut self, _offset: u64) {}

    fn moved(&mut self, _bytes: u64) {
        let (store, offer) = (self.store, self.item.offer());
        self.newer.get_or_insert_with(|| store.consider("peer", &offer).unwrap());
    }
}

#[test]
fn a_peer_that_does_not_follow_the_protocol_is_an_error() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(&home.path().join("in"), false).unwrap();
    let offer = Offer {
        path: "x",
        size: 1,
        modified: Modified::default(),
        executable: false,
        folder: false,
    };
    for second in [Message::Done, Message::Data(b"a"), Message::Begin { offset: 9 }] {
        let (mut ours, mut theirs) = pipe::pair();
        message::write(&mut ours, &Message::Offer(offer)).unwrap();
        message::write(&mut ours, &second).unwrap();
        let received = receive(&mut theirs, &store, "peer", &mut Seen::default());
        assert!(matches!(received, Err(_) | Ok(Received::Refused { .. })), "{received:?}");
    }
    assert!(!home.path().join("in/x").exists());
}
