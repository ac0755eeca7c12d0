//! One network namespace: made, configured, entered and removed.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, Once};
use std::{process, thread};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Where `ip netns` keeps its names.
const DIRECTORY: &str = "/run/netns";

/// The namespaces of a lab. They stay as long as any part of it does: a host is of no use without its router.
#[derive(Debug)]
pub(super) struct Population {
    lab: u32,
    namespaces: Mutex<Vec<Arc<Namespace>>>,
}

impl Population {
    pub(super) fn new(lab: u32) -> Arc<Self> {
        Arc::new(Self { lab, namespaces: Mutex::default() })
    }

    /// Makes a namespace.
    pub(super) fn add(&self, name: &str) -> Arc<Namespace> {
        let namespace = Arc::new(Namespace::new(self.lab, name));
        self.namespaces.lock().unwrap().push(Arc::clone(&namespace));
        namespace
    }
}

/// A network namespace. It ends with this value, and with the last process and socket in it.
#[derive(Debug)]
pub(super) struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes one. IPv6 addresses are usable at once: nobody is asked whether he has them already.
    fn new(lab: u32, name: &str) -> Self {
        sweep();
        let namespace = Self { name: format!("sr-{}-{lab}-{name}", process::id()) };
        run(Command::new("ip").args(["netns", "add", &namespace.name]), "");
        for key in ["default.accept_dad", "default.dad_transmits", "all.accept_dad"] {
            namespace.set(&format!("ipv6.conf.{key}"), "0");
        }
        namespace.ip("link set dev lo up");
        namespace
    }

    /// Its name for `ip`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Carries out lines of `ip -batch`.
    pub(super) fn ip(&self, lines: &str) {
        run(Command::new("ip").args(["-n", &self.name, "-batch", "-"]), lines);
    }

    /// Carries out lines of `nft`.
    pub(super) fn nft(&self, lines: &str) {
        run(self.command("nft").args(["-f", "-"]), lines);
    }

    /// How many packets a named counter of a table has counted.
    pub(super) fn counted(&self, table: &str, counter: &str) -> u64 {
        let mut list = self.command("nft");
        let text = run(list.args(["list", "counter", "inet", table, counter]), "");
        let mut words = text.split_whitespace().skip_while(|word| *word != "packets");
        words.nth(1).unwrap().parse().unwrap()
    }

    /// Sets a value under `net.`.
    pub(super) fn set(&self, key: &str, value: &str) {
        let path = Path::new("/proc/sys/net").join(key.replace('.', "/"));
        self.enter(move || fs::write(&path, value).unwrap_or_else(|e| panic!("{path:?}: {e}")));
    }

    /// The same, if this kernel knows it.
    pub(super) fn set_if_known(&self, key: &str, value: &str) {
        let path = Path::new("/proc/sys/net").join(key.replace('.', "/"));
        self.enter(move || drop(fs::write(&path, value)));
    }

    /// A program that will run inside.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// Calls this inside. Sockets that it makes stay there, and so do the threads that it starts.
    pub(super) fn enter<T: Send>(&self, inside: impl FnOnce() -> T + Send) -> T {
        let file = File::open(self.path()).unwrap();
        thread::scope(|scope| {
            let entered = scope.spawn(|| {
                // The thread ends in there; nobody else is moved.
                move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
                inside()
            });
            entered.join().unwrap()
        })
    }

    fn path(&self) -> PathBuf {
        Path::new(DIRECTORY).join(&self.name)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        delete(&self.name);
    }
}

/// Removes what a killed process left.
fn sweep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for entry in fs::read_dir(DIRECTORY).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let owner = name.strip_prefix("sr-").and_then(|rest| rest.split('-').next());
            if owner.is_some_and(|owner| !Path::new("/proc").join(owner).exists()) {
                delete(&name);
            }
        }
    });
}

fn delete(name: &str) {
    let mut command = Command::new("ip");
    // It may have gone already.
    let _ = command.args(["netns", "del", name]).stderr(Stdio::null()).status();
}

/// Runs a program with these lines as its stdin; returns its stdout.
pub(super) fn run(command: &mut Command, lines: &str) -> String {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let errors: String = errors.chars().take(500).collect();
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
