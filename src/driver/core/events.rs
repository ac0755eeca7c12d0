//! What the protocol tells, and whom it concerns.

use std::task::Waker;

use super::{Core, Key, Stage, Topic};
use crate::base::Instant;
use crate::close::ConnectionError;
use crate::endpoint::{ConnectionHandle, Event};
use crate::stream::StreamEvent;

impl Core {
    /// Tells the protocol's events to who waits for them. The wakers are put into `ready`, to be called without the lock.
    pub(in crate::driver) fn settle(&mut self, now: Instant, ready: &mut Vec<Waker>) {
        while let Some(event) = self.node.poll_event() {
            self.on_node_event(now, event);
        }
        self.waits.take_ready(ready);
    }

    pub(super) fn on_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Connected(handle) => {
                self.entries.set_stage(handle, Stage::Open);
                self.waits.wake(Key::Connection(handle, Topic::Established));
                self.on_met(handle);
            }
            Event::Accepted(handle) => self.on_accepted(now, handle),
            Event::Stream(handle, event) => self.on_stream_event(handle, event),
            Event::DatagramReceived(handle) => {
                self.waits.wake(Key::Connection(handle, Topic::DatagramReceived));
            }
            Event::DatagramRoom(handle) => {
                self.waits.wake(Key::Connection(handle, Topic::DatagramRoom));
            }
            Event::ObservedAddress(handle, _) => {
                self.waits.wake(Key::Connection(handle, Topic::ObservedAddress));
            }
            Event::PathChanged(handle, _) => {
                self.waits.wake(Key::Connection(handle, Topic::Route));
            }
            Event::Confirmed(_) | Event::Candidates(_) => {}
            Event::Closed(handle, why) => self.on_closed(now, handle, why),
        }
    }

    fn on_accepted(&mut self, now: Instant, handle: ConnectionHandle) {
        self.entries.insert(handle, Stage::Open);
        if self.is_closed {
            self.release(now, handle);
        } else if !self.is_met_by(now, handle) {
            self.backlog.push_back(handle);
            self.waits.wake_one(Key::Accept);
        }
    }

    fn on_stream_event(&mut self, handle: ConnectionHandle, event: StreamEvent) {
        let topic = match event {
            StreamEvent::Opened(direction) => Topic::Opened(direction),
            StreamEvent::Available(direction) => Topic::Available(direction),
            StreamEvent::Readable(id) => Topic::Readable(id),
            StreamEvent::Writable(id) => Topic::Writable(id),
            StreamEvent::Finished(id) => Topic::Finished(id),
            StreamEvent::Stopped { id, code } => {
                self.senders.on_stopped(handle, id, code);
                self.waits.wake(Key::Connection(handle, Topic::Writable(id)));
                Topic::Finished(id)
            }
        };
        self.waits.wake(Key::Connection(handle, topic));
    }

    fn on_closed(&mut self, now: Instant, handle: ConnectionHandle, why: ConnectionError) {
        if self.on_missed(now, handle, &why) {
            return;
        }
        let Some(is_released) = self.entries.on_closed(handle, why) else {
            return self.node.remove(now, handle);
        };
        self.waits.wake_connection(handle);
        // One that nobody has accepted yet stays: what the peer sent was acknowledged and has to be read.
        if is_released {
            self.forget(now, handle);
        } else {
            self.wake_if_all_closed();
        }
    }

    pub(super) fn wake_if_all_closed(&mut self) {
        if self.is_closed && self.are_all_closed() {
            self.waits.wake(Key::AllClosed);
        }
    }
}
