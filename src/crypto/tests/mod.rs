//! Vectors that nobody here wrote, and the tools to replay them.

mod erased;
mod handshakes;
mod peers;
mod primitives;
mod snow;
mod wycheproofs;

use serde_json::Value;

use crate::base::Entropy;

/// A source that returns the bytes of a vector, and fails the test when it is asked for more.
pub(super) struct Given(Vec<u8>);

impl Given {
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// All bytes were drawn.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Entropy for Given {
    fn fill(&mut self, out: &mut [u8]) {
        let rest = self.0.split_off(out.len());
        out.copy_from_slice(&self.0);
        self.0 = rest;
    }
}

/// Bytes in hexadecimal.
pub(super) fn hex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
}

/// Bytes in hexadecimal, of a length that the test knows.
pub(super) fn hex_array<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().unwrap()
}

/// The field of a vector, if it is there.
pub(super) fn field(vector: &Value, name: &str) -> Option<Vec<u8>> {
    vector.get(name).map(|value| hex(value.as_str().unwrap()))
}

/// A field that must be there.
pub(super) fn bytes(vector: &Value, name: &str) -> Vec<u8> {
    field(vector, name).unwrap_or_else(|| panic!("no field {name}"))
}

/// A field of 32 bytes.
pub(super) fn key(vector: &Value, name: &str) -> [u8; 32] {
    bytes(vector, name).try_into().unwrap()
}

/// A field that is a number.
pub(super) fn number(vector: &Value, name: &str) -> u64 {
    vector[name].as_u64().unwrap()
}
