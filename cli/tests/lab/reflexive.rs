//! How a socket looks from outside.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use srudp::SystemEntropy;
use srudp::nat::stun::{Query, Question};
use srudp::proto::Instant;

use crate::net::Host;
use crate::stopwatch;

/// As a STUN server sees this port of a host. The mapping that is made stays when the socket has gone.
pub(crate) fn address(host: &Host, port: u16, server: SocketAddr) -> SocketAddr {
    let socket = host.bind(|| UdpSocket::bind(("0.0.0.0", port)));
    ask(&socket, server)
}

/// As a STUN server sees this socket.
pub(crate) fn ask(socket: &UdpSocket, server: SocketAddr) -> SocketAddr {
    socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let began = stopwatch::now();
    let time = || Instant::ZERO + began.elapsed();
    let mut entropy = SystemEntropy::new().unwrap();
    let mut query = Query::new(time(), Question::new(server), &mut entropy);
    let mut buffer = [0; 2048];
    loop {
        if let Some(outcome) = query.outcome() {
            return outcome.as_ref().unwrap().reflexive;
        }
        query.handle_timeout(time());
        if let Some((to, request)) = query.poll_transmit() {
            socket.send_to(request, to).unwrap();
        }
        match socket.recv_from(&mut buffer) {
            Ok((length, from)) => {
                query.handle_datagram(time(), from, &buffer[..length], &mut entropy);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // A server that has not started is reported so.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            Err(error) => panic!("{error}"),
        }
    }
}
