//! Two endpoints on loopback and a connection between them.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use srudp::proto::TransportConfig;
use srudp::{Connection, Endpoint, Identity};

/// Longer than anything here takes, and shorter than a person waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// Field order is drop order: connections go before their endpoints.
pub(crate) struct Pair {
    pub(crate) dialler: Connection,
    pub(crate) listener: Connection,
    pub(crate) dialling: Endpoint,
    pub(crate) listening: Endpoint,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::with(TransportConfig::default())
    }

    pub(crate) fn with(transport: TransportConfig) -> Self {
        let listening = listener(transport.clone());
        let dialling = dialler(transport);
        let dialler = dialling.connect(listening.peer_id(), listening.local_addr()).unwrap();
        let listener = listening.accept().unwrap();
        assert_eq!(dialler.peer_id(), listening.peer_id());
        assert_eq!(listener.peer_id(), dialling.peer_id());
        Self { dialler, listener, dialling, listening }
    }
}

pub(crate) fn listener(transport: TransportConfig) -> Endpoint {
    let builder = Endpoint::builder().identity(Identity::generate()).accept(true);
    builder.transport(transport).bind("127.0.0.1:0").unwrap()
}

pub(crate) fn dialler(transport: TransportConfig) -> Endpoint {
    Endpoint::builder().transport(transport).bind("127.0.0.1:0").unwrap()
}

/// Bytes that tell their place, so that a missing, doubled or moved piece is seen.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect()
}

/// Runs it on a thread of its own and fails if it does not come to an end.
pub(crate) fn in_time<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, finished) = mpsc::channel();
    let thread = thread::spawn(move || {
        let result = run();
        let _ = done.send(());
        result
    });
    let waited = finished.recv_timeout(PATIENCE);
    assert!(waited != Err(mpsc::RecvTimeoutError::Timeout), "a wait did not end");
    thread.join().unwrap()
}

/// What it returns, and how long it took.
#[expect(clippy::disallowed_methods, reason = "how long the application waits is what is tested")]
pub(crate) fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let began = std::time::Instant::now();
    let result = run();
    (result, began.elapsed())
}
