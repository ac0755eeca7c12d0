//! Writes messages.

use super::attribute::{Attribute, kind};
use super::error::StunError;
use super::header::{Class, HEADER, Header, Method, TransactionId};
use super::integrity::{self, ATTRIBUTE_HEADER};
use super::password::Key;

/// A message in the making. Attributes come first, then the keyed codes, then the fingerprint.
#[derive(Debug)]
pub struct Builder {
    header: Header,
    bytes: Vec<u8>,
    /// What went wrong first.
    error: Option<StunError>,
}

impl Builder {
    /// A message without attributes.
    pub fn new(class: Class, method: Method, transaction: TransactionId) -> Self {
        Self::within(Vec::new(), class, method, transaction)
    }

    /// The same in a buffer whose room is used again; what it holds is overwritten.
    pub(in crate::nat) fn within(
        mut buffer: Vec<u8>,
        class: Class,
        method: Method,
        transaction: TransactionId,
    ) -> Self {
        let header = Header { class, method, length: 0, transaction };
        buffer.clear();
        buffer.extend(header.encode());
        Self { header, bytes: buffer, error: None }
    }

    /// Appends an attribute.
    #[must_use]
    pub fn attribute(mut self, attribute: &Attribute<'_>) -> Self {
        let start = self.bytes.len();
        self.bytes.extend([0; ATTRIBUTE_HEADER]);
        if let Err(error) = attribute.encode(&self.header.transaction, &mut self.bytes) {
            self.fail(error);
        }
        self.close(start, attribute.kind());
        self
    }

    /// Appends MESSAGE-INTEGRITY.
    #[must_use]
    pub fn integrity(mut self, key: &Key) -> Self {
        let code = integrity::sha1(key, &self.bytes);
        self.put(kind::MESSAGE_INTEGRITY, &code);
        self
    }

    /// Appends MESSAGE-INTEGRITY-SHA256, whole.
    #[must_use]
    pub fn integrity_sha256(mut self, key: &Key) -> Self {
        let code = integrity::sha256(key, &self.bytes, integrity::SHA256);
        self.put(kind::MESSAGE_INTEGRITY_SHA256, &code);
        self
    }

    /// Appends FINGERPRINT, the last attribute.
    #[must_use]
    pub fn fingerprint(mut self) -> Self {
        let code = integrity::fingerprint(&self.bytes);
        self.put(kind::FINGERPRINT, &code);
        self
    }

    /// Bytes so far.
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The message.
    ///
    /// # Errors
    ///
    /// If a text is longer than the RFC allows, an error code lies outside 300 to 699, or all is longer than the header can say.
    pub fn finish(mut self) -> Result<Vec<u8>, StunError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        self.header.length = length(&self.bytes).ok_or(StunError::TooLong)?;
        let (start, _) = self.bytes.split_at_mut(HEADER);
        start.copy_from_slice(&self.header.encode());
        Ok(self.bytes)
    }

    fn put(&mut self, kind: u16, value: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend([0; ATTRIBUTE_HEADER]);
        self.bytes.extend(value);
        self.close(start, kind);
    }

    /// Writes the header of the attribute that begins there, now that its length is known, and pads it.
    fn close(&mut self, start: usize, kind: u16) {
        let length = self.bytes.len() - start - ATTRIBUTE_HEADER;
        let Ok(length) = u16::try_from(length) else { return self.fail(StunError::TooLong) };
        let ([k0, k1], [l0, l1]) = (kind.to_be_bytes(), length.to_be_bytes());
        self.bytes[start..start + ATTRIBUTE_HEADER].copy_from_slice(&[k0, k1, l0, l1]);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn fail(&mut self, error: StunError) {
        self.error = self.error.or(Some(error));
    }
}

/// What the header says of the length.
fn length(bytes: &[u8]) -> Option<u16> {
    u16::try_from(bytes.len().checked_sub(HEADER)?).ok()
}
