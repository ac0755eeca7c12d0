//! The client's end of the control stream: how much CPU time a test costs at both ends.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use srudp::{Connection, Stream};

use super::{CONTROL, cpu};

/// No server says more.
const ANSWER_MAX: u64 = 64;

/// A running measurement.
#[derive(Debug)]
pub(super) struct Control {
    stream: Stream,
    begin: Option<Duration>,
}

/// CPU seconds; none where a system does not tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cpu {
    pub(super) client: Option<f64>,
    pub(super) server: Option<f64>,
}

impl Control {
    /// Returns when the server has begun to measure.
    pub(super) fn begin(connection: &Connection) -> io::Result<Self> {
        let mut stream = connection.open_stream()?;
        stream.write_all(&[CONTROL])?;
        stream.read_exact(&mut [0])?;
        Ok(Self { stream, begin: cpu::time() })
    }

    /// Ends the measurement.
    pub(super) fn end(self) -> io::Result<Cpu> {
        let client = cpu::seconds_since(self.begin);
        self.stream.shutdown(Shutdown::Write)?;
        let mut answer = String::new();
        self.stream.take(ANSWER_MAX).read_to_string(&mut answer)?;
        // The number is the server's word: nothing but the report depends on it.
        let server = answer.parse().ok().filter(|seconds: &f64| seconds.is_finite());
        Ok(Cpu { client, server })
    }
}
