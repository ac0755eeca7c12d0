//! The receiver's side of one stream: what the first message says decides what it is about.

use std::io;

use super::channel::Channel;
use super::message::{self, Digest, Malformed, Message, Modified, Offer, Reason, Refusal};
use super::sending::Watch;
use super::store::{Partial, Plan, Store};

/// How a stream ended.
#[derive(Debug)]
pub(super) enum Received {
    /// The control stream: the sender has sent everything it wanted.
    End,
    /// The file or folder is in its place.
    Stored { path: String },
    /// It was there already.
    Skipped { path: String },
    /// It is not there; both sides know why.
    Refused { path: String, refusal: Refusal },
    /// The sender gave it up.
    Aborted { path: String, reason: String },
}

/// What the sender says about the whole transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Announced {
    pub(super) files: u64,
    pub(super) bytes: u64,
}

/// Told what a receiver shows.
pub(super) trait Listen: Watch {
    fn announced(&mut self, announced: Announced);
    /// The file is taken, from this offset on.
    fn begins(&mut self, path: &str, offset: u64);
}

/// Serves one stream. An error is the end of the stream or of the connection: nothing is lost,
/// partial files stay.
pub(super) fn receive(
    channel: &mut impl Channel,
    store: &Store,
    peer: &str,
    listen: &mut impl Listen,
) -> io::Result<Received> {
    let mut buffer = Vec::new();
    match message::read(channel, &mut buffer)? {
        Message::Announce { files, bytes } => {
            listen.announced(Announced { files, bytes });
            let mut buffer = Vec::new();
            let Message::End = message::read(channel, &mut buffer)? else {
                return Err(out_of_turn());
            };
            message::write(channel, &Message::Done)?;
            Ok(Received::End)
        }
        Message::Offer(offer) => {
            let owned = OwnedOffer::from(&offer);
            let mut file = OneFile { channel, store, peer, offer: owned, listen };
            file.run()
        }
        _ => Err(out_of_turn()),
    }
}

fn out_of_turn() -> io::Error {
    Malformed("a message out of turn").into()
}

/// An offer that outlives the buffer it was read into.
struct OwnedOffer {
    path: String,
    size: u64,
    modified: Modified,
    executable: bool,
    folder: bool,
}

impl From<&Offer<'_>> for OwnedOffer {
    fn from(offer: &Offer<'_>) -> Self {
        Self {
            path: offer.path.to_owned(),
            size: offer.size,
            modified: offer.modified,
            executable: offer.executable,
            folder: offer.folder,
        }
    }
}

impl OwnedOffer {
    fn borrow(&self) -> Offer<'_> {
        Offer {
            path: &self.path,
            size: self.size,
            modified: self.modified,
            executable: self.executable,
            folder: self.folder,
        }
    }
}

struct OneFile<'a, C, L> {
    channel: &'a mut C,
    store: &'a Store,
    peer: &'a str,
    offer: OwnedOffer,
    listen: &'a mut L,
}

/// What the sender makes of the data.
enum Rest {
    Whole(Digest),
    Aborted(String),
}

impl<C: Channel, L: Listen> OneFile<'_, C, L> {
    fn run(&mut self) -> io::Result<Received> {
        let partial = match self.store.consider(self.peer, &self.offer.borrow()) {
            Ok(Plan::Made) => return self.done(|path| Received::Stored { path }),
            Ok(Plan::Take(partial)) => partial,
            Ok(Plan::Compare(digest)) => {
                message::write(self.channel, &Message::Have(digest))?;
                let mut buffer = Vec::new();
                match message::read(self.channel, &mut buffer)? {
                    Message::Same => return self.done(|path| Received::Skipped { path }),
                    Message::Different => {}
                    Message::Abort(reason) => return Ok(self.aborted(reason)),
                    _ => return Err(out_of_turn()),
                }
                match self.store.replace(self.peer, &self.offer.borrow()) {
                    Ok(partial) => partial,
                    Err(refusal) => return self.refuse(refusal),
                }
            }
            Err(refusal) => return self.refuse(refusal),
        };
        self.take(*partial)
    }

    fn take(&mut self, mut partial: Partial) -> io::Result<Received> {
        let (offset, digest) = partial.prefix();
        message::write(self.channel, &Message::Prefix { offset, digest })?;
        let mut buffer = Vec::new();
        let from = match message::read(self.channel, &mut buffer)? {
            Message::Begin { offset } => offset,
            Message::Abort(reason) => return Ok(self.aborted(reason)),
            _ => return Err(out_of_turn()),
        };
        if let Err(refusal) = partial.begin(from) {
            return self.refuse(refusal);
        }
        self.listen.begins(&self.offer.path, from);
        self.listen.resumed(from);
        let rest = match self.data(&mut partial, &mut buffer)? {
            Ok(rest) => rest,
            Err(refusal) => return self.refuse(refusal),
        };
        match rest {
            Rest::Whole(digest) => match partial.finish(&digest) {
                Ok(()) => self.done(|path| Received::Stored { path }),
                Err(refusal) => self.refuse(refusal),
            },
            Rest::Aborted(reason) => {
                // What was sent belongs to a file that is no more.
                let _ = partial.discard();
                Ok(self.aborted(&reason))
            }
        }
    }

    /// Reads data until the sender says that it was all.
    fn data(
        &mut self,
        partial: &mut Partial,
        buffer: &mut Vec<u8>,
    ) -> io::Result<Result<Rest, Refusal>> {
        loop {
            match message::read(self.channel, buffer)? {
                Message::Data(bytes) => {
                    if let Err(refusal) = partial.write(bytes) {
                        return Ok(Err(refusal));
                    }
                    self.listen.moved(bytes.len() as u64);
                }
                Message::Whole(digest) => return Ok(Ok(Rest::Whole(digest))),
                Message::Abort(reason) => return Ok(Ok(Rest::Aborted(reason.to_owned()))),
                _ => {
                    let text = "data was expected";
                    return Ok(Err(Refusal::new(Reason::Protocol, text)));
                }
            }
        }
    }

    fn done(&mut self, received: impl FnOnce(String) -> Received) -> io::Result<Received> {
        message::write(self.channel, &Message::Done)?;
        Ok(received(self.offer.path.clone()))
    }

    /// The refusal first: the sender looks for it once its writes fail.
    fn refuse(&mut self, refusal: Refusal) -> io::Result<Received> {
        message::write(self.channel, &Message::Refuse(refusal.clone()))?;
        self.channel.stop()?;
        Ok(Received::Refused { path: self.offer.path.clone(), refusal })
    }

    fn aborted(&self, reason: &str) -> Received {
        Received::Aborted { path: self.offer.path.clone(), reason: reason.to_owned() }
    }
}
