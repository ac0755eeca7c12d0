//! The blocking interface over real loopback sockets.

#[path = "api/closing.rs"]
mod closing;
#[path = "api/dialling.rs"]
mod dialling;
#[path = "api/many.rs"]
mod many;
#[path = "api/meeting.rs"]
mod meeting;
#[path = "api/moving.rs"]
mod moving;
#[path = "api/pair.rs"]
mod pair;
#[path = "api/streams.rs"]
mod streams;
#[path = "api/unreliable.rs"]
mod unreliable;
#[path = "api/waiting.rs"]
mod waiting;
#[path = "api/workers.rs"]
mod workers;
