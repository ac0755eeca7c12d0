//! What to ask, whom, and as whom.

use std::net::SocketAddr;

use super::super::credentials::Credentials;
use super::super::retransmit::Patience;

/// Which address do you see me at? With what RFC 5780 adds to the question.
#[derive(Clone, Debug)]
pub struct Question {
    pub(super) server: SocketAddr,
    pub(super) patience: Patience,
    pub(super) credentials: Option<Credentials>,
    pub(super) change: Option<(bool, bool)>,
    pub(super) response_port: Option<u16>,
    pub(super) answer_from: Option<SocketAddr>,
}

impl Question {
    /// A question to this server over UDP, without credentials.
    pub fn new(server: SocketAddr) -> Self {
        Self {
            server,
            patience: Patience::UDP,
            credentials: None,
            change: None,
            response_port: None,
            answer_from: None,
        }
    }

    /// How long to wait: [`Patience::UDP`] if never called.
    #[must_use]
    pub fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// As whom to ask.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Asks for the answer from the server's other IP address, other port, or both (RFC 5780 §7.2). Wants [`Self::answer_from`] too.
    #[must_use]
    pub fn change_request(mut self, ip: bool, port: bool) -> Self {
        self.change = Some((ip, port));
        self
    }

    /// Asks for the answer to another port of the same address (RFC 5780 §7.5). It is then not for who asked: see
    /// [`Query::transaction`](super::Query::transaction).
    #[must_use]
    pub fn response_port(mut self, port: u16) -> Self {
        self.response_port = Some(port);
        self
    }

    /// Takes the answer from this address only: the server's own if never called.
    #[must_use]
    pub fn answer_from(mut self, address: SocketAddr) -> Self {
        self.answer_from = Some(address);
        self
    }
}
