//! Who asks a server, and what proves it (RFC 8489 §9).

use std::fmt;

use zeroize::Zeroizing;

/// A name and a password.
#[derive(Clone)]
pub struct Credentials {
    pub(super) username: String,
    pub(super) password: Zeroizing<String>,
    pub(super) long_term: bool,
}

impl Credentials {
    /// Those of one session, which both sides know beforehand (RFC 8489 §9.1).
    pub fn short_term(username: &str, password: &str) -> Self {
        Self::new(username, password, false)
    }

    /// Those of a user of the server, which asks for them (RFC 8489 §9.2).
    pub fn long_term(username: &str, password: &str) -> Self {
        Self::new(username, password, true)
    }

    fn new(username: &str, password: &str, long_term: bool) -> Self {
        let password = Zeroizing::new(password.to_owned());
        Self { username: username.to_owned(), password, long_term }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}
