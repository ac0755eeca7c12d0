//! How requests prove who asks, and whether an answer comes from somebody who knows them (RFC 8489 §9).

use super::attribute::{Attribute, PasswordAlgorithms};
use super::builder::Builder;
use super::credentials::Credentials;
use super::message::Message;
use super::nonce::SecurityFeatures;
use super::password::{Key, PasswordAlgorithm, user_hash};

/// What the server asked for when it wanted long-term credentials.
#[derive(Debug)]
struct Challenge {
    realm: String,
    nonce: String,
    /// The server's list, to be sent back as it came, and what was chosen from it.
    algorithms: Option<(Vec<u8>, PasswordAlgorithm)>,
    anonymous: bool,
    key: Key,
}

/// How messages are authenticated at the moment.
#[derive(Debug)]
enum State {
    Open,
    ShortTerm(Key),
    Challenged(Challenge),
}

/// What to do about a 401 or 438.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::nat) enum Reply {
    /// Ask again, with credentials.
    Again,
    /// Nothing: it may be forged to weaken us.
    Ignore,
    /// Our credentials are none or wrong.
    Unauthorized,
    NoCommonAlgorithm,
}

#[derive(Debug)]
pub(in crate::nat) struct Auth {
    credentials: Option<Credentials>,
    state: State,
}

impl Auth {
    pub(in crate::nat) fn new(credentials: Option<Credentials>) -> Self {
        let short = credentials.as_ref().filter(|credentials| !credentials.long_term);
        let state = short.map_or(State::Open, |credentials| {
            State::ShortTerm(Key::short_term(&credentials.password))
        });
        Self { credentials, state }
    }

    /// Forgets what a server said: the next one is another.
    pub(in crate::nat) fn reset(&mut self) {
        *self = Self::new(self.credentials.take());
    }

    /// Appends what proves who asks.
    pub(in crate::nat) fn sign(&self, builder: Builder) -> Builder {
        let Some(Credentials { username, .. }) = &self.credentials else { return builder };
        match &self.state {
            State::Open => builder,
            // The server picks one, and uses it in its answer (RFC 8489 §9.1.2).
            State::ShortTerm(key) => builder
                .attribute(&Attribute::Username(username))
                .integrity(key)
                .integrity_sha256(key),
            State::Challenged(challenge) => {
                let hash = user_hash(username, &challenge.realm);
                let user = if challenge.anonymous {
                    Attribute::UserHash(hash)
                } else {
                    Attribute::Username(username)
                };
                let builder = builder
                    .attribute(&user)
                    .attribute(&Attribute::Realm(&challenge.realm))
                    .attribute(&Attribute::Nonce(&challenge.nonce));
                let Some((list, chosen)) = &challenge.algorithms else {
                    return builder.integrity(&challenge.key);
                };
                let builder = match PasswordAlgorithms::new(list) {
                    Some(list) => builder.attribute(&Attribute::PasswordAlgorithms(list)),
                    None => builder,
                };
                let chosen = Attribute::PasswordAlgorithm(*chosen);
                builder.attribute(&chosen).integrity_sha256(&challenge.key)
            }
        }
    }

    /// Whether an answer comes from somebody who knows the credentials, if we showed that we do.
    pub(in crate::nat) fn accepts(&self, message: &Message<'_>) -> bool {
        match &self.state {
            State::Open => true,
            State::ShortTerm(key) => message.verify_sha256(key) || message.verify_sha1(key),
            State::Challenged(challenge) if challenge.algorithms.is_some() => {
                message.verify_sha256(&challenge.key)
            }
            State::Challenged(challenge) => message.verify_sha1(&challenge.key),
        }
    }

    /// The server said 401 (Unauthenticated) or 438 (Stale Nonce).
    pub(in crate::nat) fn on_challenge(&mut self, message: &Message<'_>, stale: bool) -> Reply {
        let Some(credentials) = self.credentials.as_ref().filter(|known| known.long_term) else {
            return Reply::Unauthorized;
        };
        let nonce = message.find(|attribute| match attribute {
            Attribute::Nonce(text) => Some(text),
            _ => None,
        });
        let realm = message.find(|attribute| match attribute {
            Attribute::Realm(text) => Some(text),
            _ => None,
        });
        let (Some(nonce), Some(realm)) = (nonce, realm) else { return Reply::Ignore };
        if let State::Challenged(before) = &self.state
            && (!stale || before.nonce == nonce)
        {
            return Reply::Unauthorized;
        }
        let features = SecurityFeatures::of(nonce);
        let list = message.find(|attribute| match attribute {
            Attribute::PasswordAlgorithms(list) => Some(list),
            _ => None,
        });
        // The nonce says that there is a list. Who took it away wants MD5 (RFC 8489 §9.2.1).
        if features.password_algorithms && list.is_none() {
            return Reply::Ignore;
        }
        let algorithms = match list {
            None => None,
            Some(list) => match list.known().next() {
                Some(chosen) => Some((list.as_bytes().to_vec(), chosen)),
                None => return Reply::NoCommonAlgorithm,
            },
        };
        let algorithm = algorithms.as_ref().map_or(PasswordAlgorithm::Md5, |(_, chosen)| *chosen);
        let key = Key::long_term(algorithm, &credentials.username, realm, &credentials.password);
        self.state = State::Challenged(Challenge {
            realm: realm.to_owned(),
            nonce: nonce.to_owned(),
            algorithms,
            anonymous: features.username_anonymity,
            key,
        });
        Reply::Again
    }
}
