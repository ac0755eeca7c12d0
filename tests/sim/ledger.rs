//! Watches that nobody sends more than three times what it received to an address that has proved nothing (SPEC §5.5).
//!
//! An address counts as proved once an ESTABLISH, a short packet or a cookie came from it, and as exempt when the
//! application named it in a dial.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::Datagram;

/// What each node has exchanged with each address.
#[derive(Debug, Default)]
pub(crate) struct Ledger(BTreeMap<(usize, SocketAddr), Account>);

#[derive(Debug, Default)]
struct Account {
    sent: usize,
    received: usize,
    trusted: bool,
}

const ESTABLISH: u8 = 0xd8;
const COOKIE: std::ops::Range<usize> = 36..56;

impl Ledger {
    pub(crate) fn named(&mut self, node: usize, remote: SocketAddr) {
        self.account(node, remote).trusted = true;
    }

    pub(crate) fn received(&mut self, node: usize, datagram: &Datagram) {
        let account = self.account(node, datagram.from);
        account.received += datagram.payload.len();
        account.trusted |= proves(&datagram.payload);
    }

    pub(crate) fn sent(&mut self, node: usize, datagram: &Datagram) {
        let account = self.account(node, datagram.to);
        account.sent += datagram.payload.len();
        let Account { sent, received, trusted } = *account;
        assert!(
            trusted || sent <= 3 * received,
            "node {node} sent {sent} bytes to {}, for {received}",
            datagram.to
        );
    }

    pub(crate) fn sent_to(&self, remote: SocketAddr) -> usize {
        let accounts = self.0.iter().filter(|((_, other), _)| *other == remote);
        accounts.map(|(_, account)| account.sent).sum()
    }

    fn account(&mut self, node: usize, remote: SocketAddr) -> &mut Account {
        self.0.entry((node, remote)).or_default()
    }
}

fn proves(payload: &[u8]) -> bool {
    let Some(first) = payload.first() else {
        return false;
    };
    let has_cookie = || payload.get(COOKIE).is_some_and(|cookie| cookie != [0; 20]);
    first & 0xe0 == 0x60 || *first == ESTABLISH || (*first > 0xc0 && has_cookie())
}
