//! A peer that writes the bytes of the protocol by hand, and means harm.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::Path;

use srudp::{Connection, Endpoint, Stream};

use super::{receiver, side};

const NAME: u8 = 2;
const EXISTS: u8 = 1;

/// A connection that speaks `srudp-files/1`.
pub(super) struct Peer {
    connection: Connection,
    _endpoint: Endpoint,
}

impl Peer {
    pub(super) fn dial(target: &str) -> Self {
        let (peer, address) = target.split_once('@').unwrap();
        let builder = Endpoint::builder().application_protocol(b"srudp-files/1");
        let endpoint = builder.bind("127.0.0.1:0").unwrap();
        let connection = endpoint.connect(peer.parse().unwrap(), address).unwrap();
        Self { connection, _endpoint: endpoint }
    }

    pub(super) fn offer(&self, path: &[u8], size: u64, flags: u8) -> Stream {
        let mut body = vec![flags];
        body.extend(size.to_be_bytes());
        body.extend([0; 12]);
        body.extend(path);
        let mut stream = self.connection.open_stream().unwrap();
        write(&mut stream, 0x03, &body);
        stream
    }

    /// The reason with which an offer is refused.
    fn reason(&self, path: &str, flags: u8) -> u8 {
        let (kind, body) = read(&mut self.offer(path.as_bytes(), 0, flags));
        assert_eq!(kind, 0x83, "{path:?} was not refused");
        body[0]
    }
}

pub(super) fn write(stream: &mut Stream, kind: u8, body: &[u8]) {
    let mut bytes = vec![kind];
    bytes.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
    bytes.extend(body);
    stream.write_all(&bytes).unwrap();
}

pub(super) fn read(stream: &mut Stream) -> (u8, Vec<u8>) {
    let mut header = [0; 5];
    stream.read_exact(&mut header).unwrap();
    let length = u32::from_be_bytes(header[1..].try_into().unwrap());
    let mut body = vec![0; length as usize];
    stream.read_exact(&mut body).unwrap();
    (header[0], body)
}

/// Everything below a directory.
fn tree(path: &Path) -> BTreeSet<std::path::PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(path).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.append(&mut tree(&entry.path()));
        }
        found.insert(entry.path());
    }
    found
}

#[test]
fn hostile_names_create_nothing_anywhere() {
    let theirs = side();
    let (_receiver, target) = receiver(&theirs, &["--overwrite"]);
    let before = tree(&theirs.path(""));
    let peer = Peer::dial(&target);
    let long = "n".repeat(256);
    let names = [
        "../x",
        "/etc/srudp-x",
        "a/../../x",
        "..",
        ".",
        "a/./b",
        "a//b",
        "a/",
        "",
        "nul\0l",
        "C:x",
        "a\\..\\x",
        "\x1b[2J",
        ".srudp-partial",
        ".srudp-partial/x",
        ".SRUDP-PARTIAL/x",
        &long,
    ];
    for name in names {
        assert_eq!(peer.reason(name, 0), NAME, "file {name:?}");
        assert_eq!(peer.reason(name, 2), NAME, "folder {name:?}");
    }
    assert_eq!(tree(&theirs.path("")), before);
    assert!(!Path::new("/etc/srudp-x").exists());
}

#[test]
fn links_inside_the_directory_lead_nowhere() {
    let theirs = side();
    fs::create_dir_all(theirs.path("in")).unwrap();
    fs::create_dir_all(theirs.path("outside")).unwrap();
    fs::write(theirs.path("outside/file"), "").unwrap();
    symlink(theirs.path("outside"), theirs.path("in/folder")).unwrap();
    symlink(theirs.path("outside/file"), theirs.path("in/file")).unwrap();
    symlink(theirs.path("outside/new"), theirs.path("in/dangling")).unwrap();
    let (_receiver, target) = receiver(&theirs, &["--overwrite"]);
    let before = tree(&theirs.path(""));
    let peer = Peer::dial(&target);
    for name in ["folder/x", "folder/a/b", "folder", "file", "dangling"] {
        assert_eq!(peer.reason(name, 0), EXISTS, "{name}");
    }
    assert_eq!(peer.reason("folder/a", 2), EXISTS);
    assert_eq!(tree(&theirs.path("")), before);
}

#[test]
fn a_peer_that_speaks_nonsense_loses_its_connection_and_nobody_else_does() {
    let theirs = side();
    let (_receiver, target) = receiver(&theirs, &[]);
    let honest = Peer::dial(&target);
    for nonsense in [&[0x03, 0xff, 0xff, 0xff, 0xff][..], &[0x77, 0, 0, 0, 0], &[0x84, 0, 0, 0, 0]]
    {
        let peer = Peer::dial(&target);
        let mut stream = peer.connection.open_stream().unwrap();
        stream.write_all(nonsense).unwrap();
        assert!(stream.read_exact(&mut [0]).is_err());
    }
    let not_utf8 = Peer::dial(&target);
    assert!(not_utf8.offer(b"\xff", 0, 0).read_exact(&mut [0]).is_err());

    let mut stream = honest.offer(b"x", 0, 0);
    assert_eq!(read(&mut stream).0, 0x82);
    write(&mut stream, 0x06, &[0; 8]);
    // The SHA-256 of nothing is not this one.
    write(&mut stream, 0x08, &[0; 32]);
    let (kind, body) = read(&mut stream);
    assert_eq!((kind, body[0]), (0x83, 4));
    assert!(!theirs.path("in/x").exists());
}
