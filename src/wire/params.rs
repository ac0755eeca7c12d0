//! Parameters: what each peer tells the other inside the handshake (SPEC §10).

use std::collections::BTreeSet;
use std::time::Duration;

use super::cipher::CipherMap;
use super::codec::{Reader, Writer};
use super::id::ConnectionId;
use crate::base::limits;

/// Something is wrong with a peer's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ParameterError;

/// All parameters, with their defaults where the peer said nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parameters {
    /// Zero: none.
    pub(crate) max_idle_timeout: Duration,
    pub(crate) reset_token: Option<[u8; 16]>,
    pub(crate) max_udp_payload: u64,
    pub(crate) initial_max_data: u64,
    pub(crate) initial_max_stream_data_bidi_local: u64,
    pub(crate) initial_max_stream_data_bidi_remote: u64,
    pub(crate) initial_max_stream_data_uni: u64,
    pub(crate) initial_max_streams_bidi: u64,
    pub(crate) initial_max_streams_uni: u64,
    pub(crate) max_ack_delay: Duration,
    pub(crate) active_cid_limit: u64,
    pub(crate) initial_cid: Option<ConnectionId>,
    pub(crate) max_datagram_frame: u64,
    /// `None`: the peer does not understand ACK_FREQUENCY.
    pub(crate) min_ack_delay: Option<Duration>,
    /// What may seal packets beside AES-256-GCM.
    pub(crate) record_ciphers: CipherMap,
    pub(crate) application_protocol: Vec<u8>,
    /// The responder does not want to go on, for this reason.
    pub(crate) refusal: Option<u64>,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            max_idle_timeout: Duration::ZERO,
            reset_token: None,
            max_udp_payload: MAX_UDP_PAYLOAD,
            initial_max_data: 0,
            initial_max_stream_data_bidi_local: 0,
            initial_max_stream_data_bidi_remote: 0,
            initial_max_stream_data_uni: 0,
            initial_max_streams_bidi: 0,
            initial_max_streams_uni: 0,
            max_ack_delay: MAX_ACK_DELAY,
            active_cid_limit: 2,
            initial_cid: None,
            max_datagram_frame: 0,
            min_ack_delay: None,
            record_ciphers: CipherMap::NONE,
            application_protocol: Vec::new(),
            refusal: None,
        }
    }
}

const MAX_UDP_PAYLOAD: u64 = 65_527;
const MAX_ACK_DELAY: Duration = Duration::from_millis(25);
const STREAMS_MAX: u64 = 1 << 60;

/// Parameter ids and their names in SPEC §10.
pub(crate) const IDS: &[(u64, &str)] = &[
    (0x01, "MAX_IDLE_TIMEOUT"),
    (0x02, "RESET_TOKEN"),
    (0x03, "MAX_UDP_PAYLOAD"),
    (0x04, "INITIAL_MAX_DATA"),
    (0x05, "INITIAL_MAX_STREAM_DATA_BIDI_LOCAL"),
    (0x06, "INITIAL_MAX_STREAM_DATA_BIDI_REMOTE"),
    (0x07, "INITIAL_MAX_STREAM_DATA_UNI"),
    (0x08, "INITIAL_MAX_STREAMS_BIDI"),
    (0x09, "INITIAL_MAX_STREAMS_UNI"),
    (0x0b, "MAX_ACK_DELAY"),
    (0x0e, "ACTIVE_CID_LIMIT"),
    (0x0f, "INITIAL_CID"),
    (0x20, "MAX_DATAGRAM_FRAME"),
    (0x21, "MIN_ACK_DELAY"),
    (0x22, "RECORD_CIPHERS"),
    (0x30, "APPLICATION_PROTOCOL"),
    (0x31, "REFUSAL"),
];

impl Parameters {
    /// The parameters that differ from their defaults.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        let default = Self::default();
        let numbers = [
            (0x01, millis(self.max_idle_timeout), 0),
            (0x03, self.max_udp_payload, default.max_udp_payload),
            (0x04, self.initial_max_data, 0),
            (0x05, self.initial_max_stream_data_bidi_local, 0),
            (0x06, self.initial_max_stream_data_bidi_remote, 0),
            (0x07, self.initial_max_stream_data_uni, 0),
            (0x08, self.initial_max_streams_bidi, 0),
            (0x09, self.initial_max_streams_uni, 0),
            (0x0b, millis(self.max_ack_delay), millis(default.max_ack_delay)),
            (0x0e, self.active_cid_limit, default.active_cid_limit),
            (0x20, self.max_datagram_frame, 0),
            (0x22, self.record_ciphers.as_u64(), 0),
        ];
        for (id, value, default) in numbers {
            if value != default {
                put_number(&mut out, id, value);
            }
        }
        if let Some(token) = &self.reset_token {
            put(&mut out, 0x02, token);
        }
        if let Some(cid) = &self.initial_cid {
            put(&mut out, 0x0f, cid.as_bytes());
        }
        if let Some(delay) = self.min_ack_delay {
            put_number(&mut out, 0x21, u64::try_from(delay.as_micros()).unwrap_or(u64::MAX));
        }
        if !self.application_protocol.is_empty() {
            put(&mut out, 0x30, &self.application_protocol);
        }
        if let Some(code) = self.refusal {
            put_number(&mut out, 0x31, code);
        }
        out
    }

    /// Decodes and checks parameters; unknown ones are skipped.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, ParameterError> {
        let mut parameters = Self::default();
        let mut reader = Reader::new(bytes);
        // Known or not, an id that comes twice is an error. The handshake message that carries them bounds their number.
        let mut seen = BTreeSet::new();
        while !reader.is_empty() {
            let id = reader.varint().map_err(|_| ParameterError)?;
            let length = reader.length().map_err(|_| ParameterError)?;
            let value = reader.bytes(length).map_err(|_| ParameterError)?;
            if !seen.insert(id) {
                return Err(ParameterError);
            }
            parameters.set(id, value)?;
        }
        if parameters.min_ack_delay.is_some_and(|least| least > parameters.max_ack_delay) {
            return Err(ParameterError);
        }
        Ok(parameters)
    }

    fn set(&mut self, id: u64, value: &[u8]) -> Result<(), ParameterError> {
        match id {
            0x01 => self.max_idle_timeout = Duration::from_millis(number(value)?),
            0x02 => self.reset_token = Some(array(value)?),
            0x03 => {
                self.max_udp_payload =
                    within(number(value)?, limits::BASE_DATAGRAM as u64, u64::MAX)?;
            }
            0x04 => self.initial_max_data = number(value)?,
            0x05 => self.initial_max_stream_data_bidi_local = number(value)?,
            0x06 => self.initial_max_stream_data_bidi_remote = number(value)?,
            0x07 => self.initial_max_stream_data_uni = number(value)?,
            0x08 => self.initial_max_streams_bidi = within(number(value)?, 0, STREAMS_MAX)?,
            0x09 => self.initial_max_streams_uni = within(number(value)?, 0, STREAMS_MAX)?,
            0x0b => {
                let delay = within(number(value)?, 0, (1 << 14) - 1)?;
                self.max_ack_delay = Duration::from_millis(delay);
            }
            0x0e => self.active_cid_limit = within(number(value)?, 2, limits::ACTIVE_CIDS)?,
            0x0f => self.initial_cid = Some(array::<8>(value)?.into()),
            0x20 => self.max_datagram_frame = number(value)?,
            0x21 => self.min_ack_delay = Some(Duration::from_micros(number(value)?)),
            0x22 => self.record_ciphers = CipherMap::from_u64(number(value)?),
            0x30 => {
                within(value.len() as u64, 0, 255)?;
                self.application_protocol = value.to_vec();
            }
            0x31 => self.refusal = Some(number(value)?),
            _ => {}
        }
        Ok(())
    }
}

fn put(out: &mut Vec<u8>, id: u64, value: &[u8]) {
    put_varint(out, id);
    put_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn put_number(out: &mut Vec<u8>, id: u64, value: u64) {
    put_varint(out, id);
    put_varint(out, super::codec::varint_len(value) as u64);
    put_varint(out, value);
}

fn put_varint(out: &mut Vec<u8>, value: u64) {
    let mut space = [0; 8];
    let mut writer = Writer::new(&mut space);
    let written = writer.varint(value).map_or(0, |()| writer.len());
    out.extend_from_slice(&space[..written]);
}

fn number(value: &[u8]) -> Result<u64, ParameterError> {
    let mut reader = Reader::new(value);
    let number = reader.varint().map_err(|_| ParameterError)?;
    if reader.is_empty() { Ok(number) } else { Err(ParameterError) }
}

fn array<const N: usize>(value: &[u8]) -> Result<[u8; N], ParameterError> {
    value.try_into().map_err(|_| ParameterError)
}

fn within(number: u64, low: u64, high: u64) -> Result<u64, ParameterError> {
    if (low..=high).contains(&number) { Ok(number) } else { Err(ParameterError) }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parameters_stand_on_the_wire_as_specified() {
        let parameters = Parameters {
            max_idle_timeout: Duration::from_secs(30),
            initial_cid: Some([7; 8].into()),
            application_protocol: b"ab".to_vec(),
            ..Parameters::default()
        };
        let mut expected = vec![0x01, 4, 0x80, 0, 0x75, 0x30, 0x0f, 8];
        expected.extend([7; 8]);
        expected.extend([0x30, 2, b'a', b'b']);
        assert_eq!(parameters.encode(), expected);
        assert_eq!(Parameters::decode(&expected), Ok(parameters));
    }

    #[test]
    fn unknown_parameters_are_skipped_and_broken_ones_are_errors() {
        assert_eq!(Parameters::decode(&[0x3f, 1, 0, 0x40, 0x99, 0]), Ok(Parameters::default()));
        let broken: [&[u8]; 11] = [
            &[0x40, 0x99, 0, 0x40, 0x99, 0],
            &[0x3f, 0, 0x40, 0x3f, 0],
            &[0x0b, 1, 5, 0x21, 2, 0x53, 0x89],
            &[0x01, 1, 5, 0x01, 1, 5],
            &[0x01, 2, 5, 5],
            &[0x02, 15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0x03, 2, 0x44, 0xaf],
            &[0x0e, 1, 1],
            &[0x0e, 1, 9],
            &[0x0b, 4, 0x80, 0, 0x40, 0],
            &[0x01],
        ];
        for bytes in broken {
            assert_eq!(Parameters::decode(bytes), Err(ParameterError), "{bytes:x?}");
        }
        assert!(Parameters::decode(&[0x03, 2, 0x44, 0xb0]).is_ok(), "1200 is enough");
    }

    proptest! {
        #[test]
        fn all_numbers_come_back(
            numbers in prop::array::uniform6(0_u64..1 << 60), refusal: Option<u16>, token: Option<[u8; 16]>,
        ) {
            let parameters = Parameters {
                max_udp_payload: numbers[0].max(1200),
                initial_max_data: numbers[1],
                initial_max_stream_data_uni: numbers[2],
                initial_max_streams_bidi: numbers[3],
                max_datagram_frame: numbers[4],
                min_ack_delay: Some(Duration::from_micros(numbers[5] % 25_001)),
                refusal: refusal.map(u64::from),
                reset_token: token,
                ..Parameters::default()
            };
            prop_assert_eq!(Parameters::decode(&parameters.encode()), Ok(parameters));
        }

        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(parameters) = Parameters::decode(&bytes) {
                prop_assert_eq!(Parameters::decode(&parameters.encode()), Ok(parameters));
            }
        }
    }
}
