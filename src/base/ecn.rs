//! The ECN field of an IP packet.

/// A marking other than "not ECN-capable" (RFC 3168).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EcnMark {
    /// ECN-capable, codepoint 10.
    Ect0,
    /// ECN-capable, codepoint 01.
    Ect1,
    /// A router on the path saw congestion.
    Ce,
}
