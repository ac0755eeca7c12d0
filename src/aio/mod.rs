//! Floor 12: the same calls for tasks, under any executor.
//!
//! There is no reactor and no runtime here: the endpoint's own thread wakes the tasks, and those that get answers within microseconds look
//! for the next one themselves. Futures make the same attempts as the blocking calls; dropping one is giving up, and loses nothing.

mod accepting;
mod again;
mod calls;
#[cfg(feature = "futures-io")]
mod futures_io;
#[cfg(any(feature = "futures-io", feature = "tokio"))]
mod streams;
#[cfg(feature = "tokio")]
mod tokio;
mod waiting;

#[cfg(any(feature = "futures-io", feature = "tokio"))]
pub use streams::{AsyncRecvStream, AsyncSendStream, AsyncStream};
