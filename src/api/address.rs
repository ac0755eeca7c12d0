//! Addresses to bind, and what to do when none can be had.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

/// Tries every address that the name stands for.
pub(super) fn first_that_works<T>(
    address: impl ToSocketAddrs,
    mut bind: impl FnMut(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let mut last = io::Error::new(
        io::ErrorKind::InvalidInput,
        "cannot bind: the address stands for none; give one as host:port",
    );
    for address in address.to_socket_addrs()? {
        match bind(address) {
            Ok(bound) => return Ok(bound),
            Err(error) => last = cannot_bind(address, &error),
        }
    }
    Err(last)
}

fn cannot_bind(address: SocketAddr, error: &io::Error) -> io::Error {
    let way_out = match error.kind() {
        io::ErrorKind::AddrInUse => "choose another port, or 0 for a free one",
        io::ErrorKind::AddrNotAvailable => {
            "choose an address of this host, or 0.0.0.0 or [::] for all"
        }
        io::ErrorKind::PermissionDenied => "choose a port above 1023",
        _ => "choose another address",
    };
    io::Error::new(error.kind(), format!("cannot bind UDP {address}: {error}; {way_out}"))
}
