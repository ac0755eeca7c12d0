//! RFC 7748, RFC 5869 and the GCM vectors of NIST: the primitives as this crate calls them.

use hkdf::Hkdf;
use serde_json::Value;
use sha2::Sha256;

use super::{bytes, hex, hex_array, key};
use crate::crypto::aead::{Aead, Portable, RecordKey};
use crate::crypto::noise::dh::KeyPair;

fn pair(secret: &str) -> KeyPair {
    KeyPair::new(&hex_array(secret))
}

#[test]
fn x25519_of_rfc_7748() {
    // §5.2, the first vector; the second has bit 255 set in the coordinate, which SRUDP refuses.
    let scalar = pair("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
    let point = hex_array("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
    let output = hex_array("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
    assert_eq!(*scalar.dh(&point).unwrap(), output);

    // §6.1.
    let alice = pair("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    let bob = pair("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    let public_a = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
    let public_b = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
    let shared = hex_array("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    assert_eq!((*alice.public(), *bob.public()), (hex_array(public_a), hex_array(public_b)));
    assert_eq!(*alice.dh(bob.public()).unwrap(), shared);
    assert_eq!(*bob.dh(alice.public()).unwrap(), shared);
}

#[test]
fn hkdf_of_rfc_5869() {
    // §A.1 and §A.3.
    let ikm = [0x0b; 22];
    for (salt, info, prk, okm) in [
        (
            "000102030405060708090a0b0c",
            "f0f1f2f3f4f5f6f7f8f9",
            "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            "",
            "",
            "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ] {
        let (extracted, hkdf) = Hkdf::<Sha256>::extract(Some(&hex(salt)), &ikm);
        assert_eq!(extracted.as_slice(), hex(prk));
        let mut out = [0; 42];
        hkdf.expand(&hex(info), &mut out).unwrap();
        assert_eq!(&out[..], hex(okm));
    }
}

#[test]
fn aes_256_gcm_of_nist() {
    const VECTORS: &str = include_str!("../../../tests/vectors/nist_gcm256.json");
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    assert!(vectors.len() > 10);
    for vector in &vectors {
        gcm::<Portable>(vector);
        gcm::<RecordKey>(vector);
    }
}

/// The test vectors of RFC 10032 for AEGIS-256X4, with tags of 16 bytes.
#[cfg(feature = "aegis")]
#[test]
fn aegis_256x4_of_rfc_10032() {
    use crate::crypto::aead::WithAegis;

    let key = hex_array("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    let nonce = hex_array("101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f");
    let cipher = WithAegis::new(&key);
    let long = "0405060704050607".repeat(15);
    let sealed = "bfc2085b7e8017da99b0b6d646ae4d01f4ba8f2e7dfca1d759ae48a135139b9a\
                  aac6b4f5db810d426be1fdaff4e1454153a34b11da78ed7e418ee2ee9853042e\
                  95536aecbb694cea1b16a478eb0d4d1bf6509b1ce652a45af58e0e46ffccfa2d\
                  0426e702391d2ff5813808b81748a490dd656465fed61f09";
    for (associated, text, ciphertext, tag) in [
        ("", "", "", "3b7fee6cee7bf17888ad11ed2397beb4"),
        ("0102030401020304", &*long, sealed, "b63b611b13975e2f3dc3cb6c2397bfcd"),
    ] {
        let (associated, plain, tag) = (hex(associated), hex(text), hex_array(tag));
        let mut text = plain.clone();
        assert_eq!(cipher.seal(&nonce, &associated, &mut text), Some(tag));
        assert_eq!(text, hex(ciphertext));
        assert!(cipher.open(&nonce, &associated, &mut text, &tag));
        assert_eq!(text, plain);
    }
}

fn gcm<A: Aead>(vector: &Value) {
    let cipher = A::new(&key(vector, "key"));
    let nonce = bytes(vector, "nonce").try_into().unwrap();
    let (aad, plaintext) = (bytes(vector, "aad"), bytes(vector, "plaintext"));
    let mut text = plaintext.clone();
    let tag = cipher.seal(&nonce, &aad, &mut text).unwrap();
    assert_eq!((&tag[..], &text), (&*bytes(vector, "tag"), &bytes(vector, "ciphertext")));
    assert!(cipher.open(&nonce, &aad, &mut text, &tag));
    assert_eq!(text, plaintext);
}
