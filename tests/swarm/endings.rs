//! How connections ended, and whether both sides tell the same story.

use std::collections::BTreeMap;

use srudp::{ApplicationCode, ConnectionError};

use super::truth::Tag;

/// One side of a connection.
#[derive(Debug, Default)]
pub(crate) struct Side {
    pub(crate) node: usize,
    pub(crate) initiator: bool,
    /// The peer was heard: it has this connection too.
    pub(crate) confirmed: bool,
    /// What its application closed with.
    pub(crate) code: Option<ApplicationCode>,
    pub(crate) reason: Option<ConnectionError>,
}

impl Side {
    fn closed_by_itself(&self) -> bool {
        use ConnectionError::{LingerTimedOut, LocalClosed};
        matches!(self.reason, Some(LocalClosed | LingerTimedOut))
    }
}

/// Both sides of all connections. The secret that only they share brings them together.
#[derive(Debug, Default)]
pub(crate) struct Endings {
    connections: BTreeMap<Tag, Vec<Side>>,
    /// Dials that came to nothing. A responder may have heard their last message, and nobody its answer.
    pub(crate) failed_dials: usize,
}

impl Endings {
    pub(crate) fn began(&mut self, tag: Tag, node: usize, initiator: bool) {
        let sides = self.connections.entry(tag).or_default();
        assert!(sides.iter().all(|side| side.node != node), "node {node} has {tag:x} twice");
        sides.push(Side { node, initiator, ..Side::default() });
    }

    pub(crate) fn side(&mut self, tag: Tag, node: usize) -> &mut Side {
        let sides = self.connections.get_mut(&tag).expect("the connection began");
        sides.iter_mut().find(|side| side.node == node).expect("this side of it began")
    }

    /// The other side, if it ever came to be.
    pub(crate) fn other(&self, tag: Tag, node: usize) -> Option<&Side> {
        self.connections.get(&tag)?.iter().find(|side| side.node != node)
    }

    /// Everything is over: the stories are compared.
    pub(crate) fn check(&self) {
        let mut unheard = 0;
        for (tag, sides) in &self.connections {
            match sides.as_slice() {
                [one] => {
                    assert!(!one.confirmed || !one.initiator, "{tag:x}: nobody else has {one:?}");
                    unheard += usize::from(one.confirmed);
                }
                [one, other] => {
                    agree(one, other);
                    agree(other, one);
                }
                more => panic!("{tag:x} has more than two sides: {more:?}"),
            }
        }
        assert!(unheard <= self.failed_dials, "{unheard} connections have one side only");
    }
}

/// What one side says follows from what the other did.
fn agree(one: &Side, other: &Side) {
    match one.reason.as_ref().expect("it ended") {
        ConnectionError::PeerClosed { code, .. } => {
            assert!(other.closed_by_itself(), "{one:?} blames {other:?}");
            assert_eq!(Some(*code), other.code, "{one:?}, {other:?}");
        }
        ConnectionError::LocalClosed | ConnectionError::LingerTimedOut => {
            assert!(one.code.is_some(), "nobody closed {one:?}");
        }
        ConnectionError::HandshakeTimedOut => assert!(!one.confirmed, "{one:?}, {other:?}"),
        // The peer is gone before, or only from here it looks so.
        ConnectionError::TimedOut | ConnectionError::Reset => {}
        reason => panic!("{reason:?} is no fault of the network: {one:?}, {other:?}"),
    }
}
