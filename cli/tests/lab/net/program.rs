//! A program that runs on a host.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// A line that does not come within this time will not come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running program. It is killed if the test forgets it.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    lines: Receiver<String>,
    /// Where it finds no identity, and may write.
    home: TempDir,
}

impl Program {
    pub(super) fn spawn(command: &mut Command) -> Self {
        let home = tempfile::tempdir().unwrap();
        let spawned = command
            .current_dir(home.path())
            .env("XDG_CONFIG_HOME", home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = spawned.unwrap();
        let (sender, lines) = channel();
        let errors = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                // Nobody may be interested any more.
                let _ = sender.send(line);
            }
        });
        Self { child, lines, home }
    }

    /// The directory that it runs in.
    pub(crate) fn directory(&self) -> &Path {
        self.home.path()
    }

    /// Waits for a line on stderr that begins so; returns the rest of it.
    pub(crate) fn line(&self, start: &str) -> String {
        self.line_that(start, |line| line.strip_prefix(start).map(str::to_owned))
    }

    /// Waits for a line on stderr in which this finds something.
    pub(crate) fn line_that<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let mut seen = String::new();
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            if let Some(found) = find(&line) {
                return found;
            }
            seen += &line;
            seen += "\n";
        }
        panic!("no line with {what:?}: {seen}");
    }

    /// What else it has said on stderr.
    pub(crate) fn said(&self) -> String {
        self.lines.try_iter().collect::<Vec<_>>().join("\n")
    }

    /// The writing end of its stdin.
    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().unwrap()
    }

    /// The reading end of its stdout.
    pub(crate) fn stdout(&mut self) -> ChildStdout {
        self.child.stdout.take().unwrap()
    }

    /// Waits for its end, which must be a good one; returns the rest of its stdout.
    pub(crate) fn end(mut self) -> String {
        drop(self.child.stdin.take());
        let mut output = String::new();
        if let Some(mut stdout) = self.child.stdout.take() {
            stdout.read_to_string(&mut output).unwrap();
        }
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {output}{}", self.said());
        output
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
