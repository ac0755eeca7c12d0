//! Signs of life: datagrams that say nothing, so that a NAT keeps a mapping (RFC 8445 §11).

use super::stun::{Builder, Class, Method, StunError, TransactionId};
use crate::base::Entropy;

/// A STUN indication that nobody answers.
pub(crate) fn sign_of_life(entropy: &mut dyn Entropy) -> Result<Vec<u8>, StunError> {
    let transaction = TransactionId::random(entropy);
    Builder::new(Class::Indication, Method::BINDING, transaction).fingerprint().finish()
}
