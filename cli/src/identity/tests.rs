//! What identity files promise.

use super::*;

fn identity(byte: u8) -> Identity {
    Identity::from_secret_bytes([byte; 32])
}

#[test]
fn a_written_identity_is_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    write(&path, &identity(1), false).unwrap();
    assert_eq!(read(&path).unwrap().peer_id(), identity(1).peer_id());
}

#[test]
fn an_identity_is_not_overwritten_unasked() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    write(&path, &identity(1), false).unwrap();
    let failure = write(&path, &identity(2), false).unwrap_err();
    assert!(failure.to_string().contains("--force"), "{failure}");
    assert_eq!(read(&path).unwrap().peer_id(), identity(1).peer_id());
    write(&path, &identity(2), true).unwrap();
    assert_eq!(read(&path).unwrap().peer_id(), identity(2).peer_id());
    assert_eq!(
        std::fs::read_dir(directory.path()).unwrap().count(),
        1,
        "nothing is left beside it"
    );
}

#[cfg(unix)]
#[test]
fn an_identity_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    write(&path, &identity(1), false).unwrap();
    for mode in [0o640, 0o604, 0o620] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let failure = read(&path).unwrap_err();
        assert!(failure.to_string().contains("chmod 600"), "{failure}");
    }
}

#[test]
fn the_message_about_a_damaged_file_does_not_show_what_is_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    file::create(&path, "srudp identity 1\nverysecretbutshort\n").unwrap();
    let failure = read(&path).unwrap_err();
    assert!(!failure.to_string().contains("verysecret"), "{failure}");
    assert!(failure.to_string().contains("52 characters"), "{failure}");
}
