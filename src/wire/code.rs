//! Error codes (SPEC §11): the protocol's registry, and the application's own numbers.

use std::fmt;

use super::codec::VARINT_MAX;

/// A code of the protocol, as it stands in CLOSE frames of type 0x1c.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrorCode(pub(crate) u64);

macro_rules! registry {
    ($($name:ident = $value:literal, $text:literal;)*) => {
        impl ErrorCode {
            $(
                #[doc = concat!("`", stringify!($name), "`: ", $text, ".")]
                pub const $name: Self = Self($value);
            )*

            /// The name that SPEC §11 gives to the code, if it gives one.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(stringify!($name)),)*
                    _ => None,
                }
            }

            /// What the code means.
            pub const fn meaning(self) -> &'static str {
                match self.0 {
                    $($value => $text,)*
                    _ => "a code that this version does not know",
                }
            }

            /// All codes that have a name.
            pub(crate) const ALL: &'static [(u64, &'static str)] =
                &[$(($value, stringify!($name)),)*];
        }
    };
}

registry! {
    NO_ERROR = 0x00, "closed without an error";
    INTERNAL = 0x01, "the sender failed";
    REFUSED = 0x02, "the sender does not want this peer";
    FLOW_CONTROL = 0x03, "more data than allowed";
    STREAM_LIMIT = 0x04, "more streams than allowed";
    STREAM_STATE = 0x05, "a frame that the stream's state forbids";
    FINAL_SIZE = 0x06, "the final size changed or is below data received";
    FRAME_ENCODING = 0x07, "a frame did not parse";
    PARAMETER = 0x08, "a parameter did not parse, came twice or is out of range";
    CONNECTION_ID_LIMIT = 0x09, "more connection ids than allowed";
    PROTOCOL_VIOLATION = 0x0a, "any other broken rule";
    APPLICATION_PROTOCOL = 0x0c, "the responder does not speak the application protocol";
    BUSY = 0x0d, "no room for another connection";
    AEAD_LIMIT = 0x0f, "too many packets under one key or too many that failed";
    NO_PATH = 0x10, "no path left that works";
}

impl ErrorCode {
    /// The number on the wire.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    pub(crate) const fn from_u64(code: u64) -> Self {
        Self(code)
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#x}", self.0),
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?} ({})", self.meaning())
    }
}

/// A rule that was broken: ends the connection with this code. The reason is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TransportError {
    pub(crate) code: ErrorCode,
    pub(crate) reason: &'static str,
}

impl TransportError {
    pub(crate) const REFUSED: Self = Self::plain(ErrorCode::REFUSED);
    pub(crate) const FLOW_CONTROL: Self = Self::plain(ErrorCode::FLOW_CONTROL);
    pub(crate) const STREAM_LIMIT: Self = Self::plain(ErrorCode::STREAM_LIMIT);
    pub(crate) const STREAM_STATE: Self = Self::plain(ErrorCode::STREAM_STATE);
    pub(crate) const FINAL_SIZE: Self = Self::plain(ErrorCode::FINAL_SIZE);
    pub(crate) const FRAME_ENCODING: Self = Self::plain(ErrorCode::FRAME_ENCODING);
    pub(crate) const PARAMETER: Self = Self::plain(ErrorCode::PARAMETER);
    pub(crate) const PROTOCOL_VIOLATION: Self = Self::plain(ErrorCode::PROTOCOL_VIOLATION);
    pub(crate) const APPLICATION_PROTOCOL: Self = Self::plain(ErrorCode::APPLICATION_PROTOCOL);
    pub(crate) const BUSY: Self = Self::plain(ErrorCode::BUSY);
    pub(crate) const AEAD_LIMIT: Self = Self::plain(ErrorCode::AEAD_LIMIT);

    /// A broken rule with a reason more exact than the code's own meaning.
    pub(crate) const fn new(code: ErrorCode, reason: &'static str) -> Self {
        Self { code, reason }
    }

    const fn plain(code: ErrorCode) -> Self {
        Self { code, reason: code.meaning() }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.code, self.reason)
    }
}

/// A number whose meaning the application knows: in CLOSE frames of type 0x1d, RESET_STREAM and STOP_SENDING.
///
/// ```
/// use srudp::ApplicationCode;
///
/// assert_eq!(ApplicationCode::new(7).as_u64(), 7);
/// assert_eq!(ApplicationCode::new(u64::MAX).as_u64(), (1 << 62) - 1);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApplicationCode(u64);

impl ApplicationCode {
    /// Zero.
    pub const ZERO: Self = Self(0);

    /// The code; numbers above 2^62-1 do not fit the wire and become that.
    pub const fn new(code: u64) -> Self {
        Self(if code > VARINT_MAX { VARINT_MAX } else { code })
    }

    /// The number.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ApplicationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
