//! Several sockets at one address and port, to each of which the kernel brings what is for its endpoint (SPEC §7.5).
//!
//! The first socket is bound as if it were the only one, so that a port in use is told as ever; only then the port is opened to the
//! others. In what order they were bound is their number for the filter, as long as none of them is closed.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use super::socket::Socket;

/// Binds so many sockets to this address and one port, or a single one where the kernel cannot tell which datagram is for which.
pub(super) fn bind(
    address: SocketAddr,
    kernel_buffer: usize,
    count: u8,
) -> io::Result<Vec<Arc<Socket>>> {
    let first = Socket::bind(address, kernel_buffer)?;
    let others = match count {
        0 | 1 => Vec::new(),
        _ => bind_others(&first, kernel_buffer, count)?,
    };
    Ok([first].into_iter().chain(others).map(Arc::new).collect())
}

#[cfg(not(target_os = "linux"))]
fn bind_others(_: &Socket, _: usize, _: u8) -> io::Result<Vec<Socket>> {
    Ok(Vec::new())
}

#[cfg(target_os = "linux")]
use filter::bind_others;

#[cfg(target_os = "linux")]
mod filter {
    //! What the kernel runs on a datagram for the port: the same as [`Shard::addressee`](crate::wire::Shard::addressee).

    use std::io;

    use libc::{
        BPF_A, BPF_ABS, BPF_ALU, BPF_B, BPF_JA, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_JSET, BPF_K, BPF_LD,
        BPF_MOD, BPF_RET, BPF_W, sock_filter, sock_fprog,
    };
    use nix::sys::socket::{setsockopt, sockopt};

    use super::Socket;
    use crate::wire::shard::{
        CONNECTION_ID, DESTINATION_ID, PUNCH, PUNCH_FLAGS, RESEND, SOURCE_ID, naming_byte,
    };

    /// The other sockets; none if the system does not share a port, takes no filter or has no more sockets.
    pub(super) fn bind_others(
        first: &Socket,
        kernel_buffer: usize,
        count: u8,
    ) -> io::Result<Vec<Socket>> {
        if setsockopt(first.io(), sockopt::ReusePort, &true).is_err() {
            return Ok(Vec::new());
        }
        share(first, kernel_buffer, count).or_else(|_| {
            // Left open, the port would be anybody's of the same user.
            setsockopt(first.io(), sockopt::ReusePort, &false)?;
            Ok(Vec::new())
        })
    }

    fn share(first: &Socket, kernel_buffer: usize, count: u8) -> io::Result<Vec<Socket>> {
        let address = first.local_addr();
        let bind = |_| {
            Socket::bind_with(address, kernel_buffer, |raw| {
                Ok(setsockopt(raw, sockopt::ReusePort, &true)?)
            })
        };
        let others: Vec<_> = (1..count).map(bind).collect::<io::Result<_>>()?;
        let mut program = program(count);
        // As long as a dozen instructions are.
        let len = u16::try_from(program.len()).unwrap_or(0);
        let program = sock_fprog { len, filter: program.as_mut_ptr() };
        setsockopt(first.io(), sockopt::AttachReusePortCbpf, &program)?;
        Ok(others)
    }

    /// A load beyond the end of a datagram ends the program with 0.
    fn program(count: u8) -> [sock_filter; 17] {
        let load = |size, at: usize| op(BPF_LD | size | BPF_ABS, u32::try_from(at).unwrap_or(0));
        [
            load(BPF_B, 0),
            jump(BPF_JGE, 0x60, 0, 14),
            jump(BPF_JGE, 0xc0, 3, 0),
            jump(BPF_JGE, 0x80, 12, 0),
            // A short packet.
            load(BPF_B, naming_byte(CONNECTION_ID)),
            op(BPF_JMP | BPF_JA, 8),
            // A long one.
            jump(BPF_JEQ, PUNCH.into(), 0, 2),
            load(BPF_B, PUNCH_FLAGS),
            jump(BPF_JSET, RESEND.into(), 0, 7),
            load(BPF_W, DESTINATION_ID),
            jump(BPF_JEQ, 0, 2, 0),
            load(BPF_B, naming_byte(DESTINATION_ID)),
            op(BPF_JMP | BPF_JA, 1),
            load(BPF_B, naming_byte(SOURCE_ID)),
            op(BPF_ALU | BPF_MOD | BPF_K, count.max(1).into()),
            op(BPF_RET | BPF_A, 0),
            op(BPF_RET | BPF_K, 0),
        ]
    }

    fn op(code: u32, k: u32) -> sock_filter {
        sock_filter { code: u16::try_from(code).unwrap_or(0), jt: 0, jf: 0, k }
    }

    /// Goes on so many instructions further, as the comparison of what was loaded last turns out.
    fn jump(comparison: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
        sock_filter { jt, jf, ..op(BPF_JMP | comparison | BPF_K, k) }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::{ErrorKind, IoSliceMut};
    use std::net::UdpSocket;
    use std::thread;
    use std::time::Duration;

    use libc::{EPERM, SO_ATTACH_REUSEPORT_CBPF, SO_REUSEPORT, SYS_setsockopt};
    use nix::sys::socket::{setsockopt, sockopt};
    use quinn_udp::RecvMeta;
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, apply_filter,
    };

    use super::*;
    use crate::base::{Entropy, SeededEntropy};
    use crate::wire::Shard;

    const COUNT: u8 = 3;

    fn sockets(address: &str) -> Vec<Arc<Socket>> {
        bind(address.parse().unwrap(), 1 << 16, COUNT).unwrap()
    }

    /// Which of them has received, once one has.
    fn receiver(sockets: &[Arc<Socket>]) -> usize {
        let (mut buffer, mut meta) = ([0; 2048], [RecvMeta::default()]);
        for _ in 0..5000 {
            for (number, socket) in sockets.iter().enumerate() {
                let mut slices = [IoSliceMut::new(&mut buffer)];
                match socket.receive(&mut slices, &mut meta) {
                    Ok(_) => return number,
                    Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
                }
            }
            thread::sleep(Duration::from_millis(1));
        }
        panic!("nobody has received it");
    }

    #[test]
    fn the_kernel_and_the_core_agree_for_whom_a_datagram_is() {
        for address in ["127.0.0.1:0", "[::]:0"] {
            let sockets = sockets(address);
            assert_eq!(sockets.len(), usize::from(COUNT));
            let port = sockets[0].local_addr().port();
            assert!(sockets.iter().all(|socket| socket.local_addr().port() == port));
            let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
            let (mut entropy, mut seen) = (SeededEntropy::new(1), [0; COUNT as usize]);
            for round in 0..600_usize {
                let mut datagram = [0; 64];
                entropy.fill(&mut datagram);
                datagram[0] = [0x61, 0xc8, 0xd0, 0xd8, 0xc0, datagram[0]][round % 6];
                if round % 12 < 6 {
                    datagram[5..13].fill(0);
                }
                let datagram = if round % 5 == 0 { &datagram[..round % 32] } else { &datagram };
                stranger.send_to(datagram, ("127.0.0.1", port)).unwrap();
                let expected = Shard::all(COUNT).next().unwrap().addressee(datagram);
                assert_eq!(receiver(&sockets), usize::from(expected), "{datagram:x?}");
                seen[usize::from(expected)] += 1;
            }
            assert!(seen.iter().all(|count| *count > 60), "{seen:?}");
        }
    }

    /// From now on this thread may not set this option of any socket.
    fn forbid(option: i32) {
        let name = SeccompCondition::new(
            2,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::Eq,
            option.try_into().unwrap(),
        );
        let rule = SeccompRule::new(vec![name.unwrap()]).unwrap();
        let filter = SeccompFilter::new(
            [(SYS_setsockopt, vec![rule])].into(),
            SeccompAction::Allow,
            SeccompAction::Errno(EPERM.unsigned_abs()),
            std::env::consts::ARCH.try_into().unwrap(),
        );
        apply_filter(&BpfProgram::try_from(filter.unwrap()).unwrap()).unwrap();
    }

    #[test]
    fn where_a_sandbox_shares_no_port_there_is_one_socket_and_nobody_beside_it() {
        for option in [SO_REUSEPORT, SO_ATTACH_REUSEPORT_CBPF] {
            let bind = move || {
                forbid(option);
                sockets("127.0.0.1:0")
            };
            let alone = thread::spawn(bind).join().unwrap();
            assert_eq!(alone.len(), 1);
            let beside = Socket::bind_with(alone[0].local_addr(), 1 << 16, |raw| {
                Ok(setsockopt(raw, sockopt::ReusePort, &true)?)
            });
            assert_eq!(beside.unwrap_err().kind(), ErrorKind::AddrInUse);
        }
    }

    #[test]
    fn a_port_in_use_is_told() {
        let one = sockets("127.0.0.1:0");
        for count in [1, COUNT] {
            let again = bind(one[0].local_addr(), 1 << 16, count);
            assert_eq!(again.unwrap_err().kind(), ErrorKind::AddrInUse);
        }
    }
}
