//! Servers that judge: our own STUN server, and coturn.

use std::net::SocketAddr;
use std::process::Command;

use crate::net::{Host, Program};

/// Where it answers, and the running server.
#[derive(Debug)]
pub(crate) struct StunServer {
    pub(crate) address: SocketAddr,
    _program: Program,
}

/// `srudp stun serve` on both addresses of a public host.
pub(crate) fn own(host: &Host) -> StunServer {
    let (address, other) = (host.at(3478), host.second(3479));
    let (bind, pair) = (address.to_string(), other.to_string());
    let program = host.srudp(&["stun", "serve", "--bind", &bind, "--other", &pair]);
    for _ in 0..4 {
        program.line("serving ");
    }
    StunServer { address, _program: program }
}

/// coturn on both addresses of a public host, for STUN (RFC 5780) and, with the name `user` and the password `secret`, for TURN.
/// `None` if it is not installed.
pub(crate) fn coturn(host: &Host) -> Option<StunServer> {
    Command::new("turnserver").arg("--version").output().ok()?;
    let (address, other) = (host.at(3478), host.second(3478).ip().to_string());
    let first = address.ip().to_string();
    let arguments = format!(
        "-n --listening-ip={first} --listening-ip={other} --relay-ip={first} --listening-port=3478 --alt-listening-port=3479 \
         --min-port=49152 --max-port=49999 --lt-cred-mech --realm=lab.test --user=user:secret --fingerprint --no-tls --no-dtls \
         --no-cli --log-file=stdout --simple-log --pidfile=turn.pid --userdb=turn.db"
    );
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    let mut program = host.program("turnserver", &arguments);
    let mut log = program.stdout();
    // A full pipe would stop it.
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    Some(StunServer { address, _program: program })
}
