//! A full disk: a file system of a few megabytes, where the test may mount one.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::hostile::{Peer, read, write};
use super::{large, receiver, send, side};

const SPACE: u8 = 3;

/// A small file system; unmounted when the test ends.
struct Small(PathBuf);

impl Small {
    fn mount(path: PathBuf) -> Option<Self> {
        fs::create_dir_all(&path).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=4m", "srudp-test"]).arg(&path);
        match mount.output() {
            Ok(output) if output.status.success() => Some(Self(path)),
            _ => {
                eprintln!("skipped: this test needs the right to mount a tmpfs");
                None
            }
        }
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_file_that_does_not_fit_is_refused_with_the_space_that_it_needs() {
    let (ours, theirs) = (side(), side());
    let Some(_small) = Small::mount(theirs.path("in")) else { return };
    fs::write(ours.path("big"), large(6 << 20)).unwrap();
    fs::write(ours.path("small"), "fits").unwrap();
    let (full, target) = receiver(&theirs, &["--once"]);
    let says = ["big: the disk of the receiver is full", "more bytes of free space are needed"];
    send(&ours, &target, &["big", "small"]).expect(1).says(&says);
    full.end().expect(1).says(&says);
    assert_eq!(fs::read(theirs.path("in/small")).unwrap(), b"fits");
    assert!(!theirs.path("in/big").exists());
}

#[test]
fn a_disk_that_fills_up_in_the_middle_keeps_the_partial_file() {
    let theirs = side();
    let Some(_small) = Small::mount(theirs.path("in")) else { return };
    let (_receiver, target) = receiver(&theirs, &[]);
    let peer = Peer::dial(&target);
    let mut stream = peer.offer(b"x", 3 << 20, 0);
    assert_eq!(read(&mut stream).0, 0x82);
    write(&mut stream, 0x06, &[0; 8]);
    let chunk = vec![1; 128 << 10];
    write(&mut stream, 0x07, &chunk);
    let kept = super::partial(&theirs, chunk.len() as u64);
    // The rest of the disk goes to somebody else.
    let _ = fs::write(theirs.path("in/filler"), large(8 << 20));
    let mut stream_writes = 1;
    while stream_writes < 24 {
        use std::io::Write as _;
        let header = [0x07, 0, 2, 0, 0];
        // Stopped by the receiver sooner or later.
        if stream.write_all(&header).and_then(|()| stream.write_all(&chunk)).is_err() {
            break;
        }
        stream_writes += 1;
    }
    let (kind, body) = read(&mut stream);
    assert_eq!((kind, body[0]), (0x83, SPACE));
    assert!(u64::from_be_bytes(body[1..9].try_into().unwrap()) > 0);
    assert!(fs::metadata(kept).unwrap().len() >= chunk.len() as u64);
}
