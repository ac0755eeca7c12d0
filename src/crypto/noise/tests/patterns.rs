//! Reads patterns in the notation of the Noise specification (§7.4, §7.5, §18.1), for vectors only.

use crate::crypto::noise::pattern::{self, Pattern, Token};

/// Name, pre-messages of initiator and responder, messages.
const PATTERNS: &str = "
N     <- s          | e es
K     -> s  <- s    | e es ss
X     <- s          | e es s ss
NN                  | e | e ee
NK    <- s          | e es | e ee
NX                  | e | e ee s es
KN    -> s          | e | e ee se
KK    -> s  <- s    | e es ss | e ee se
KX    -> s          | e | e ee se s es
XN                  | e | e ee | s se
XK    <- s          | e es | e ee | s se
XX                  | e | e ee s es | s se
IN                  | e s | e ee se
IK    <- s          | e es s ss | e ee se
IX                  | e s | e ee se s es
NK1   <- s          | e | e ee es
NX1                 | e | e ee s | es
X1N                 | e | e ee | s | se
X1K   <- s          | e es | e ee | s | se
XK1   <- s          | e | e ee es | s se
X1K1  <- s          | e | e ee es | s | se
X1X                 | e | e ee s es | s | se
XX1                 | e | e ee s | es s se
X1X1                | e | e ee s | es s | se
K1N   -> s          | e | e ee | se
K1K   -> s  <- s    | e es | e ee | se
KK1   -> s  <- s    | e | e ee se es
K1K1  -> s  <- s    | e | e ee es | se
K1X   -> s          | e | e ee s es | se
KX1   -> s          | e | e ee se s | es
K1X1  -> s          | e | e ee s | se es
I1N                 | e s | e ee | se
I1K   <- s          | e es s | e ee | se
IK1   <- s          | e s | e ee se es
I1K1  <- s          | e s | e ee es | se
I1X                 | e s | e ee s es | se
IX1                 | e s | e ee se s | es
I1X1                | e s | e ee s | se es
";

fn token(text: &str) -> Token {
    match text {
        "e" => Token::E,
        "s" => Token::S,
        "ee" => Token::Ee,
        "es" => Token::Es,
        "se" => Token::Se,
        "ss" => Token::Ss,
        other => panic!("token {other}"),
    }
}

/// The pattern of a full protocol name. Leaks it: a test's process does not live long.
pub(super) fn by_protocol_name(name: &str) -> &'static Pattern {
    let ours =
        [pattern::XK_HYBRID, pattern::XX_HYBRID, pattern::XK_CLASSICAL, pattern::XX_CLASSICAL];
    if let Some(pattern) = ours.into_iter().find(|pattern| pattern.name == name) {
        return Box::leak(Box::new(pattern));
    }
    let full = name.split('_').nth(1).unwrap();
    let (base, psk) = match full.split_once("psk") {
        Some((base, position)) => (base, Some(position.parse::<usize>().unwrap())),
        None => (full, None),
    };
    let line = PATTERNS
        .lines()
        .find(|line| line.split_whitespace().next() == Some(base))
        .unwrap_or_else(|| panic!("pattern {base}"));
    let (known, messages) = line.split_once('|').unwrap();
    let mut messages: Vec<Vec<Token>> =
        messages.split('|').map(|text| text.split_whitespace().map(token).collect()).collect();
    // pskN stands at the start of the first message for 0, at the end of message N otherwise (Noise §9.4).
    match psk {
        Some(0) => messages[0].insert(0, Token::Psk),
        Some(position) => messages[position - 1].push(Token::Psk),
        None => {}
    }
    let messages: Vec<&'static [Token]> =
        messages.into_iter().map(|tokens| &*tokens.leak()).collect();
    Box::leak(Box::new(Pattern {
        name: name.to_owned().leak(),
        initiator_known: known.contains("->"),
        responder_known: known.contains("<-"),
        psk: psk.is_some(),
        messages: messages.leak(),
    }))
}
