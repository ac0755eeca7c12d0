//! Plain TCP: what the kernel does without encryption.

use std::net::{SocketAddr, TcpListener, TcpStream};

use anyhow::{Context, Result};
use socket2::{Domain, Socket, Type};

use super::blocking::Blocking;
use crate::order::{Datagram, ETHERNET, Setup, Target, Tuning};

/// Headers of a segment: IPv6 over UDP's 8 bytes less, TCP's 20 with 12 of timestamps.
const SEGMENT: u32 = ETHERNET as u32 + 8 - 32;

pub(super) struct Tcp;

impl Blocking for Tcp {
    type Listener = TcpListener;
    type Incoming = TcpStream;
    type Dialer = (Setup, SocketAddr);
    type Stream = TcpStream;

    fn listen(&self, setup: &Setup) -> Result<(TcpListener, Target)> {
        let listener = listen(setup)?;
        let target = Target { address: listener.local_addr()?, key: String::new() };
        Ok((listener, target))
    }

    fn accept(listener: &TcpListener) -> Result<TcpStream> {
        accept(listener)
    }

    fn establish(incoming: TcpStream) -> Result<TcpStream> {
        Ok(incoming)
    }

    fn dialer(&self, setup: &Setup, target: &Target) -> Result<Self::Dialer> {
        Ok((setup.clone(), target.address))
    }

    fn dial((setup, address): &Self::Dialer) -> Result<TcpStream> {
        dial(setup, *address)
    }

    fn close(stream: TcpStream) {
        drop(stream);
    }
}

/// As many as dial at once may wait.
const BACKLOG: i32 = 1024;

pub(super) fn listen(setup: &Setup) -> Result<TcpListener> {
    let socket = socket(setup)?;
    socket.bind(&SocketAddr::from((setup.at, 0)).into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

pub(super) fn accept(listener: &TcpListener) -> Result<TcpStream> {
    let (stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

pub(super) fn dial(setup: &Setup, address: SocketAddr) -> Result<TcpStream> {
    let socket = socket(setup)?;
    socket.connect(&address.into())?;
    Ok(socket.into())
}

fn socket(setup: &Setup) -> Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_tcp_nodelay(true)?;
    if setup.datagram == Datagram::Ethernet {
        socket.set_tcp_mss(SEGMENT)?;
    }
    // Said in any case: what a kernel does by itself differs from machine to machine.
    let congestion = if setup.tuning == Tuning::WindowsAndBbr { "bbr" } else { "cubic" };
    let missing = || format!("this kernel has no {congestion} for TCP");
    socket.set_tcp_congestion(congestion.as_bytes()).with_context(missing)?;
    Ok(socket)
}
