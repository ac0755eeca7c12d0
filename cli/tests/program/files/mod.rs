//! `srudp send` and `srudp receive` with the real binary.

mod breaks;
mod hostile;
mod space;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::harness::{Home, Outcome, Running, noise};

/// Nothing here takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// One side: a directory with an identity that stays.
fn side() -> Home {
    let home = Home::new();
    home.run(["keygen"]).expect(0);
    home
}

/// Starts a receiver into `in` that goes on for ever.
fn receiver(home: &Home, more: &[&str]) -> (Running, String) {
    home.listen(&[&["receive", "--dir", "in"], more].concat(), Vec::new())
}

fn send(home: &Home, target: &str, paths: &[&str]) -> Outcome {
    home.run([&["send", target], paths].concat())
}

/// Bytes of which every stretch is another one, quickly made.
fn large(length: usize) -> Vec<u8> {
    let block = noise(1 << 20, 7);
    let blocks = (0u8..).flat_map(|n| block.iter().map(move |byte| byte.wrapping_add(n)));
    blocks.take(length).collect()
}

/// Waits until a partial file has this many bytes.
fn partial(receiver: &Home, bytes: u64) -> PathBuf {
    let begun = now();
    loop {
        let entries = fs::read_dir(receiver.path("in/.srudp-partial"));
        for entry in entries.into_iter().flatten().flatten() {
            if entry.metadata().is_ok_and(|metadata| metadata.len() >= bytes) {
                return entry.path();
            }
        }
        assert!(now() - begun < PATIENCE, "no partial file of {bytes} bytes");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[expect(clippy::disallowed_methods, reason = "a test against the real program waits in real time")]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn a_folder_arrives_with_everything_that_is_kept() {
    let (ours, theirs) = (side(), side());
    fs::create_dir_all(ours.path("top/deep/er")).unwrap();
    fs::create_dir_all(ours.path("top/nothing in it")).unwrap();
    fs::write(ours.path("top/empty"), "").unwrap();
    fs::write(ours.path("top/deep/er/größe ☃.txt"), "unicode").unwrap();
    fs::write(ours.path("top/large"), large(3_000_001)).unwrap();
    fs::write(ours.path("top/run"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(ours.path("top/run"), PermissionsExt::from_mode(0o755)).unwrap();
    symlink("/etc", ours.path("top/link")).unwrap();

    let (receiver, target) = theirs.listen(&["receive", "--dir", "in", "--once"], Vec::new());
    send(&ours, &target, &["top"]).expect(0).says(&["top/link: a symbolic link"]);
    receiver.end().expect(0);

    assert_eq!(fs::read(theirs.path("in/top/empty")).unwrap(), b"");
    assert_eq!(fs::read(theirs.path("in/top/deep/er/größe ☃.txt")).unwrap(), b"unicode");
    assert_eq!(fs::read(theirs.path("in/top/large")).unwrap(), large(3_000_001));
    assert!(theirs.path("in/top/nothing in it").is_dir());
    let mode = |name: &str| fs::metadata(theirs.path(name)).unwrap().permissions().mode();
    assert_ne!(mode("in/top/run") & 0o100, 0);
    assert_eq!(mode("in/top/large") & 0o111, 0);
    let changed = |home: &Home, name: &str| fs::metadata(home.path(name)).unwrap().modified();
    assert_eq!(changed(&ours, "top/run").unwrap(), changed(&theirs, "in/top/run").unwrap());
    assert!(fs::symlink_metadata(theirs.path("in/top/link")).is_err());
    assert!(!theirs.path("in/.srudp-partial").exists());
}

#[test]
fn what_is_there_already_is_not_sent_again() {
    let (ours, theirs) = (side(), side());
    fs::write(ours.path("x"), large(100_000)).unwrap();
    let (_receiver, target) = receiver(&theirs, &[]);
    send(&ours, &target, &["x", "-v"]).expect(0).says(&["x sent"]);
    send(&ours, &target, &["x", "-v"]).expect(0).says(&["x is there already"]);
}

#[test]
fn another_file_of_the_name_stays_and_the_rest_arrives() {
    let (ours, theirs) = (side(), side());
    fs::create_dir(theirs.path("in")).unwrap();
    for name in ["taken", "size", "free"] {
        fs::write(ours.path(name), format!("new {name}")).unwrap();
    }
    fs::write(theirs.path("in/taken"), "old taken").unwrap();
    fs::write(theirs.path("in/size"), "another size").unwrap();
    let names = ["taken", "size", "free"];

    let (careful, target) = receiver(&theirs, &["--once"]);
    send(&ours, &target, &names).expect(1).says(&["taken: the name is taken", "size: the name"]);
    careful.end().expect(1).says(&["taken: the name is taken"]);
    assert_eq!(fs::read(theirs.path("in/taken")).unwrap(), b"old taken");
    assert_eq!(fs::read(theirs.path("in/size")).unwrap(), b"another size");
    assert_eq!(fs::read(theirs.path("in/free")).unwrap(), b"new free");

    let (bold, target) = receiver(&theirs, &["--overwrite", "--once"]);
    send(&ours, &target, &names).expect(0);
    bold.end().expect(0);
    assert_eq!(fs::read(theirs.path("in/taken")).unwrap(), b"new taken");
    assert_eq!(fs::read(theirs.path("in/size")).unwrap(), b"new size");
}

#[test]
fn two_senders_at_once_do_not_mix() {
    let (one, two, theirs) = (side(), side(), side());
    let (first, second) = (large(8_000_000), large(9_000_000));
    for (home, content, name) in [(&one, &first, "first"), (&two, &second, "second")] {
        fs::create_dir(home.path("shared")).unwrap();
        fs::write(home.path("shared").join(name), content).unwrap();
    }
    let (_receiver, target) = receiver(&theirs, &[]);
    let other = two.start(["send", &target, "shared"], Vec::new());
    send(&one, &target, &["shared"]).expect(0);
    other.end().expect(0);
    assert_eq!(fs::read(theirs.path("in/shared/first")).unwrap(), first);
    assert_eq!(fs::read(theirs.path("in/shared/second")).unwrap(), second);
}

#[test]
fn a_path_that_is_not_there_is_a_failure_and_the_rest_arrives() {
    let (ours, theirs) = (side(), side());
    fs::write(ours.path("x"), "x").unwrap();
    let (_receiver, target) = receiver(&theirs, &[]);
    send(&ours, &target, &["x", "missing"]).expect(1).says(&["cannot send missing", "1 sent"]);
    assert_eq!(fs::read(theirs.path("in/x")).unwrap(), b"x");
}

#[test]
fn a_sender_that_is_not_allowed_is_refused_at_once() {
    let (ours, theirs) = (side(), side());
    fs::write(ours.path("x"), "x").unwrap();
    let (_receiver, target) = receiver(&theirs, &["--allow", &nobody()]);
    send(&ours, &target, &["x"]).expect(4);
}

fn nobody() -> String {
    srudp::Identity::from_secret_bytes([9; 32]).peer_id().to_string()
}
