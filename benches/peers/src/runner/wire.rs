//! The process that is a bad link, as the runner sees it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;

use crate::line::Line;
use crate::wire::{Wait, WireOrder};

/// A running link; it ends with this value.
#[derive(Debug)]
pub(super) struct Wire {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    devices: [String; 2],
}

impl Wire {
    pub(super) fn start(program: &Path, line: &Line, seed: u32) -> Result<Self> {
        let order = serde_json::to_string(&WireOrder { line: *line, seed })?;
        let mut child = Command::new(program)
            .args(["wire", &order])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the link does not start")?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("a link without output")?);
        let mut wire = Self { child, input, output, devices: [String::new(), String::new()] };
        wire.devices = wire.hear()?;
        Ok(wire)
    }

    /// That of the client and that of the server.
    pub(super) fn devices(&self) -> [&str; 2] {
        self.devices.each_ref().map(String::as_str)
    }

    /// Ends the link, which then tells what packets towards the server waited.
    pub(super) fn stop(mut self) -> Result<Wait> {
        self.input = None;
        self.hear()
    }

    fn hear<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("the link says {:?}", line.trim()))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
