//! The bytes: reading, writing, unreliable datagrams.

use srudp::proto::{Connection, Instant, ReadError, WriteError};
use srudp::{DatagramError, StreamId};

use super::Application;
use crate::truth::{Truth, datagram, fill};

impl Application {
    /// Reads until nothing is left, or about so much.
    pub(super) fn read(
        &mut self,
        now: Instant,
        connection: &mut Connection,
        id: StreamId,
        most: usize,
        truth: &mut Truth,
    ) {
        let Some(receiving) = self.receiving.get(&id).filter(|one| !one.over) else {
            self.readable.remove(&id);
            return;
        };
        let (mut offset, half) = (receiving.offset, self.received(id));
        let (mut out, mut left) = ([0; 4096], most);
        while left > 0 {
            let space = left.min(out.len());
            match connection.read(now, id, &mut out[..space]) {
                Ok(0) => {
                    truth.check_end(half, offset);
                    truth.read_whole(half);
                    self.end_receiving(id);
                    break;
                }
                Ok(n) => {
                    truth.check(half, offset, &out[..n]);
                    offset += n as u64;
                    left -= n;
                }
                Err(ReadError::Blocked) => {
                    self.readable.remove(&id);
                    break;
                }
                Err(ReadError::Reset(_)) => {
                    truth.check_reset(half);
                    self.end_receiving(id);
                    break;
                }
                Err(ReadError::ConnectionClosed) => {
                    assert!(connection.close_reason().is_some());
                    self.end_receiving(id);
                    break;
                }
                Err(error) => panic!("reading {half:?}: {error}"),
            }
        }
        self.receiving.get_mut(&id).unwrap().offset = offset;
        truth.note_read(half, offset);
    }

    pub(super) fn write(
        &mut self,
        connection: &mut Connection,
        id: StreamId,
        most: u64,
        truth: &mut Truth,
    ) {
        let half = self.sent(id);
        let Some(sending) = self.sending.get_mut(&id).filter(|one| !one.over) else {
            self.writable.remove(&id);
            return;
        };
        let written = truth.written.entry(half).or_default();
        let mut data = vec![0; most.min(sending.wanted - sending.offset) as usize];
        fill(half, sending.offset, &mut data);
        let result = if data.is_empty() { Ok(0) } else { connection.write(id, &data) };
        match result {
            Ok(n) => {
                sending.offset += n as u64;
                written.bytes = sending.offset;
                if sending.offset == sending.wanted {
                    sending.over = true;
                    if connection.finish(id).is_ok() {
                        written.finished = true;
                    }
                    self.writable.remove(&id);
                }
            }
            Err(WriteError::Blocked) => {
                self.writable.remove(&id);
            }
            Err(WriteError::Stopped(_)) => {
                written.reset = true;
                self.end_sending(id);
            }
            Err(WriteError::ConnectionClosed) => {
                assert!(self.closing.is_some() || connection.close_reason().is_some());
                self.end_sending(id);
            }
            Err(error) => panic!("writing {half:?}: {error}"),
        }
    }

    pub(super) fn send_datagram(&mut self, connection: &mut Connection, truth: &mut Truth) {
        let data = datagram(self.tag, self.role, self.datagrams);
        match connection.send_datagram(data.into()) {
            Ok(()) => {
                let sent = truth.datagrams.entry((self.tag, self.role)).or_default();
                sent.insert(self.datagrams);
                self.datagrams += 1;
            }
            Err(DatagramError::TooLarge { max }) => assert!(max < 1008, "{max} bytes would fit"),
            Err(_) => {}
        }
    }

    pub(crate) fn receive_datagrams(&mut self, connection: &mut Connection, truth: &mut Truth) {
        while let Some(data) = connection.recv_datagram() {
            truth.check_datagram(self.tag, self.peer(), &data);
        }
    }
}
