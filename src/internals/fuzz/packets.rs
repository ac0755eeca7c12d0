//! The record layer: one side seals, the other opens, and the input decides what the path does in between.

use super::input::Input;
use crate::crypto::{Protection, Secrets};
use crate::wire::{PacketCipher, Role, SHORT_HEADER_LEN, ShortHeader};

const CID: [u8; 8] = *b"receiver";
const TAG_LEN: usize = 16;
/// The mask needs so many bytes of ciphertext.
const TEXT_MIN: usize = 16;
/// Packets on their way at once; of more, the oldest are lost.
const FLYING: usize = 16;

/// A packet on its way.
struct Packet {
    number: u64,
    /// How often the sender had moved its key.
    generation: u64,
    text: Vec<u8>,
    sealed: Vec<u8>,
}

struct World {
    sender: Protection,
    receiver: Protection,
    generation: u64,
    next: u64,
    back: u64,
    largest: Option<u64>,
    previous_dropped: bool,
    flying: Vec<Packet>,
}

/// What two record layers do.
pub fn short_packets(data: &[u8]) {
    for cipher in PacketCipher::ALL {
        short_packets_by(*cipher, data);
    }
}

fn short_packets_by(cipher: PacketCipher, data: &[u8]) {
    let secrets = Secrets::known();
    let mut world = World {
        sender: Protection::new(&secrets, Role::Initiator, cipher),
        receiver: Protection::new(&secrets, Role::Responder, cipher),
        generation: 0,
        next: 0,
        back: 0,
        largest: None,
        previous_dropped: false,
        flying: Vec::new(),
    };
    let mut input = Input::new(data);
    while world.step(&mut input).is_some() {}
    // Whatever was tried, what is sealed now still opens.
    world.seal(0, b"the last packet");
    let last = world.flying.pop();
    world.deliver(last);
}

impl World {
    fn step(&mut self, input: &mut Input<'_>) -> Option<()> {
        match input.u8()? % 8 {
            0 => {
                let skip = input.u8()?;
                self.seal(skip, input.block()?);
            }
            1 if !self.flying.is_empty() => {
                let index = input.below(self.flying.len())?;
                let packet = self.flying.remove(index);
                self.deliver(Some(packet));
            }
            2 if !self.flying.is_empty() => {
                let mut packet = self.copy(input)?;
                let (at, mask) = (usize::from(input.u16()?) % packet.len(), input.u8()?.max(1));
                packet[at] ^= mask;
                self.refuse(packet);
            }
            3 if !self.flying.is_empty() => {
                let mut packet = self.copy(input)?;
                packet.truncate(usize::from(input.u16()?) % packet.len());
                self.refuse(packet);
            }
            4 => self.generation += u64::from(self.sender.update()),
            5 => self.answer(),
            6 => {
                self.receiver.drop_previous();
                self.previous_dropped = true;
            }
            7 => self.refuse(input.block()?.to_vec()),
            _ => {}
        }
        Some(())
    }

    fn copy(&self, input: &mut Input<'_>) -> Option<Vec<u8>> {
        Some(self.flying[input.below(self.flying.len())?].sealed.clone())
    }

    fn seal(&mut self, skip: u8, text: &[u8]) {
        let mut text = text.to_vec();
        text.resize(text.len().max(TEXT_MIN), 0);
        let number = self.next + u64::from(skip);
        self.next = number + 1;
        let sealed = seal(&mut self.sender, number, &text);
        assert_eq!(ShortHeader::destination(&sealed), Some(CID.into()));
        if self.flying.len() == FLYING {
            self.flying.remove(0);
        }
        self.flying.push(Packet { number, generation: self.generation, text, sealed });
    }

    fn deliver(&mut self, packet: Option<Packet>) {
        let Some(Packet { number, generation, text, mut sealed }) = packet else {
            return;
        };
        let current = self.receiver.key_updates();
        assert!(generation <= current + 1, "the sender is two keys ahead");
        let key_is_kept =
            generation >= current || (generation + 1 == current && !self.previous_dropped);
        let expected = self.largest.map_or(0, |largest| largest + 1);
        let unmasked = self.receiver.unmask(&mut sealed, expected).expect("a short packet");
        let opened = self.receiver.open(&unmasked, &mut sealed);
        if !key_is_kept {
            assert!(opened.is_err(), "the key was erased");
            return;
        }
        let opened = opened.expect("an authentic packet opens");
        assert_eq!((unmasked.number, &*opened.payload), (number, &*text));
        assert_eq!(opened.first_of_new_phase, generation == current + 1);
        if opened.first_of_new_phase {
            self.previous_dropped = false;
        }
        self.largest = self.largest.max(Some(number));
    }

    /// The receiver acknowledges all that it has opened, under its own key.
    fn answer(&mut self) {
        let mut sealed = seal(&mut self.receiver, self.back, &[0; TEXT_MIN]);
        let unmasked = self.sender.unmask(&mut sealed, self.back).expect("a short packet");
        assert!(self.sender.open(&unmasked, &mut sealed).is_ok(), "an answer opens");
        self.receiver.on_acked(self.back);
        self.back += 1;
        self.generation = self.generation.max(self.sender.key_updates());
        if let Some(largest) = self.largest {
            self.sender.on_acked(largest);
        }
    }

    /// A packet that nobody has sealed.
    fn refuse(&mut self, mut packet: Vec<u8>) {
        let expected = self.largest.map_or(0, |largest| largest + 1);
        let updates = self.receiver.key_updates();
        if let Some(unmasked) = self.receiver.unmask(&mut packet, expected) {
            assert!(self.receiver.open(&unmasked, &mut packet).is_err(), "a forgery opens");
        }
        assert_eq!(self.receiver.key_updates(), updates, "a forgery moves the key");
    }
}

fn seal(from: &mut Protection, number: u64, text: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; SHORT_HEADER_LEN + text.len() + TAG_LEN];
    ShortHeader { destination: CID.into(), key_phase: false, number }.encode(&mut packet);
    packet[SHORT_HEADER_LEN..][..text.len()].copy_from_slice(text);
    from.seal(number, &mut packet).expect("a packet of legal length");
    packet
}
