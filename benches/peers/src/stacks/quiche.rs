//! quiche, which leaves sockets and loops to its users: one thread of each process does everything, with GSO and GRO.
//!
//! ```text
//!   ┌─▶ application ─▶ send what may be sent ─▶ wait ─▶ receive, timers ─┐
//!   └──────────────────────────────────────────────────────────────────┘
//! ```

use std::io::{ErrorKind, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use std::{env, fs, process, thread};

use anyhow::{Context, Result, anyhow, bail};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use quiche::{Config, Connection, ConnectionId, PROTOCOL_VERSION, RecvInfo};
use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::certificate::{Certificate, NAME};
use super::{CHUNK, PING, Stack, time_pings};
use crate::child::{Gate, Meter, Never};
use crate::order::{Datagram, ETHERNET, Job, LARGEST, Setup, Target, Tuning};

/// The windows of its example client: its own default is none at all.
const STREAM_WINDOW: u64 = 1_000_000;
const WINDOW: u64 = 10_000_000;

/// Windows for 1 Gbit/s at 100 ms.
const TUNED_WINDOW: u64 = 16 << 20;

/// The best of 8, 16 and 32 KiB.
const BEST_DATAGRAM: u16 = 16 << 10;

const KERNEL_BUFFER: usize = 6 << 20;

/// Received with one call.
const BUFFERS: usize = 4;

/// The client's first stream.
const STREAM: u64 = 0;

pub(super) struct Quiche;

impl Stack for Quiche {
    fn serve(&self, setup: &Setup, job: Job, meter: Arc<Meter>) -> Result<Target> {
        let certificate = Certificate::generate()?;
        let mut config = config(setup)?;
        let chain = Pem::write("chain", &certificate.pem)?;
        let key = Pem::write("key", &certificate.key_pem)?;
        config.load_cert_chain_from_pem_file(chain.name()?)?;
        config.load_priv_key_from_pem_file(key.name()?)?;
        let mut socket = Socket::bind(setup.at)?;
        let target = Target { address: socket.local, key: certificate.pem };
        thread::spawn(move || {
            let (connection, peer) = loop {
                socket.wait(None)?;
                if let Some(accepted) = socket.accept(&mut config)? {
                    break accepted;
                }
            };
            answer(End { socket, connection, peer }, job, &meter)
        });
        Ok(target)
    }

    fn run(&self, setup: &Setup, job: Job, target: &Target, gate: &Gate) -> Result<Never> {
        let mut config = config(setup)?;
        let trusted = Pem::write("trusted", &target.key)?;
        config.load_verify_locations_from_file(trusted.name()?)?;
        config.verify_peer(true);
        let socket = Socket::bind(setup.at)?;
        let id = connection_id()?;
        let connection =
            quiche::connect(Some(NAME), &id, socket.local, target.address, &mut config)?;
        let mut end = End { socket, connection, peer: target.address };
        while !end.connection.is_established() {
            end.turn()?;
        }
        end.exchange(&mut [1])?;
        match job {
            Job::Bulk { connections: 1 } => send(end, gate),
            Job::Ping { count } => ping(end, count, gate),
            _ => bail!("quiche was not taught {job:?}"),
        }
    }
}

fn config(setup: &Setup) -> Result<Config> {
    let mut config = Config::new(PROTOCOL_VERSION)?;
    config.set_application_protos(&[b"peers"])?;
    let size = usize::from(match setup.datagram {
        Datagram::Ethernet => ETHERNET,
        Datagram::Largest => BEST_DATAGRAM,
    });
    config.set_max_send_udp_payload_size(size);
    config.set_max_recv_udp_payload_size(size);
    let (window, stream) = match setup.tuning {
        Tuning::Defaults => (WINDOW, STREAM_WINDOW),
        _ => (TUNED_WINDOW, TUNED_WINDOW),
    };
    config.set_initial_max_data(window);
    config.set_initial_max_stream_data_bidi_local(stream);
    config.set_initial_max_stream_data_bidi_remote(stream);
    config.set_initial_max_streams_bidi(1);
    // It would only compute times: to keep them is left to the user, and costs rate where nothing is lost.
    config.enable_pacing(false);
    Ok(config)
}

fn connection_id() -> Result<ConnectionId<'static>> {
    let mut id = [0; quiche::MAX_CONN_ID_LEN];
    SystemRandom::new().fill(&mut id).map_err(|_| anyhow!("no random bytes"))?;
    Ok(ConnectionId::from_vec(id.to_vec()))
}

fn answer(mut end: End, job: Job, meter: &Meter) -> Result<()> {
    let counter = meter.connection();
    let mut buffer = vec![0; CHUNK];
    let mut greeted = false;
    loop {
        end.turn()?;
        while let Some(length) = end.read(&mut buffer)? {
            if !greeted || matches!(job, Job::Ping { .. }) {
                end.connection.stream_send(STREAM, &buffer[..length], false)?;
            }
            if greeted {
                counter.add(length);
            }
            greeted = true;
        }
    }
}

fn send(mut end: End, gate: &Gate) -> Result<Never> {
    let chunk = vec![0x5a; CHUNK];
    gate.wait()?;
    loop {
        loop {
            match end.connection.stream_send(STREAM, &chunk, false) {
                Ok(length) if length == chunk.len() => {}
                Ok(_) | Err(quiche::Error::Done) => break,
                Err(error) => return Err(error.into()),
            }
        }
        end.turn()?;
    }
}

fn ping(mut end: End, count: u32, gate: &Gate) -> Result<Never> {
    let mut message = [0x5a; PING];
    time_pings(count, gate, || end.exchange(&mut message))
}

/// One connection and its socket.
struct End {
    socket: Socket,
    connection: Connection,
    peer: SocketAddr,
}

impl End {
    /// Sends what may be sent, waits for something to happen, and handles it.
    fn turn(&mut self) -> Result<()> {
        self.socket.send_all(&mut self.connection, self.peer)?;
        if self.connection.is_closed() {
            bail!("the connection is closed");
        }
        self.socket.wait(self.connection.timeout_instant())?;
        self.socket.receive_all(&mut self.connection)?;
        if self.connection.timeout_instant().is_some_and(|at| at <= Instant::now()) {
            self.connection.on_timeout();
        }
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<Option<usize>> {
        match self.connection.stream_recv(STREAM, buffer) {
            Ok((length, _)) => Ok(Some(length)),
            Err(quiche::Error::Done | quiche::Error::InvalidStreamState(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends the message and waits for its echo.
    fn exchange(&mut self, message: &mut [u8]) -> Result<()> {
        self.connection.stream_send(STREAM, message, false)?;
        let mut rest = message;
        while !rest.is_empty() {
            self.turn()?;
            while let Some(length) = self.read(rest)? {
                rest = &mut rest[length..];
                if rest.is_empty() {
                    break;
                }
            }
        }
        Ok(())
    }
}

struct Socket {
    io: UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
    out: Vec<u8>,
    buffers: Vec<Vec<u8>>,
}

impl Socket {
    fn bind(at: Ipv4Addr) -> Result<Self> {
        let io = UdpSocket::bind((at, 0))?;
        let state = UdpSocketState::new(UdpSockRef::from(&io))?;
        state.set_send_buffer_size(UdpSockRef::from(&io), KERNEL_BUFFER)?;
        state.set_recv_buffer_size(UdpSockRef::from(&io), KERNEL_BUFFER)?;
        let local = io.local_addr()?;
        let (out, buffers) = (vec![0; 1 << 16], vec![vec![0; 1 << 16]; BUFFERS]);
        Ok(Self { io, state, local, out, buffers })
    }

    /// The connection of the first datagram that begins one.
    fn accept(&mut self, config: &mut Config) -> Result<Option<(Connection, SocketAddr)>> {
        let (length, from) = self.io.recv_from(&mut self.out)?;
        let datagram = &mut self.out[..length];
        if quiche::Header::from_slice(datagram, quiche::MAX_CONN_ID_LEN).is_err() {
            return Ok(None);
        }
        let id = connection_id()?;
        let mut connection = quiche::accept(&id, None, self.local, from, config)?;
        connection.recv(datagram, RecvInfo { from, to: self.local })?;
        Ok(Some((connection, from)))
    }

    /// Joins datagrams of one size.
    fn send_all(&mut self, connection: &mut Connection, to: SocketAddr) -> Result<()> {
        let most = self.state.max_gso_segments();
        let mut pending = 0..0;
        let mut segment = 0;
        loop {
            let room = connection.max_send_udp_payload_size();
            let is_full = pending.len() + room > usize::from(LARGEST)
                || pending.end + room > self.out.len()
                || (segment > 0 && pending.len() >= most * segment);
            if is_full {
                self.send(&self.out[pending], segment, to)?;
                pending = 0..0;
            }
            match connection.send(&mut self.out[pending.end..]) {
                Ok((length, _)) if pending.is_empty() => {
                    pending.end += length;
                    segment = length;
                }
                Ok((length, _)) if length == segment => pending.end += length,
                Ok((length, _)) if length < segment => {
                    pending.end += length;
                    self.send(&self.out[pending], segment, to)?;
                    pending = 0..0;
                }
                Ok((length, _)) => {
                    let start = pending.end;
                    self.send(&self.out[pending], segment, to)?;
                    pending = start..start + length;
                    segment = length;
                }
                Err(quiche::Error::Done) => return self.send(&self.out[pending], segment, to),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn send(&self, contents: &[u8], segment: usize, destination: SocketAddr) -> Result<()> {
        if contents.is_empty() {
            return Ok(());
        }
        let segment_size = (contents.len() > segment).then_some(segment);
        let transmit = Transmit { destination, ecn: None, contents, segment_size, src_ip: None };
        loop {
            match self.state.try_send(UdpSockRef::from(&self.io), &transmit) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    poll(&mut [PollFd::new(&self.io, PollFlags::OUT)], None)?;
                }
                result => return Ok(result?),
            }
        }
    }

    fn wait(&self, until: Option<Instant>) -> Result<()> {
        let left = until.map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = left.map(Timespec::try_from).transpose()?;
        poll(&mut [PollFd::new(&self.io, PollFlags::IN)], timeout.as_ref())?;
        Ok(())
    }

    fn receive_all(&mut self, connection: &mut Connection) -> Result<()> {
        let mut metas = [RecvMeta::default(); BUFFERS];
        let mut slices: Vec<_> =
            self.buffers.iter_mut().map(|buffer| IoSliceMut::new(buffer)).collect();
        let count = match self.state.recv(UdpSockRef::from(&self.io), &mut slices, &mut metas) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            result => result?,
        };
        for (buffer, meta) in self.buffers.iter_mut().zip(&metas).take(count) {
            for datagram in buffer[..meta.len].chunks_mut(meta.stride) {
                let info = RecvInfo { from: meta.addr, to: self.local };
                connection.recv(datagram, info)?;
            }
        }
        Ok(())
    }
}

/// A file that lasts until it was read: quiche takes certificates in no other way.
struct Pem(PathBuf);

impl Pem {
    fn write(what: &str, text: &str) -> Result<Self> {
        let path = env::temp_dir().join(format!("peers-{}-{what}.pem", process::id()));
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self(path))
    }

    fn name(&self) -> Result<&str> {
        self.0.to_str().context("a temporary directory without a readable name")
    }
}

impl Drop for Pem {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
