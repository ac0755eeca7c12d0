//! The limit: datagrams without a protocol, joined by GSO and GRO, plain or sealed. What is lost is lost.

use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::thread;

use anyhow::{Result, anyhow, bail};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};

use super::seal::{Cipher, Seal};
use super::{PING, Stack, time_pings};
use crate::child::{Counter, Gate, Meter, Never};
use crate::order::{Datagram, ETHERNET, Job, LARGEST, Setup, Target};

/// What the kernel is asked to buffer, as srudp asks.
const KERNEL_BUFFER: usize = 6 << 20;

/// The most that the kernel takes at once.
const BATCH: usize = LARGEST as usize;

pub(super) struct Udp {
    pub(super) sealed: Option<Cipher>,
}

impl Stack for Udp {
    fn serve(&self, setup: &Setup, job: Job, meter: Arc<Meter>) -> Result<Target> {
        let socket = Socket::bind(setup.at)?;
        let mut secret = [0; 32];
        SystemRandom::new().fill(&mut secret).map_err(|_| anyhow!("no random bytes"))?;
        let seal = self.sealed.map(|cipher| Seal::new(cipher, &secret)).transpose()?;
        let key = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let target = Target { address: socket.io.local_addr()?, key };
        thread::spawn(move || match job {
            Job::Ping { .. } => echo(&socket),
            _ => receive(&socket, seal.as_ref(), &meter.connection()),
        });
        Ok(target)
    }

    fn run(&self, setup: &Setup, job: Job, target: &Target, gate: &Gate) -> Result<Never> {
        let socket = Socket::bind(setup.at)?;
        let seal = self.sealed.map(|cipher| Seal::from_text(cipher, &target.key)).transpose()?;
        match job {
            Job::Bulk { connections: 1 } => send(&socket, setup, seal, target.address, gate),
            Job::Ping { count } => ping(&socket, target.address, count, gate),
            _ => bail!("datagrams alone cannot do {job:?}"),
        }
    }
}

struct Socket {
    io: UdpSocket,
    state: UdpSocketState,
}

impl Socket {
    fn bind(at: Ipv4Addr) -> Result<Self> {
        let io = UdpSocket::bind((at, 0))?;
        let state = UdpSocketState::new(UdpSockRef::from(&io))?;
        // The state made the socket non-blocking.
        io.set_nonblocking(false)?;
        state.set_send_buffer_size(UdpSockRef::from(&io), KERNEL_BUFFER)?;
        state.set_recv_buffer_size(UdpSockRef::from(&io), KERNEL_BUFFER)?;
        Ok(Self { io, state })
    }

    fn send(&self, destination: SocketAddr, contents: &[u8], segment: usize) -> io::Result<()> {
        let segment_size = (contents.len() > segment).then_some(segment);
        let transmit = Transmit { destination, ecn: None, contents, segment_size, src_ip: None };
        self.state.try_send(UdpSockRef::from(&self.io), &transmit)
    }
}

fn send(
    socket: &Socket,
    setup: &Setup,
    mut seal: Option<Seal>,
    to: SocketAddr,
    gate: &Gate,
) -> Result<Never> {
    let size = usize::from(match setup.datagram {
        Datagram::Ethernet => ETHERNET,
        Datagram::Largest => LARGEST,
    });
    let segments = (BATCH / size).min(socket.state.max_gso_segments()).max(1);
    let mut batch = vec![0x5a; segments * size];
    gate.wait()?;
    loop {
        if let Some(seal) = &mut seal {
            batch.chunks_mut(size).try_for_each(|datagram| seal.seal(datagram))?;
        }
        socket.send(to, &batch, size)?;
    }
}

fn receive(socket: &Socket, seal: Option<&Seal>, counter: &Counter) -> Result<()> {
    let mut buffers = vec![vec![0; 1 << 16]; BATCH_SIZE];
    let mut metas = [RecvMeta::default(); BATCH_SIZE];
    loop {
        let mut slices: Vec<_> = buffers.iter_mut().map(|buffer| IoSliceMut::new(buffer)).collect();
        let count = socket.state.recv(UdpSockRef::from(&socket.io), &mut slices, &mut metas)?;
        for (buffer, meta) in buffers.iter_mut().zip(&metas).take(count) {
            let received = &mut buffer[..meta.len];
            counter.add(match seal {
                Some(seal) => received
                    .chunks_mut(meta.stride)
                    .filter_map(|datagram| seal.open(datagram))
                    .sum(),
                None => meta.len,
            });
        }
    }
}

fn echo(socket: &Socket) -> Result<()> {
    let mut buffer = [0; PING];
    loop {
        let (length, from) = socket.io.recv_from(&mut buffer)?;
        socket.io.send_to(&buffer[..length], from)?;
    }
}

fn ping(socket: &Socket, to: SocketAddr, count: u32, gate: &Gate) -> Result<Never> {
    let mut message = [0x5a; PING];
    time_pings(count, gate, || {
        socket.io.send_to(&message, to)?;
        socket.io.recv_from(&mut message)?;
        Ok(())
    })
}
