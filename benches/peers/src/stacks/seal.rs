//! What seals datagrams that have no protocol: the number that precedes a datagram is its nonce.

use aegis::aegis256x4::Aegis256X4;
use anyhow::{Context, Result, anyhow, ensure};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// Before each sealed datagram.
const NUMBER: usize = 8;

/// Behind it.
const TAG: usize = 16;

/// With what.
#[derive(Clone, Copy)]
pub(super) enum Cipher {
    /// By AWS-LC.
    Aes256Gcm,
    Aegis256X4,
}

enum Key {
    Aes256Gcm(Box<LessSafeKey>),
    Aegis256X4([u8; 32]),
}

pub(super) struct Seal {
    key: Key,
    next: u64,
}

impl Seal {
    pub(super) fn new(cipher: Cipher, secret: &[u8]) -> Result<Self> {
        let key = match cipher {
            Cipher::Aes256Gcm => {
                let key =
                    UnboundKey::new(&AES_256_GCM, secret).map_err(|_| anyhow!("not a key"))?;
                Key::Aes256Gcm(Box::new(LessSafeKey::new(key)))
            }
            Cipher::Aegis256X4 => Key::Aegis256X4(secret.try_into().context("not a key")?),
        };
        Ok(Self { key, next: 0 })
    }

    pub(super) fn from_text(cipher: Cipher, text: &str) -> Result<Self> {
        let digits = |pair: &[u8]| {
            let pair = std::str::from_utf8(pair).context("not a key")?;
            u8::from_str_radix(pair, 16).context("not a key")
        };
        let secret = text.as_bytes().chunks(2).map(digits).collect::<Result<Vec<_>>>()?;
        Self::new(cipher, &secret)
    }

    pub(super) fn seal(&mut self, datagram: &mut [u8]) -> Result<()> {
        ensure!(datagram.len() >= NUMBER + TAG, "too short to be sealed");
        let (number, rest) = datagram.split_at_mut(NUMBER);
        number.copy_from_slice(&self.next.to_be_bytes());
        self.next += 1;
        let (text, tag) = rest.split_at_mut(rest.len() - TAG);
        match &self.key {
            Key::Aes256Gcm(key) => {
                let sealed = key
                    .seal_in_place_separate_tag(of_gcm(number), Aad::from(&*number), text)
                    .map_err(|_| anyhow!("cannot be sealed"))?;
                tag.copy_from_slice(sealed.as_ref());
            }
            Key::Aegis256X4(key) => {
                let cipher = Aegis256X4::<TAG>::new(key, &nonce(number));
                tag.copy_from_slice(&cipher.encrypt_in_place(text, number));
            }
        }
        Ok(())
    }

    /// How much was in it.
    pub(super) fn open(&self, datagram: &mut [u8]) -> Option<usize> {
        let (number, rest) = datagram.split_at_mut_checked(NUMBER)?;
        match &self.key {
            Key::Aes256Gcm(key) => {
                Some(key.open_in_place(of_gcm(number), Aad::from(&*number), rest).ok()?.len())
            }
            Key::Aegis256X4(key) => {
                let (text, tag) = rest.split_last_chunk_mut::<TAG>()?;
                let cipher = Aegis256X4::<TAG>::new(key, &nonce(number));
                cipher.decrypt_in_place(text, tag, number).ok()?;
                Some(text.len())
            }
        }
    }
}

fn of_gcm(number: &[u8]) -> Nonce {
    Nonce::assume_unique_for_key(nonce::<NONCE_LEN>(number))
}

fn nonce<const N: usize>(number: &[u8]) -> [u8; N] {
    let mut nonce = [0; N];
    nonce[N - NUMBER..].copy_from_slice(number);
    nonce
}
