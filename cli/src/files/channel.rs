//! What the protocol needs of a stream. Tests have pipes in memory.

use std::io::{self, Read, Write};

use srudp::{ApplicationCode, Stream};

/// One bidirectional stream.
pub(super) trait Channel: Read + Write {
    /// Lets no more bytes come: the writes of the peer fail, and it looks for the reason.
    fn stop(&mut self) -> io::Result<()>;
}

impl Channel for Stream {
    fn stop(&mut self) -> io::Result<()> {
        Self::stop(self, ApplicationCode::ZERO);
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod pipe {
    //! Two ends of a bounded pipe in memory.

    use std::collections::VecDeque;
    use std::sync::{Arc, Condvar, Mutex};

    use super::{Channel, Read, Write, io};

    const ROOM: usize = 64 * 1024;

    #[derive(Default)]
    struct Half {
        state: Mutex<(VecDeque<u8>, bool)>,
        changed: Condvar,
    }

    impl Half {
        fn close(&self) {
            self.state.lock().unwrap().1 = true;
            self.changed.notify_all();
        }
    }

    /// One end. Dropping it breaks both directions.
    pub(in super::super) struct End {
        incoming: Arc<Half>,
        outgoing: Arc<Half>,
        /// Bytes until the pipe breaks.
        pub(in super::super) breaks_after: usize,
    }

    pub(in super::super) fn pair() -> (End, End) {
        let (a, b) = (Arc::<Half>::default(), Arc::<Half>::default());
        let first =
            End { incoming: Arc::clone(&a), outgoing: Arc::clone(&b), breaks_after: usize::MAX };
        (first, End { incoming: b, outgoing: a, breaks_after: usize::MAX })
    }

    impl Drop for End {
        fn drop(&mut self) {
            self.incoming.close();
            self.outgoing.close();
        }
    }

    impl Read for End {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let mut state = self.incoming.state.lock().unwrap();
            while state.0.is_empty() && !state.1 {
                state = self.incoming.changed.wait(state).unwrap();
            }
            let count = state.0.read(into);
            self.incoming.changed.notify_all();
            count
        }
    }

    impl Write for End {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.breaks_after == 0 {
                self.incoming.close();
                self.outgoing.close();
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            let mut state = self.outgoing.state.lock().unwrap();
            while state.0.len() >= ROOM && !state.1 {
                state = self.outgoing.changed.wait(state).unwrap();
            }
            if state.1 {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            let count = bytes.len().min(ROOM - state.0.len()).min(self.breaks_after);
            state.0.extend(&bytes[..count]);
            self.breaks_after -= count;
            self.outgoing.changed.notify_all();
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Channel for End {
        fn stop(&mut self) -> io::Result<()> {
            self.incoming.close();
            Ok(())
        }
    }
}
