//! Who takes part in what.

use crate::order::{KeyExchange, Tuning};
use crate::stacks;

/// Which build of this program a contender needs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Build {
    This,
    /// srudp without the `aws-lc` feature.
    Pure,
}

/// A row of the tables.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) stack: &'static str,
    pub(crate) build: Build,
    pub(crate) tuned: bool,
    pub(crate) about: &'static str,
}

/// Everybody, in the order of the tables. The first is what the others are compared with.
const ALL: &[Contender] = &[
    contender("srudp", "srudp", "srudp as it comes: AEGIS-256X4, X25519 + ML-KEM-768"),
    Contender {
        build: Build::Pure,
        ..contender(
            "srudp-pure",
            "srudp",
            "srudp without the features aws-lc and aegis: all in Rust, AES-256-GCM",
        )
    },
    contender(
        "srudp-zero-copy",
        "srudp-zero-copy",
        "srudp, the data shared and borrowed by `write_bytes` and `read_with` instead of copied",
    ),
    contender("srudp-gcm", "srudp-gcm", "srudp with AES-256-GCM by AWS-LC, as the others have it"),
    tuned("srudp-cubic", "srudp", "srudp with CUBIC instead of BBR"),
    contender("srudp-1", "srudp-1", "srudp with one worker at both sides"),
    contender(
        "srudp-async",
        "srudp-async",
        "srudp's streams under tokio, the socket served by a task",
    ),
    contender("quinn", "quinn", "quinn with its defaults, ring"),
    tuned("quinn-tuned", "quinn", "quinn: 16 MiB windows, one thread, AWS-LC; BBR over links"),
    contender("s2n", "s2n", "s2n-quic with its defaults, s2n-tls"),
    tuned("s2n-tuned", "s2n", "s2n-quic: 16 MiB windows, one thread; BBR over links"),
    contender("quiche", "quiche", "quiche with the windows of its example, one thread"),
    tuned("quiche-tuned", "quiche", "quiche with 16 MiB windows, one thread"),
    contender("noq", "noq", "noq with its defaults, ring"),
    tuned("noq-tuned", "noq", "noq: 16 MiB windows, one thread, AWS-LC; BBR3 over links"),
    contender("iroh", "iroh", "iroh with its defaults, direct addresses only, ring"),
    tuned("iroh-tuned", "iroh", "iroh: 16 MiB windows, one thread, AWS-LC"),
    CUBIC,
    contender("tls", "tls", "TCP with rustls: TLS 1.3, AES-256-GCM by ring"),
    tuned("tls-tuned", "tls", "the same by AWS-LC; BBR over links"),
    contender("udp", "udp", "datagrams alone, GSO and GRO: no protocol, not encrypted"),
    contender("sealed", "sealed", "the same sealed by AWS-LC, AES-256-GCM: the limit"),
    contender("sealed-aegis", "sealed-aegis", "the same sealed with AEGIS-256X4"),
];

/// TCP of the kernel; it is told CUBIC, as every row of TCP that is not tuned: what most flows are that a link is shared with.
pub(crate) const CUBIC: Contender = contender("tcp", "tcp", "TCP of the kernel, not encrypted");

const fn contender(name: &'static str, stack: &'static str, about: &'static str) -> Contender {
    Contender { name, stack, build: Build::This, tuned: false, about }
}

const fn tuned(name: &'static str, stack: &'static str, about: &'static str) -> Contender {
    Contender { tuned: true, ..contender(name, stack, about) }
}

/// Those that this program was built with.
pub(crate) fn built() -> impl Iterator<Item = &'static Contender> {
    ALL.iter().filter(|contender| stacks::by_name(contender.stack).is_some())
}

impl Contender {
    pub(crate) fn tuning(&self, over_link: bool) -> Tuning {
        match (self.tuned, over_link) {
            (false, _) => Tuning::Defaults,
            (true, false) => Tuning::Windows,
            (true, true) => Tuning::WindowsAndBbr,
        }
    }

    /// A single connection has one worker, however many there are.
    pub(crate) fn does_one(&self) -> bool {
        self.stack != "srudp-1"
    }

    /// How packets are sealed, and data copied, shows where much of it is moved.
    fn is_for_bulk(&self) -> bool {
        matches!(self.stack, "srudp-gcm" | "srudp-zero-copy")
    }

    /// Links are too slow to tell ways to copy and to seal from each other.
    pub(crate) fn goes_through_link(&self) -> bool {
        self.does_one()
            && self.has_connections()
            && self.build == Build::This
            && !self.is_for_bulk()
            && self.stack != "tcp"
    }

    /// Neither the cipher nor larger windows matter to silent connections.
    pub(crate) fn idles(&self) -> bool {
        self.does_one()
            && self.has_connections()
            && self.build == Build::This
            && !self.tuned
            && !self.is_for_bulk()
    }

    /// Connections of TCP stay without a word, and iroh decides for itself.
    pub(crate) fn keeps_alive(&self) -> bool {
        self.idles() && !matches!(self.stack, "tcp" | "tls" | "iroh")
    }

    /// More than one; quiche leaves that to its users.
    pub(crate) fn has_connections(&self) -> bool {
        !matches!(self.stack, "quiche" | "udp" | "sealed" | "sealed-aegis")
    }

    pub(crate) fn answers(&self) -> bool {
        self.does_one() && !matches!(self.stack, "srudp-zero-copy" | "sealed" | "sealed-aegis")
    }

    /// TCP alone agrees on no keys: it is shown as the floor of the classical table.
    pub(crate) fn agrees_on_keys(&self, key_exchange: KeyExchange) -> bool {
        self.has_connections()
            && !self.is_for_bulk()
            && (self.stack != "tcp" || key_exchange != KeyExchange::X25519MlKem768)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_srudp_leads() {
        let mut names: Vec<_> = ALL.iter().map(|contender| contender.name).collect();
        assert_eq!(names[0], super::super::REFERENCE);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
