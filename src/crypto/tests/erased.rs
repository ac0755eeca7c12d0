//! Every type that holds a secret erases it when dropped: a matter of features of other crates, so it is checked here.

use zeroize::{ZeroizeOnDrop, Zeroizing};

fn erased<T: ZeroizeOnDrop>() {}

#[test]
fn secrets_zeroized_on_drop() {
    erased::<ed25519_dalek::SigningKey>();
    erased::<x25519_dalek::StaticSecret>();
    erased::<x25519_dalek::SharedSecret>();
    erased::<aes::Aes256Enc>();
    erased::<aes_gcm::Aes256Gcm>();
    erased::<Zeroizing<[u8; 32]>>();
}
