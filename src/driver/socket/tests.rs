//! Batches over loopback.

use std::thread;

use super::*;
use crate::driver::receive::ReceiveBuffers;

const KERNEL_BUFFER: usize = 1 << 20;

fn bind(address: &str) -> io::Result<Socket> {
    Socket::bind(address.parse().unwrap(), KERNEL_BUFFER)
}

fn to(socket: &Socket, size: usize, segment_size: usize) -> Transmit {
    let ecn = Some(EcnMark::Ect0);
    let destination = socket.local_addr();
    Transmit { destination, source: None, ecn, size, segment_size }
}

/// Everything that arrives, one datagram after the other, until this many bytes have.
fn receive(socket: &Socket, bytes: usize) -> Vec<(Vec<u8>, Option<EcnMark>)> {
    let (mut buffers, mut datagrams, mut received) = (ReceiveBuffers::new(), Vec::new(), 0);
    while received < bytes {
        let result = buffers.receive(socket, |batch| {
            received += batch.data.len();
            let pieces = batch.data.chunks(batch.segment_size);
            datagrams.extend(pieces.map(|piece| (piece.to_vec(), batch.ecn)));
        });
        if result.is_err() {
            thread::yield_now();
        }
    }
    datagrams
}

#[test]
fn a_batch_arrives_as_its_datagrams_with_their_mark() {
    let (from, to_socket) = (bind("127.0.0.1:0").unwrap(), bind("127.0.0.1:0").unwrap());
    let data: Vec<u8> = (0..=255).cycle().take(10 * 1200 + 77).collect();
    assert_eq!(from.send(&to(&to_socket, data.len(), 1200), &data), Sent::All);
    let datagrams = receive(&to_socket, data.len());
    let expected: Vec<_> =
        data.chunks(1200).map(|piece| (piece.to_vec(), Some(EcnMark::Ect0))).collect();
    assert!(datagrams == expected);
}

#[test]
fn what_leaves_singly_is_the_same() {
    let (from, to_socket) = (bind("127.0.0.1:0").unwrap(), bind("127.0.0.1:0").unwrap());
    let data = [5; 3000];
    assert_eq!(from.send_singly(&to(&to_socket, 3000, 1000), &data, 1000), Sent::All);
    assert_eq!(receive(&to_socket, 3000).len(), 3);
}

#[test]
fn a_datagram_that_is_too_large_is_reported() {
    let (from, to_socket) = (bind("127.0.0.1:0").unwrap(), bind("127.0.0.1:0").unwrap());
    let data = vec![0; 66_000];
    let transmit = to(&to_socket, data.len(), data.len());
    assert_eq!(from.send(&transmit, &data), Sent::TooLarge(data.len()));
}

#[test]
fn an_ipv6_socket_sends_to_ipv4() {
    // Not every host has IPv6.
    let Ok(from) = bind("[::]:0") else { return };
    let to_socket = bind("127.0.0.1:0").unwrap();
    assert_eq!(from.send(&to(&to_socket, 5, 5), b"hello"), Sent::All);
    assert_eq!(receive(&to_socket, 5)[0].0, b"hello");
}

#[test]
fn an_address_that_has_left_this_host_is_replaced() {
    let (from, to_socket) = (bind("0.0.0.0:0").unwrap(), bind("127.0.0.1:0").unwrap());
    for size in [5, 3000] {
        let gone = Some("192.0.2.1".parse().unwrap());
        let transmit = Transmit { source: gone, ..to(&to_socket, size, 1000) };
        assert_eq!(from.send(&transmit, &vec![1; size]), Sent::All);
        let arrived = receive(&to_socket, size);
        assert_eq!(arrived.iter().map(|(datagram, _)| datagram.len()).sum::<usize>(), size);
    }
}
