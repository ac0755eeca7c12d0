//! The interpreter against vectors of others: every pattern of revision 34 that fits our primitives.

mod patterns;
mod vectors;

use super::pattern::Pattern;
use super::symmetric::SymmetricState;

/// What follows an ephemeral key of the caller's choice in message 1 of XX with an empty payload: anybody can make it.
pub(in crate::crypto) fn seal_first_of_xx(
    pattern: &Pattern,
    prologue: &[u8],
    ephemeral: &[u8],
) -> Vec<u8> {
    let mut symmetric = SymmetricState::initialize(pattern.name);
    symmetric.mix_hash(prologue);
    symmetric.mix_hash(ephemeral);
    symmetric.mix_key(ephemeral);
    let mut out = Vec::new();
    symmetric.encrypt_and_hash(&[], &mut out).unwrap();
    out
}
