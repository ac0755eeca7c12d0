//! Unreliable datagrams, and what else is on a connection.

use std::io::ErrorKind;
use std::time::Duration;

use srudp::DatagramError;
use srudp::proto::TransportConfig;

use crate::pair::{Pair, in_time};

#[test]
fn datagrams_arrive_whole() {
    in_time(|| {
        let pair = Pair::new();
        pair.dialler.send_datagram(&b"one"[..]).unwrap();
        assert_eq!(pair.listener.recv_datagram().unwrap(), &b"one"[..]);
        let largest = pair.listener.max_datagram_size().unwrap();
        pair.listener.send_datagram(vec![7; largest]).unwrap();
        assert_eq!(pair.dialler.recv_datagram().unwrap().len(), largest);
        let error = pair.dialler.recv_datagram_timeout(Duration::ZERO).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn what_does_not_fit_or_is_not_wanted_is_an_error() {
    let pair = Pair::new();
    let error = pair.dialler.send_datagram(vec![0; 70_000]).unwrap_err();
    assert!(matches!(error, DatagramError::TooLarge { .. }));
    let pair = Pair::with(TransportConfig::default().datagrams(false));
    assert_eq!(pair.dialler.max_datagram_size(), None);
    let error = pair.dialler.send_datagram(&b"x"[..]).unwrap_err();
    assert_eq!(error, DatagramError::Unsupported);
}

#[test]
fn both_sides_derive_the_same_keys() {
    let pair = Pair::new();
    let derive = |connection: &srudp::Connection, label: &[u8]| {
        let mut key = [0; 32];
        connection.export(label, b"context", &mut key).unwrap();
        key
    };
    assert_eq!(derive(&pair.dialler, b"a"), derive(&pair.listener, b"a"));
    assert_ne!(derive(&pair.dialler, b"a"), derive(&pair.dialler, b"b"));
    let too_long = pair.dialler.export(&[0; 300], b"", &mut [0; 32]).unwrap_err();
    assert_eq!(too_long.kind(), ErrorKind::InvalidInput);
}

#[test]
fn each_side_learns_its_address_from_the_other() {
    in_time(|| {
        let pair = Pair::new();
        while pair.dialler.observed_addr().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(pair.dialler.observed_addr(), Some(pair.dialling.local_addr()));
        assert!(pair.dialler.stats().bytes_sent > 0);
    });
}
