//! Servers that name another one to ask (RFC 8489 §10).

use std::net::SocketAddr;

use super::attribute::Attribute;
use super::message::Message;
use crate::nat::scope::Scope;

/// The server to ask instead of this one; `None` if it is none that may be asked.
///
/// A server must not aim us at something nearer to us than itself, of which it may know nothing.
pub(in crate::nat) fn redirection(from: SocketAddr, message: &Message<'_>) -> Option<SocketAddr> {
    let named = message.find(|attribute| match attribute {
        Attribute::AlternateServer(address) => Some(address),
        _ => None,
    });
    named.filter(|to| {
        let scope = Scope::of(to.ip());
        from != *to
            && from.is_ipv4() == to.is_ipv4()
            && to.port() != 0
            && scope != Scope::Unusable
            && scope >= Scope::of(from.ip())
    })
}
