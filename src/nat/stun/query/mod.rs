//! Asks one server one question, until there is an answer or a reason why there is none (RFC 8489 §6).
//!
//! ```text
//!           401, 438: with credentials      300: the server that it names
//!              ┌──────────┐                    ┌──────────┐
//!              ▼          │                    ▼          │
//!  new ──▶  asking, sent again and again  ◀────────────────
//!              │                     │
//!              │ answer              │ refusal, silence
//!              ▼                     ▼
//!            Ok(Answer)           Err(QueryError)
//! ```
//!
//! Who is off the path cannot answer, because it does not know the transaction id; and what comes from another address than the
//! server's does not count, because it knows it only if it is on the path.

mod answer;
mod question;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

pub use answer::{Answer, QueryError};
pub use question::Question;

use super::attribute::Attribute;
use super::auth::{Auth, Reply};
use super::builder::Builder;
use super::error::StunError;
use super::header::{Class, Method, TransactionId};
use super::message::Message;
use super::redirection::redirection;
use super::retransmit::{Due, Schedule};
use crate::base::limits::STUN_ROUNDS;
use crate::base::{Entropy, Instant};

/// What our messages say of the program.
const SOFTWARE: &str = "srudp";

/// One question and what comes of it.
///
/// ```
/// use srudp::nat::stun::{Query, Question, Server, ServerConfig};
/// use srudp::proto::{Instant, SeededEntropy};
///
/// let mut entropy = SeededEntropy::new(1);
/// let now = Instant::ZERO;
/// let (client, address) = ("192.0.2.7:4000".parse()?, "198.51.100.1:3478".parse()?);
/// let mut server = Server::new(ServerConfig::new(address), &mut entropy);
///
/// let mut query = Query::new(now, Question::new(address), &mut entropy);
/// let (destination, request) = query.poll_transmit().unwrap();
/// server.handle_datagram(now, destination, client, request);
///
/// let response = server.poll_transmit().unwrap();
/// query.handle_datagram(now, response.source, &response.payload, &mut entropy);
/// assert_eq!(query.outcome().unwrap().as_ref().unwrap().reflexive, client);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug)]
pub struct Query {
    question: Question,
    server: SocketAddr,
    auth: Auth,
    transaction: TransactionId,
    request: Vec<u8>,
    schedule: Schedule,
    /// A send is due and was not fetched.
    pending: bool,
    started: Instant,
    /// Requests that differ from the first.
    rounds: u8,
    outcome: Option<Result<Answer, QueryError>>,
}

impl Query {
    /// Asks from now on.
    pub fn new(now: Instant, mut question: Question, entropy: &mut dyn Entropy) -> Self {
        let mut query = Self {
            server: question.server,
            auth: Auth::new(question.credentials.take()),
            transaction: TransactionId::new([0; 12]),
            request: Vec::new(),
            schedule: Schedule::new(now, question.patience),
            question,
            pending: false,
            started: now,
            rounds: 0,
            outcome: None,
        };
        query.ask(now, entropy);
        query
    }

    /// What to send now, and where to.
    pub fn poll_transmit(&mut self) -> Option<(SocketAddr, &[u8])> {
        std::mem::take(&mut self.pending).then_some((self.server, &self.request))
    }

    /// When to call [`Self::handle_timeout`]; `None` when all is over.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.outcome.is_none().then(|| self.schedule.next())
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.outcome.is_some() {
            return;
        }
        match self.schedule.poll(now) {
            Due::Nothing => {}
            Due::Send => self.pending = true,
            Due::GiveUp => self.finish(Err(QueryError::TimedOut)),
        }
    }

    /// A datagram came. Returns whether it was for this question; others may have a use for it if it was not.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &[u8],
        entropy: &mut dyn Entropy,
    ) -> bool {
        let Ok(message) = Message::decode(datagram) else { return false };
        let expected = self.question.answer_from.unwrap_or(self.server);
        if self.outcome.is_some()
            || message.transaction() != self.transaction
            || message.method() != Method::BINDING
            || from != expected
        {
            return false;
        }
        match message.class() {
            Class::Request | Class::Indication => return false,
            Class::Success => self.on_success(now, from, &message),
            Class::Error => self.on_error(now, &message, entropy),
        }
        true
    }

    /// What came of it, as soon as that is known.
    pub fn outcome(&self) -> Option<&Result<Answer, QueryError>> {
        self.outcome.as_ref()
    }

    /// The transaction of the request that is on its way. An answer that was asked to another port carries it.
    pub fn transaction(&self) -> TransactionId {
        self.transaction
    }

    fn finish(&mut self, outcome: Result<Answer, QueryError>) {
        self.pending = false;
        self.outcome = Some(outcome);
    }

    /// Writes a request in a transaction of its own, and begins to send it.
    fn ask(&mut self, now: Instant, entropy: &mut dyn Entropy) {
        self.transaction = TransactionId::random(entropy);
        match self.write() {
            Err(error) => self.finish(Err(QueryError::Unwritable(error))),
            Ok(request) => {
                self.request = request;
                self.schedule = Schedule::new(now, self.question.patience);
                self.started = now;
                self.handle_timeout(now);
            }
        }
    }

    fn write(&self) -> Result<Vec<u8>, StunError> {
        let question = &self.question;
        let mut builder = Builder::new(Class::Request, Method::BINDING, self.transaction)
            .attribute(&Attribute::Software(SOFTWARE));
        if let Some((ip, port)) = question.change {
            builder = builder.attribute(&Attribute::ChangeRequest { ip, port });
        }
        if let Some(port) = question.response_port {
            builder = builder.attribute(&Attribute::ResponsePort(port));
        }
        self.auth.sign(builder).fingerprint().finish()
    }

    fn on_success(&mut self, now: Instant, from: SocketAddr, message: &Message<'_>) {
        if !self.auth.accepts(message) {
            return;
        }
        let answer = Answer::read(message, self.server, from)
            .filter(|_| message.unknown_required().next().is_none());
        self.finish(match answer {
            None => Err(QueryError::Incomprehensible),
            Some(answer) => {
                let once = self.schedule.sent() == 1;
                Ok(Answer { round_trip: once.then(|| now - self.started), ..answer })
            }
        });
    }

    fn on_error(&mut self, now: Instant, message: &Message<'_>, entropy: &mut dyn Entropy) {
        let Some((code, reason)) = message.error() else {
            return self.finish(Err(QueryError::Incomprehensible));
        };
        match code {
            401 | 438 => match self.auth.on_challenge(message, code == 438) {
                Reply::Again => self.again(now, QueryError::Unauthorized, entropy),
                Reply::Ignore => {}
                Reply::Unauthorized => self.finish(Err(QueryError::Unauthorized)),
                Reply::NoCommonAlgorithm => self.finish(Err(QueryError::NoCommonAlgorithm)),
            },
            // Only these two may lack the code that other answers to a proved question need (RFC 8489 §9.1.5, §9.2.5).
            _ if !self.auth.accepts(message) => {}
            300 => self.on_redirection(now, message, entropy),
            _ => self.finish(Err(QueryError::Refused { code, reason: reason.to_owned() })),
        }
    }

    /// RFC 8489 §10.
    fn on_redirection(&mut self, now: Instant, message: &Message<'_>, entropy: &mut dyn Entropy) {
        match redirection(self.server, message) {
            Some(named) => {
                self.server = named;
                self.auth.reset();
                self.again(now, QueryError::BadRedirection, entropy);
            }
            None => self.finish(Err(QueryError::BadRedirection)),
        }
    }

    /// Asks with another request, unless that has gone on for too long.
    fn again(&mut self, now: Instant, or: QueryError, entropy: &mut dyn Entropy) {
        self.rounds += 1;
        if self.rounds > STUN_ROUNDS {
            self.finish(Err(or));
        } else {
            self.ask(now, entropy);
        }
    }
}
