//! Starts the program, feeds it, and collects what it says.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use tempfile::TempDir;

/// A directory in which the program finds no identity and leaves what it writes.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    /// The program, with pipes at its three ends.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_srudp"));
        command
            .args(args)
            .current_dir(self.0.path())
            .env("XDG_CONFIG_HOME", self.0.path().join("config"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command line without stdin to its end.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Outcome {
        self.start(args, Vec::new()).end()
    }

    /// Starts a command line with this as stdin.
    pub(crate) fn start<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
        stdin: Vec<u8>,
    ) -> Running {
        let mut running = Running::spawn(&mut self.command(args));
        let mut pipe = running.take_stdin();
        std::thread::spawn(move || {
            // The program may end before it has read everything.
            let _ = pipe.write_all(&stdin);
        });
        running
    }

    /// Starts a listener and waits until it listens. The text is `PEER_ID@ADDRESS`.
    pub(crate) fn listen(&self, args: &[&str], stdin: Vec<u8>) -> (Running, String) {
        let args = [args, &["--bind", "127.0.0.1:0"]].concat();
        let mut running = self.start(args, stdin);
        let target = running.target();
        (running, target)
    }
}

/// A running program. It is killed if the test forgets it.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<BufReader<std::process::ChildStderr>>,
}

impl Running {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take();
        let stderr = child.stderr.take().map(BufReader::new);
        let stdout = child.stdout.take().map(|mut pipe| {
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                pipe.read_to_end(&mut bytes).unwrap();
                bytes
            })
        });
        Self { child, stdin, stdout, stderr }
    }

    /// The writing end of the program's stdin; dropping it is the end of stdin.
    pub(crate) fn take_stdin(&mut self) -> ChildStdin {
        self.stdin.take().unwrap()
    }

    /// Waits for `listening ADDRESS PEER_ID`.
    pub(crate) fn target(&mut self) -> String {
        let mut seen = String::new();
        for line in self.stderr.as_mut().unwrap().lines() {
            let line = line.unwrap();
            if let Some(rest) = line.strip_prefix("listening ") {
                let (address, peer) = rest.split_once(' ').unwrap();
                return format!("{peer}@{address}");
            }
            seen.push_str(&line);
        }
        panic!("the program does not listen: {seen}");
    }

    /// Waits for a line on stderr that begins so; returns the rest of it.
    pub(crate) fn line(&mut self, start: &str) -> String {
        let mut seen = String::new();
        for line in self.stderr.as_mut().unwrap().lines() {
            let line = line.unwrap();
            if let Some(rest) = line.strip_prefix(start) {
                return rest.to_owned();
            }
            seen.push_str(&line);
        }
        panic!("no line begins with {start:?}: {seen}");
    }

    /// The number by which the system knows it.
    #[cfg(unix)]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: no last word to the peer.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Waits for the end of the program.
    pub(crate) fn end(mut self) -> Outcome {
        drop(self.stdin.take());
        let mut stderr = String::new();
        self.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let stdout = self.stdout.take().map(|reader| reader.join().unwrap()).unwrap_or_default();
        Outcome { status: self.child.wait().unwrap(), stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a program ended and what it said.
#[derive(Debug)]
pub(crate) struct Outcome {
    status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Outcome {
    /// Checks the exit code, and shows what the program said if it is another one.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "stderr: {}", self.stderr);
        self
    }

    /// Checks that stderr holds all these.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "{part:?} is not in: {}", self.stderr);
        }
        self
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }
}

/// Bytes without a pattern that a mistake could reproduce.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    std::iter::repeat_with(|| {
        // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 56) as u8
    })
    .take(length)
    .collect()
}
