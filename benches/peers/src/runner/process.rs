//! A child process as the runner sees it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::order::{GO, Order, Outcome, SAMPLE, Sample, Say, Target};

/// How long a process may take to end by itself.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long a process may take to answer, however busy.
const ANSWER: Duration = Duration::from_secs(20);

/// One end of a measurement; the process ends with this value.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    said: Receiver<Say>,
}

impl Process {
    /// In this network namespace, if one is named.
    pub(super) fn start(program: &Path, order: &Order, namespace: Option<&str>) -> Result<Self> {
        let mut command = match namespace {
            None => Command::new(program),
            Some(name) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", name]).arg(program);
                command
            }
        };
        let mut child = command
            .args(["child", &serde_json::to_string(order)?])
            // Every connection of a server ends with an error, which would capture one.
            .env_remove("RUST_BACKTRACE")
            .env_remove("RUST_LIB_BACKTRACE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("a child process does not start")?;
        let (tell, said) = mpsc::channel();
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let output = output.context("a child process without output")?;
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let said = serde_json::from_str(&line)
                    .unwrap_or_else(|_| Say::Failed(format!("a child process says {line:?}")));
                if tell.send(said).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, input, said })
    }

    /// The server's first word.
    pub(super) fn listening(&self) -> Result<Target> {
        match self.hear(ANSWER)? {
            Say::Listening(target) => Ok(target),
            other => bail!("unexpected: {other:?}"),
        }
    }

    /// The client is prepared.
    pub(super) fn ready(&self, patience: Duration) -> Result<()> {
        match self.hear(patience)? {
            Say::Ready => Ok(()),
            other => bail!("unexpected: {other:?}"),
        }
    }

    /// The client has done its job.
    pub(super) fn done(&self, patience: Duration) -> Result<Outcome> {
        match self.hear(patience)? {
            Say::Done(outcome) => Ok(outcome),
            other => bail!("unexpected: {other:?}"),
        }
    }

    /// Lets the client begin.
    pub(super) fn go(&mut self) -> Result<()> {
        self.write(GO)
    }

    /// What the process has used until now.
    pub(super) fn sample(&mut self) -> Result<Sample> {
        self.write(SAMPLE)?;
        match self.hear(ANSWER)? {
            Say::Sample(sample) => Ok(sample),
            other => bail!("unexpected: {other:?}"),
        }
    }

    /// Lets it work; fails as soon as it fails.
    pub(super) fn leave_alone(&self, time: Duration) -> Result<()> {
        match self.said.recv_timeout(time) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Ok(Say::Failed(why)) => bail!("{why}"),
            Ok(other) => bail!("unexpected: {other:?}"),
            Err(RecvTimeoutError::Disconnected) => bail!("the process died"),
        }
    }

    fn write(&mut self, line: &str) -> Result<()> {
        let input = self.input.as_mut().context("the process is told nothing more")?;
        writeln!(input, "{line}").and_then(|()| input.flush()).context("the process died")
    }

    fn hear(&self, patience: Duration) -> Result<Say> {
        match self.said.recv_timeout(patience) {
            Ok(Say::Failed(why)) => bail!("{why}"),
            Ok(said) => Ok(said),
            Err(RecvTimeoutError::Timeout) => bail!("timed out"),
            Err(RecvTimeoutError::Disconnected) => bail!("the process died"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.input = None;
        let deadline = Instant::now() + FAREWELL;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
