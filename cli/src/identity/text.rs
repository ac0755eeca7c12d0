//! What is in an identity file.

use data_encoding::BASE32_NOPAD;
use zeroize::Zeroizing;

const HEADER: &str = "srudp identity 1";

/// Base32 characters of 32 bytes.
const SECRET_LEN: usize = 52;

pub(super) fn encode(secret: &[u8; 32]) -> Zeroizing<String> {
    let mut line = Zeroizing::new(BASE32_NOPAD.encode(secret));
    line.make_ascii_lowercase();
    // With the capacity from the start, no copy of the secret is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(HEADER.len() + SECRET_LEN + 2));
    for part in [HEADER, "\n", line.as_str(), "\n"] {
        text.push_str(part);
    }
    text
}

/// The secret, or what is wrong with the text. The problem never quotes the text.
pub(super) fn decode(text: &str) -> Result<Zeroizing<[u8; 32]>, &'static str> {
    let mut lines = text.lines();
    if lines.next() != Some(HEADER) {
        return Err("its first line is not \"srudp identity 1\"");
    }
    let line = lines.next().ok_or("its second line is missing")?;
    if lines.any(|line| !line.trim().is_empty()) {
        return Err("it has more than two lines");
    }
    if line.len() != SECRET_LEN {
        return Err("its second line has not 52 characters");
    }
    let upper = Zeroizing::new(line.to_ascii_uppercase());
    let mut secret = Zeroizing::new([0; 32]);
    BASE32_NOPAD
        .decode_mut(upper.as_bytes(), secret.as_mut_slice())
        .map_err(|_| "its second line is not base32")?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_back_from_its_text() {
        for byte in [0, 1, 0x5a, 0xff] {
            let secret = [byte; 32];
            assert_eq!(*decode(&encode(&secret)).unwrap(), secret);
        }
    }

    #[test]
    fn damaged_texts_are_refused() {
        let good = encode(&[7; 32]);
        let cases = [
            String::new(),
            good.replace("identity 1", "identity 2"),
            good.lines().next().unwrap().to_owned(),
            good.trim_end()[..good.len() - 3].to_owned(),
            format!("{}x\n", good.trim_end()),
            format!("{}more\n", &*good),
            good.replacen("\na", "\n1", 1),
            good.replacen('\n', "\n\n", 1),
        ];
        for case in cases {
            if case != *good {
                assert!(decode(&case).is_err(), "{case:?}");
            }
        }
    }
}
