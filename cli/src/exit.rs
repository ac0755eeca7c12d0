//! How the program ends: a code for scripts, and a sentence that names the thing and the way out for people.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

use srudp::ConnectionError;

/// The end of `srudp --help`. It has to agree with [`Code`].
pub(crate) const HELP: &str = "\
Example:
  srudp listen --once > photos.tar                       on one machine; prints its address and peer id
  tar c photos | srudp connect kbq2…@192.0.2.7:41000     on the other

Exit codes:
  0  done: everything was delivered and acknowledged
  1  failed on this side: a file, a socket, an identity, or a result that is not what it has to be
  2  the command line is wrong
  3  the peer was not reached: nobody answers at that address under that peer id, or there is no way through the NATs
  4  the peer refused: it does not allow this peer id, has no room, or speaks another protocol
  5  the connection broke, or ended before everything was delivered";

/// What the process returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// Something on this side failed.
    Here = 1,
    // 2 is clap's: the command line is wrong.
    /// No handshake came about.
    Unreached = 3,
    /// The peer answered, and wants nothing of it.
    Refused = 4,
    /// There was a connection, and it did not end well.
    Broken = 5,
}

/// Why the program ends without success.
#[derive(Debug)]
pub(crate) struct Failure {
    code: Code,
    /// Nothing is printed without one.
    message: Option<String>,
}

impl Failure {
    /// A failure that is described here.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: Some(message.into()) }
    }

    /// The reader of our output is gone: it knows, and nobody else wants to.
    pub(crate) fn quiet() -> Self {
        Self { code: Code::Here, message: None }
    }

    /// An error of the library or of the system. What went wrong decides the code; `doing` says what the program was about,
    /// for instance "cannot reach 192.0.2.7:41000".
    pub(crate) fn of(
        doing: impl fmt::Display,
        error: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        let error = error.into();
        let code = connection_error(error.as_ref()).map_or(Code::Here, code_of);
        Self::new(code, format!("{doing}: {error}"))
    }

    /// Whether it is [`Self::quiet`].
    pub(crate) fn is_quiet(&self) -> bool {
        self.message.is_none()
    }

    /// Says on stderr what happened.
    pub(crate) fn print(&self) {
        if let Some(message) = &self.message {
            eprintln!("srudp: {message}");
        }
    }

    /// The number for the shell.
    pub(crate) fn code(&self) -> Code {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.as_deref().unwrap_or_default())
    }
}

/// The typed error at the bottom, however many `io::Error`s and others are wrapped around it.
pub(crate) fn connection_error<'a>(
    error: &'a (dyn Error + 'static),
) -> Option<&'a ConnectionError> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match wrapped {
        Some(inner) => connection_error(inner),
        None => connection_error(error.source()?),
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

fn code_of(error: &ConnectionError) -> Code {
    match error {
        ConnectionError::HandshakeTimedOut => Code::Unreached,
        ConnectionError::Refused { .. } => Code::Refused,
        _ => Code::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_typed_error_decides_the_code_through_every_wrapping() {
        let inner = io::Error::other(ConnectionError::HandshakeTimedOut);
        let outer = io::Error::other(inner);
        assert_eq!(Failure::of("dialling", outer).code(), Code::Unreached);
        assert_eq!(Failure::of("dialling", ConnectionError::TimedOut).code(), Code::Broken);
    }

    #[test]
    fn an_error_of_the_system_is_a_failure_on_this_side() {
        let error = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(Failure::of("cannot write", error).code(), Code::Here);
    }

    #[test]
    fn the_message_begins_with_what_the_program_was_doing() {
        let failure = Failure::of("cannot read identity", "no such file");
        assert_eq!(failure.to_string(), "cannot read identity: no such file");
    }

    #[test]
    fn the_help_lists_every_code() {
        for code in [Code::Here, Code::Unreached, Code::Refused, Code::Broken] {
            assert!(HELP.contains(&format!("\n  {}  ", code as u8)));
        }
    }
}
