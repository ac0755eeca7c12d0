//! `srudp connect` and `srudp listen` that talk all the time, both ways, while something happens between them.
//!
//! What is said is a stream of bytes without a pattern, which both ends can make: every byte that arrives is compared.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::net::{Host, Program};
use crate::stopwatch::now;

/// Said every [`PACE`].
const PIECE: usize = 4096;

const PACE: Duration = Duration::from_millis(10);

/// What has not arrived by then does not arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes without a pattern that a mistake could reproduce.
#[derive(Debug)]
struct Noise(u64);

impl Noise {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            // xorshift64*
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            *byte = (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 56) as u8;
        }
    }
}

/// One direction.
#[derive(Debug)]
struct Speech {
    said: AtomicU64,
    heard: AtomicU64,
    silent: AtomicBool,
    over: AtomicBool,
    /// When something was last heard, or could be expected again.
    last: Mutex<Instant>,
    longest: Mutex<Duration>,
}

impl Speech {
    fn between(
        from: &mut Program,
        to: &mut Program,
        seed: u64,
    ) -> (Arc<Self>, [JoinHandle<()>; 2]) {
        let speech = Arc::new(Self {
            said: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            silent: AtomicBool::new(false),
            over: AtomicBool::new(false),
            last: Mutex::new(now()),
            longest: Mutex::default(),
        });
        let (speaker, listener) = (Arc::clone(&speech), Arc::clone(&speech));
        let (stdin, stdout) = (from.stdin(), to.stdout());
        let speaks = thread::spawn(move || speaker.speak(stdin, Noise(seed)));
        let listens = thread::spawn(move || listener.listen(stdout, Noise(seed)));
        (speech, [speaks, listens])
    }

    fn speak(&self, mut stdin: impl Write, mut noise: Noise) {
        let mut piece = [0; PIECE];
        while !self.over.load(Ordering::SeqCst) {
            if !self.silent.load(Ordering::SeqCst) {
                noise.fill(&mut piece);
                stdin.write_all(&piece).unwrap();
                self.said.fetch_add(PIECE as u64, Ordering::SeqCst);
            }
            thread::sleep(PACE);
        }
    }

    fn listen(&self, mut stdout: impl Read, mut noise: Noise) {
        let (mut found, mut expected) = ([0; PIECE], [0; PIECE]);
        loop {
            let length = stdout.read(&mut found).unwrap();
            if length == 0 {
                break;
            }
            noise.fill(&mut expected[..length]);
            assert!(found[..length] == expected[..length], "other bytes than those that were sent");
            self.heard.fetch_add(length as u64, Ordering::SeqCst);
            let before = std::mem::replace(&mut *self.last.lock().unwrap(), now());
            let mut longest = self.longest.lock().unwrap();
            *longest = longest.max(before.elapsed());
        }
        assert_eq!(self.heard.load(Ordering::SeqCst), self.said.load(Ordering::SeqCst));
    }

    fn hush(&self, silent: bool) {
        *self.last.lock().unwrap() = now();
        self.silent.store(silent, Ordering::SeqCst);
    }

    /// The longest silence since the last call.
    fn interruption(&self) -> Duration {
        std::mem::take(&mut *self.longest.lock().unwrap())
    }

    /// Waits until all that has been said is heard.
    fn catch_up(&self) {
        let (said, began) = (self.said.load(Ordering::SeqCst), now());
        while self.heard.load(Ordering::SeqCst) < said {
            assert!(began.elapsed() < PATIENCE, "nothing is heard any more");
            thread::sleep(PACE);
        }
    }
}

/// The longest silence that a listener met while the other side spoke.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interruption {
    pub(crate) up: Duration,
    pub(crate) down: Duration,
}

/// A conversation that goes on.
#[derive(Debug)]
pub(crate) struct Conversation {
    up: Arc<Speech>,
    down: Arc<Speech>,
    threads: Vec<JoinHandle<()>>,
    programs: [Program; 2],
}

impl Conversation {
    /// Between a host that dials and one that is public.
    pub(crate) fn start(host: &Host, server: &Host, port: u16) -> Self {
        let bind = server.at(port).to_string();
        let listener = server.srudp(&["listen", "--once", "--bind", &bind]);
        let (address, peer) = {
            let line = listener.line("listening ");
            let (address, peer) = line.split_once(' ').unwrap();
            (address.to_owned(), peer.to_owned())
        };
        let target = format!("{peer}@{address}");
        Self::between([host.srudp(&["connect", &target]), listener])
    }

    /// Between a program that dials and one that listens.
    pub(crate) fn between([mut dialler, mut listener]: [Program; 2]) -> Self {
        let (up, mut threads) = {
            let (up, threads) = Speech::between(&mut dialler, &mut listener, 1);
            (up, Vec::from(threads))
        };
        let (down, more) = Speech::between(&mut listener, &mut dialler, 2);
        threads.extend(more);
        let began = now();
        while [&up, &down].iter().any(|speech| speech.heard.load(Ordering::SeqCst) == 0) {
            assert!(began.elapsed() < PATIENCE, "they do not find each other");
            thread::sleep(PACE);
        }
        // From here on silences count.
        thread::sleep(Duration::from_millis(500));
        for speech in [&up, &down] {
            speech.interruption();
        }
        Self { up, down, threads, programs: [dialler, listener] }
    }

    /// The two, the one that dialled first.
    pub(crate) fn programs(&self) -> &[Program; 2] {
        &self.programs
    }

    /// Waits until all is heard that was said until now. Returns the longest silences since the last call.
    pub(crate) fn interruption(&self) -> Interruption {
        thread::sleep(PACE);
        self.up.catch_up();
        self.down.catch_up();
        Interruption { up: self.up.interruption(), down: self.down.interruption() }
    }

    /// Both are silent for so long, at the end of which something is looked at; then the public one speaks first.
    pub(crate) fn pause(&self, time: Duration, at_the_end: impl FnOnce()) {
        self.up.hush(true);
        self.down.hush(true);
        thread::sleep(time);
        at_the_end();
        self.down.hush(false);
        thread::sleep(PACE);
        self.down.catch_up();
        self.up.hush(false);
    }

    /// Goes on until everything that was said so far is heard, and ends well. Every byte has arrived, once, and in its place.
    pub(crate) fn end(self) -> Interruption {
        let interruption = self.interruption();
        for speech in [&self.up, &self.down] {
            speech.over.store(true, Ordering::SeqCst);
        }
        for thread in self.threads {
            thread.join().unwrap();
        }
        for program in self.programs {
            program.end();
        }
        interruption
    }
}
