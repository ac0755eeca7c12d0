#!/usr/bin/env python3
"""Writes hybrid.json, handshake.json and peers.json: what the Rust code must reproduce byte for byte.

This is a second implementation, written from SPEC.md, the Noise specification (revision 34), its hfs extension and
FIPS 203, and RFC 10032. It shares no code with the crate: X25519, Ed25519 and AES come from `cryptography` (OpenSSL),
ML-KEM-768 from `kyber-py`, HMAC and SHA-2 from Python itself, and AEGIS-256X4 stands below.

    pip install cryptography kyber-py
    python3 tests/vectors/make_hybrid.py

Every input is derived from a label, so that each run writes the same bytes. Random bytes are listed per side in the
order in which that side draws them:

    initiator  e (32), then with a hybrid suite d (32) and z (32) of ML-KEM.KeyGen
    responder  shared_key (32; not in hybrid.json), e (32), then with a hybrid suite m (32) of ML-KEM.Encaps
"""

import base64
import functools
import hashlib
import hmac
import json
import operator
import pathlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from kyber_py.ml_kem import ML_KEM_768

P25519 = 2**255 - 19


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def hmac256(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def material(label, length):
    """Bytes that depend on the label alone."""
    out = b""
    while len(out) < length:
        out += sha256(b"srudp vectors ", label.encode(), len(out).to_bytes(4, "big"))
    return out[:length]


# ---- AEGIS-256X4 (RFC 10032) ----------------------------------------------------------------------------------------


def xtime(byte):
    return (byte << 1) ^ (0x11B if byte & 0x80 else 0)


def s_box():
    """FIPS 197 5.1.1: the inverse in GF(2^8), then the affine transformation."""
    powers = [1]
    for _ in range(254):
        powers.append(powers[-1] ^ xtime(powers[-1]))  # 3 generates the group
    box = []
    for byte in range(256):
        inverse = powers[-powers.index(byte) % 255] if byte else 0
        rotated = [(inverse << shift | inverse >> (8 - shift)) & 0xFF for shift in range(5)]
        box.append(rotated[0] ^ rotated[1] ^ rotated[2] ^ rotated[3] ^ rotated[4] ^ 0x63)
    return box


S_BOX = s_box()


def xor(*blocks):
    return bytes(functools.reduce(operator.xor, column) for column in zip(*blocks))


def aes_round(block, key):
    """SubBytes, ShiftRows, MixColumns, AddRoundKey."""
    out = bytearray(16)
    for column in range(4):
        a = [S_BOX[block[(4 * column + 5 * row) % 16]] for row in range(4)]
        for row in range(4):
            b, c, d, e = (a[(row + step) % 4] for step in range(4))
            out[4 * column + row] = xtime(b) ^ xtime(c) ^ c ^ d ^ e ^ key[4 * column + row]
    return bytes(out)


class Aegis256X4:
    LANES = 4
    C0 = bytes.fromhex("000101020305080d1522375990e97962")
    C1 = bytes.fromhex("db3d18556dc22ff12011314273b528dd")

    def __init__(self, key, nonce):
        k0, k1, n0, n1 = key[:16], key[16:], nonce[:16], nonce[16:]
        start = [xor(k0, n0), xor(k1, n1), self.C1, self.C0, xor(k0, self.C0), xor(k1, self.C1)]
        self.lanes = [list(start) for _ in range(self.LANES)]
        for _ in range(4):
            for word in (k0, k1, xor(k0, n0), xor(k1, n1)):
                for index, lane in enumerate(self.lanes):
                    context = bytes([index, self.LANES - 1]) + bytes(14)
                    lane[3], lane[5] = xor(lane[3], context), xor(lane[5], context)
                self.update([word] * self.LANES)

    def update(self, words):
        for lane, word in zip(self.lanes, words):
            lane[:] = [
                aes_round(lane[index - 1], xor(lane[index], word) if index == 0 else lane[index]) for index in range(6)
            ]

    def words(self, text):
        """Pieces of one block for each lane, the last filled up with zeros."""
        size = 16 * self.LANES
        padded = text + bytes(-len(text) % size)
        for start in range(0, len(padded), size):
            yield [padded[start + 16 * lane : start + 16 * lane + 16] for lane in range(self.LANES)]

    def encrypt(self, text, associated):
        """The ciphertext, and the tag of 16 bytes behind it."""
        for words in self.words(associated):
            self.update(words)
        out = b""
        for words in self.words(text):
            for lane, word in zip(self.lanes, words):
                both = bytes(a & b for a, b in zip(lane[2], lane[3]))
                out += xor(word, lane[1], lane[4], lane[5], both)
            self.update(words)
        lengths = (8 * len(associated)).to_bytes(8, "little") + (8 * len(text)).to_bytes(8, "little")
        last = [xor(lane[3], lengths) for lane in self.lanes]
        for _ in range(7):
            self.update(last)
        return out[: len(text)] + xor(*(block for lane in self.lanes for block in lane))


# ---- Noise ----------------------------------------------------------------------------------------------------------


def noise_hkdf(chaining_key, data, outputs):
    """Noise 4.3, spelt out with HMAC."""
    temporary = hmac256(chaining_key, data)
    result, last = [], b""
    for index in range(1, outputs + 1):
        last = hmac256(temporary, last, bytes([index]))
        result.append(last)
    return result


class KeyPair:
    def __init__(self, secret):
        self.secret = X25519PrivateKey.from_private_bytes(secret)
        self.public = self.secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def dh(self, public):
        return self.secret.exchange(X25519PublicKey.from_public_bytes(public))


class Symmetric:
    def __init__(self, name):
        name = name.encode()
        self.h = name + bytes(32 - len(name)) if len(name) <= 32 else sha256(name)
        self.ck, self.k, self.n = self.h, None, 0

    def mix_hash(self, data):
        self.h = sha256(self.h, data)

    def mix_key(self, data):
        self.ck, self.k = noise_hkdf(self.ck, data, 2)
        self.n = 0

    def mix_key_and_hash(self, data):
        self.ck, temporary, self.k = noise_hkdf(self.ck, data, 3)
        self.n = 0
        self.mix_hash(temporary)

    def nonce(self):
        self.n += 1
        return bytes(4) + (self.n - 1).to_bytes(8, "big")

    def encrypt_and_hash(self, text):
        out = AESGCM(self.k).encrypt(self.nonce(), text, self.h) if self.k else text
        self.mix_hash(out)
        return out

    def decrypt_and_hash(self, data):
        out = AESGCM(self.k).decrypt(self.nonce(), data, self.h) if self.k else data
        self.mix_hash(data)
        return out

    def split(self):
        return noise_hkdf(self.ck, b"", 2)


PATTERNS = {
    "XKhfs+psk3": (True, ["e es e1", "e ee ekem1", "s se psk"]),
    "XXhfs+psk3": (False, ["e e1", "e ee ekem1 s es", "s se psk"]),
    "XKpsk3": (True, ["e es", "e ee", "s se psk"]),
    "XXpsk3": (False, ["e", "e ee s es", "s se psk"]),
}


class Side:
    """One side of a handshake. `draw` hands out its random bytes."""

    def __init__(self, pattern, name, initiator, prologue, static, remote, draw):
        responder_known, self.messages = PATTERNS[pattern]
        self.initiator, self.s, self.rs, self.draw = initiator, static, remote, draw
        self.e = self.re = self.psk = self.dk = self.ek = None
        self.state = Symmetric(name)
        self.state.mix_hash(prologue)
        if responder_known:
            self.state.mix_hash(remote if initiator else static.public)

    def mix_dh(self, token):
        # The first letter is the initiator's key, the second the responder's.
        mine, theirs = token if self.initiator else token[::-1]
        pair = self.e if mine == "e" else self.s
        self.state.mix_key(pair.dh(self.re if theirs == "e" else self.rs))

    def mix_ephemeral(self, public):
        self.state.mix_hash(public)
        self.state.mix_key(public)  # all patterns here have a psk: Noise 9.2

    def write(self, number, payload):
        state, out = self.state, b""
        for token in self.messages[number].split():
            if token == "e":
                self.e = KeyPair(self.draw(32))
                out += self.e.public
                self.mix_ephemeral(self.e.public)
            elif token == "s":
                out += state.encrypt_and_hash(self.s.public)
            elif token == "e1":
                self.ek, self.dk = ML_KEM_768._keygen_internal(self.draw(32), self.draw(32))
                out += state.encrypt_and_hash(self.ek)
            elif token == "ekem1":
                secret, ciphertext = ML_KEM_768._encaps_internal(self.ek, self.draw(32))
                assert len(ciphertext) == 1088 and len(secret) == 32
                out += state.encrypt_and_hash(ciphertext)
                state.mix_key(secret)
            elif token == "psk":
                state.mix_key_and_hash(self.psk)
            else:
                self.mix_dh(token)
        return out + state.encrypt_and_hash(payload)

    def read(self, number, message):
        state = self.state

        def take(length):
            nonlocal message
            taken, message = message[:length], message[length:]
            return taken

        for token in self.messages[number].split():
            tag = 16 if state.k else 0
            if token == "e":
                self.re = take(32)
                self.mix_ephemeral(self.re)
            elif token == "s":
                self.rs = state.decrypt_and_hash(take(32 + tag))
            elif token == "e1":
                self.ek = state.decrypt_and_hash(take(1184 + tag))
            elif token == "ekem1":
                ciphertext = state.decrypt_and_hash(take(1088 + tag))
                state.mix_key(ML_KEM_768.decaps(self.dk, ciphertext))
            elif token == "psk":
                state.mix_key_and_hash(self.psk)
            else:
                self.mix_dh(token)
        return state.decrypt_and_hash(message)


class Draw:
    """Hands out the bytes of a label and remembers them."""

    def __init__(self, label):
        self.label, self.drawn = label, b""

    def __call__(self, length):
        start = len(self.drawn)
        self.drawn = material(self.label, start + length)
        return self.drawn[start:]


def protocol_name(pattern):
    return f"Noise_{pattern}_25519{'+MLKEM768' if 'hfs' in pattern else ''}_AESGCM_SHA256"


def noise_vector(pattern, index):
    label = f"{pattern} {index}"
    statics = [KeyPair(material(f"{label} static {side}", 32)) for side in "ir"]
    draws = [Draw(f"{label} random {side}") for side in "ir"]
    prologue = material(f"{label} prologue", 17 * index)
    psk = material(f"{label} psk", 32)
    name = protocol_name(pattern)
    known = statics[1].public if PATTERNS[pattern][0] else None
    sides = [
        Side(pattern, name, True, prologue, statics[0], known, draws[0]),
        Side(pattern, name, False, prologue, statics[1], None, draws[1]),
    ]
    for side in sides:
        side.psk = psk
    messages = []
    for number in range(3):
        payload = material(f"{label} payload {number}", 20 * index * number)
        writer, reader = sides[number % 2], sides[1 - number % 2]
        message = writer.write(number, payload)
        assert reader.read(number, message) == payload
        messages.append({"payload": payload.hex(), "message": message.hex()})
    assert sides[0].state.h == sides[1].state.h
    k1, k2 = sides[0].state.split()
    assert [k1, k2] == sides[1].state.split()
    return {
        "protocol_name": name,
        "prologue": prologue.hex(),
        "psk": psk.hex(),
        "initiator_static": material(f"{label} static i", 32).hex(),
        "responder_static": material(f"{label} static r", 32).hex(),
        "initiator_random": draws[0].drawn.hex(),
        "responder_random": draws[1].drawn.hex(),
        "messages": messages,
        "handshake_hash": sides[0].state.h.hex(),
        "k1": k1.hex(),
        "k2": k2.hex(),
    }


# ---- SRUDP ----------------------------------------------------------------------------------------------------------


class Identity:
    """SPEC 1.1."""

    def __init__(self, seed):
        self.seed = seed
        key = Ed25519PrivateKey.from_private_bytes(seed)
        assert key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()) == seed
        self.id = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.static = KeyPair(hashlib.sha512(seed).digest()[:32])
        assert self.static.public == static_public(self.id)


def static_public(peer_id):
    """u = (1 + y) / (1 - y)."""
    y = int.from_bytes(peer_id, "little") & (2**255 - 1)
    return ((1 + y) * pow(1 - y, -1, P25519) % P25519).to_bytes(32, "little")


def expand(secret, label, context, length):
    """SPEC 5.7, with HKDF-Expand of RFC 5869 spelt out."""
    label = b"srudp1 " + label
    info = length.to_bytes(2, "big") + bytes([len(label)]) + label + bytes([len(context)]) + context
    out, last, index = b"", b"", 1
    while len(out) < length:
        last = hmac256(secret, last, info, bytes([index]))
        out, index = out + last, index + 1
    return out[:length]


def traffic(aegis, secret, first):
    """The keys of one phase; `hp` always belongs to the first secret."""
    return {
        "secret": secret,
        "key": expand(secret, b"aegis key" if aegis else b"key", b"", 32),
        "iv": expand(secret, b"aegis iv", b"", 32) if aegis else expand(secret, b"iv", b"", 12),
        "hp": expand(first, b"hp", b"", 32),
    }


def seal(aegis, keys, phase, cid, number, frames):
    """SPEC 6.1."""
    header = bytearray([0x60 | (phase << 4)]) + cid + (number & 0xFFFFFFFF).to_bytes(4, "big")
    nonce = xor(keys["iv"], number.to_bytes(len(keys["iv"]), "big"))
    if aegis:
        sealed = Aegis256X4(keys["key"], nonce).encrypt(frames, bytes(header))
    else:
        sealed = AESGCM(keys["key"]).encrypt(nonce, frames, bytes(header))
    mask = Cipher(algorithms.AES(keys["hp"]), modes.ECB()).encryptor().update(sealed[:16])
    header[0] ^= mask[0] & 0x1F
    for index in range(4):
        header[9 + index] ^= mask[1 + index]
    return bytes(header) + sealed


SUITES = {0x01: "XKhfs+psk3", 0x02: "XXhfs+psk3", 0x11: "XKpsk3", 0x12: "XXpsk3"}


def handshake_vector(suite, direct):
    # Those in direct mode agree on AEGIS, the others have nothing but what every peer has.
    pattern, aegis = SUITES[suite], direct
    label = f"suite {suite:#04x}{' direct' if direct else ''}"
    identities = [Identity(material(f"{label} identity {side}", 32)) for side in "ir"]
    draws = [Draw(f"{label} random {side}") for side in "ir"]
    named = PATTERNS[pattern][0]
    context = {
        "suite": suite,
        "offered_initiator": 0x0003 if "hfs" in pattern else 0x0002,
        "offered_responder": 0 if direct else 0x0003,
        "hid_initiator": material(f"{label} hid i", 8),
        "hid_responder": bytes(8) if direct else material(f"{label} hid r", 8),
    }
    prologue = b"".join(
        [
            b"SRUDP/1",
            0x53520001.to_bytes(4, "big"),
            bytes([suite]),
            context["offered_initiator"].to_bytes(2, "big"),
            context["offered_responder"].to_bytes(2, "big"),
            context["hid_initiator"],
            context["hid_responder"],
            identities[1].id if named else bytes(32),
        ]
    )
    name = protocol_name(pattern)
    known = static_public(identities[1].id) if named else None
    initiator = Side(pattern, name, True, prologue, identities[0].static, known, draws[0])
    responder = Side(pattern, name, False, prologue, identities[1].static, None, draws[1])

    parameters = [bytes.fromhex(text) for text in ("3003616263", "0f080102030405060708", "0f081112131415161718")]
    if aegis:
        parameters[1:] = [text + bytes.fromhex("220101") for text in parameters[1:]]
    first = initiator.write(0, parameters[0])
    assert responder.read(0, first) == parameters[0]

    responder.psk = draws[1](32)
    payload = responder.psk + (b"" if named else identities[1].id) + parameters[1]
    second = responder.write(1, payload)
    assert initiator.read(1, second) == payload
    initiator.psk = payload[:32]

    payload = b"\x01" + identities[0].id + parameters[2]
    third = initiator.write(2, payload)
    assert responder.read(2, third) == payload
    assert initiator.state.h == responder.state.h and responder.rs == static_public(identities[0].id)

    h = initiator.state.h
    k1, k2 = initiator.state.split()
    root = hmac256(k1 + k2, h)
    i2r, r2i = expand(root, b"i2r", h, 32), expand(root, b"r2i", h, 32)
    exporter = expand(root, b"exp", h, 32)
    of_label = expand(exporter, b"an application", b"", 32)

    cids = [material(f"{label} cid {side}", 8) for side in "ir"]
    packets = []
    for sender, secret, number in [("initiator", i2r, 0), ("responder", r2i, 7), ("initiator", i2r, 2**32 + 5)]:
        # The third packet is the first one after a key update.
        phase = int(number > 2**32)
        keys = traffic(aegis, expand(secret, b"ku", b"", 32) if phase else secret, secret)
        frames = b"\x1e\x01" + material(f"{label} frames {number}", 20 + number % 100)
        cid = cids[1] if sender == "initiator" else cids[0]
        packets.append(
            {
                "sender": sender,
                "key_phase": phase,
                "number": number,
                "connection_id": cid,
                **keys,
                "frames": frames,
                "packet": seal(aegis, keys, phase, cid, number, frames),
            }
        )
    return {
        "protocol_name": name,
        "cipher": "AEGIS-256X4" if aegis else "AES-256-GCM",
        "initiator_seed": identities[0].seed,
        "initiator_id": identities[0].id,
        "responder_seed": identities[1].seed,
        "responder_id": identities[1].id,
        **context,
        "initiator_random": draws[0].drawn,
        "responder_random": draws[1].drawn,
        "prologue": prologue,
        "p1": parameters[0],
        "p2": parameters[1],
        "p3": parameters[2],
        "message_1": first,
        "message_2": second,
        "message_3": third,
        "handshake_hash": h,
        "k1": k1,
        "k2": k2,
        "root": root,
        "i2r_0": i2r,
        "r2i_0": r2i,
        "exporter": exporter,
        "export": {
            "label": b"an application",
            "context": b"its context",
            "output": expand(of_label, b"exporter", sha256(b"its context"), 48),
        },
        "packets": packets,
    }


def peer_vector(index):
    """SPEC 1.1 and 4.2: how a peer is named, what it signs, and the tag of a PUNCH to the next peer."""
    identity, other = (Identity(material(f"peer {number}", 32)) for number in (index, index + 1))
    message = material(f"message {index}", 10 * index)
    key, punch = material(f"punch key {index}", 16), material(f"punch {index}", 60)
    direction = bytes([0 if identity.id < other.id else 1])
    return {
        "seed": identity.seed.hex(),
        "peer_id": identity.id.hex(),
        "text": base64.b32encode(identity.id).decode().rstrip("=").lower(),
        "static_public": identity.static.public.hex(),
        "message": message.hex(),
        "signature": Ed25519PrivateKey.from_private_bytes(identity.seed).sign(message).hex(),
        "punch_receiver": other.id.hex(),
        "punch_key": key.hex(),
        "punch": punch.hex(),
        "punch_tag": hmac256(key, direction, punch)[:16].hex(),
    }


def in_hex(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: in_hex(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [in_hex(inner) for inner in value]
    return value


def main():
    here = pathlib.Path(__file__).parent
    hybrid = [noise_vector(pattern, index) for pattern in PATTERNS if "hfs" in pattern for index in range(3)]
    (here / "hybrid.json").write_text(json.dumps(hybrid, indent=1) + "\n")
    (here / "peers.json").write_text(json.dumps([peer_vector(index) for index in range(4)], indent=1) + "\n")
    handshakes = [handshake_vector(suite, direct) for suite in SUITES for direct in (False, True)]
    (here / "handshake.json").write_text(json.dumps(in_hex(handshakes), indent=1) + "\n")


if __name__ == "__main__":
    main()
