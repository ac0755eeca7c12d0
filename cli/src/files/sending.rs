//! The sender's side of one stream: one file or folder, from the offer to the acknowledgement.
//!
//! ```text
//!  OFFER ─► HAVE ─► SAME | DIFFERENT ─┐
//!        └► PREFIX ◄──────────────────┘ (DIFFERENT)
//!           └─► BEGIN DATA… WHOLE ─► DONE          REFUSE ends it at any time
//! ```

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use sha2::{Digest as _, Sha256};

use super::channel::Channel;
use super::hash;
use super::limits::DATA_BYTES_MAX;
use super::message::{self, Digest, HEADER_BYTES, Malformed, Message, Offer, Refusal, data_header};

/// What is to be sent.
pub(super) trait Source {
    fn offer(&self) -> Offer<'_>;
    /// Opens the file; fails if it is not any more what was offered.
    fn open(&self) -> io::Result<File>;
    /// The file has not changed since it was offered.
    fn unchanged(&self, file: &File) -> io::Result<bool>;
}

/// How a file came to be at the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// Bytes were sent, from this offset on.
    From(u64),
    /// It was there already.
    Skipped,
}

/// Why a file was not sent.
#[derive(Debug)]
pub(super) enum SendError {
    Refused(Refusal),
    /// Our own file cannot be read, or changed.
    Source(io::Error),
    /// The connection, which another attempt may mend.
    Broken(io::Error),
    Protocol(Malformed),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Source(error) | Self::Broken(error) => error.fmt(f),
            Self::Protocol(error) => error.fmt(f),
        }
    }
}

impl SendError {
    /// An error of the stream.
    pub(super) fn stream(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Malformed>()) {
            Some(malformed) => Self::Protocol(*malformed),
            None => Self::Broken(error),
        }
    }
}

/// Told about every step that people want to see.
pub(super) trait Watch {
    /// So many bytes need not be sent.
    fn resumed(&mut self, offset: u64);
    fn moved(&mut self, bytes: u64);
}

/// Sends one file or folder over a stream of its own.
pub(super) fn send(
    channel: &mut impl Channel,
    source: &impl Source,
    watch: &mut impl Watch,
) -> Result<Sent, SendError> {
    let mut buffer = Vec::new();
    let offer = source.offer();
    message::write(channel, &Message::Offer(offer)).map_err(SendError::stream)?;
    let first = answer(channel, &mut buffer)?;
    let (offset, digest) = match first {
        Answer::Done if offer.folder => return Ok(Sent::From(0)),
        Answer::Prefix(offset, digest) if !offer.folder => (offset, digest),
        Answer::Have(digest) if !offer.folder => {
            let same = tell(channel, source, |file| Ok(whole(file, offer.size)? == digest))?;
            let verdict = if same { Message::Same } else { Message::Different };
            message::write(channel, &verdict).map_err(SendError::stream)?;
            match answer(channel, &mut buffer)? {
                Answer::Done if same => return Ok(Sent::Skipped),
                Answer::Prefix(offset, digest) if !same => (offset, digest),
                _ => return Err(unexpected()),
            }
        }
        _ => return Err(unexpected()),
    };
    let mut file = tell(channel, source, Ok)?;
    let (offset, hasher) = match prefix(&file, offset, offer.size, &digest) {
        Ok(start) => start,
        Err(error) => return Err(abort(channel, error)),
    };
    watch.resumed(offset);
    begin(channel, &Message::Begin { offset })?;
    let digest = data(channel, &mut file, source, (offset, hasher), watch)?;
    begin(channel, &Message::Whole(digest))?;
    match answer(channel, &mut buffer)? {
        Answer::Done => Ok(Sent::From(offset)),
        _ => Err(unexpected()),
    }
}

fn unexpected() -> SendError {
    SendError::Protocol(Malformed("an answer out of turn"))
}

/// What a receiver may say.
enum Answer {
    Have(Digest),
    Prefix(u64, Digest),
    Done,
}

fn answer(channel: &mut impl Channel, buffer: &mut Vec<u8>) -> Result<Answer, SendError> {
    match message::read(channel, buffer).map_err(SendError::stream)? {
        Message::Have(digest) => Ok(Answer::Have(digest)),
        Message::Prefix { offset, digest } => Ok(Answer::Prefix(offset, digest)),
        Message::Done => Ok(Answer::Done),
        Message::Refuse(refusal) => Err(SendError::Refused(refusal)),
        _ => Err(unexpected()),
    }
}

/// Opens the file for a purpose; the receiver hears of it if that fails.
fn tell<T>(
    channel: &mut impl Channel,
    source: &impl Source,
    purpose: impl FnOnce(File) -> io::Result<T>,
) -> Result<T, SendError> {
    source.open().and_then(purpose).map_err(|error| abort(channel, error))
}

fn abort(channel: &mut impl Channel, error: io::Error) -> SendError {
    // The connection may be what is broken; then there is nobody to tell.
    let _ = message::write(channel, &Message::Abort(&error.to_string()));
    SendError::Source(error)
}

#[expect(clippy::needless_pass_by_value, reason = "the purpose of a file that was opened for it")]
fn whole(file: File, size: u64) -> io::Result<Digest> {
    let (_, hasher) = hash::of(&file, size)?;
    Ok(hasher.finalize().into())
}

/// Goes on after the receiver's prefix if it is ours, and otherwise from the beginning.
fn prefix(file: &File, offset: u64, size: u64, theirs: &Digest) -> io::Result<(u64, Sha256)> {
    if offset == 0 || offset > size {
        return Ok((0, Sha256::new()));
    }
    let (there, hasher) = hash::of(file, offset)?;
    let ours: Digest = hasher.clone().finalize().into();
    if there == offset && ours == *theirs {
        return Ok((offset, hasher));
    }
    Ok((0, Sha256::new()))
}

/// Writes where a refusal may be the reason that it fails.
fn begin(channel: &mut impl Channel, message: &Message<'_>) -> Result<(), SendError> {
    let bytes = message.encode();
    put(channel, &bytes)
}

fn put(channel: &mut impl Channel, bytes: &[u8]) -> Result<(), SendError> {
    let Err(error) = channel.write_all(bytes) else { return Ok(()) };
    match message::read(channel, &mut Vec::new()) {
        Ok(Message::Refuse(refusal)) => Err(SendError::Refused(refusal)),
        _ => Err(SendError::Broken(error)),
    }
}

fn data(
    channel: &mut impl Channel,
    file: &mut File,
    source: &impl Source,
    (offset, mut hasher): (u64, Sha256),
    watch: &mut impl Watch,
) -> Result<Digest, SendError> {
    if let Err(error) = file.seek(SeekFrom::Start(offset)) {
        return Err(abort(channel, error));
    }
    let mut left = source.offer().size.saturating_sub(offset);
    let mut buffer = vec![0; HEADER_BYTES + DATA_BYTES_MAX];
    while left > 0 {
        let room = usize::try_from(left).map_or(DATA_BYTES_MAX, |left| left.min(DATA_BYTES_MAX));
        let (header, body) = buffer.split_at_mut(HEADER_BYTES);
        let count = match file.read(&mut body[..room]) {
            Ok(0) => return Err(abort(channel, changed())),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(abort(channel, error)),
        };
        header.copy_from_slice(&data_header(count));
        hasher.update(&body[..count]);
        put(channel, &buffer[..HEADER_BYTES + count])?;
        left = left.saturating_sub(count as u64);
        watch.moved(count as u64);
    }
    match source.unchanged(file) {
        Ok(true) => Ok(hasher.finalize().into()),
        Ok(false) => Err(abort(channel, changed())),
        Err(error) => Err(abort(channel, error)),
    }
}

/// The file is not what was offered.
pub(super) fn changed() -> io::Error {
    io::Error::other("the file changed while it was sent; send it again")
}
