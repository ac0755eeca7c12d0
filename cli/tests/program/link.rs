//! `srudp link` as a user runs it: a process between two sockets on the loopback interface.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// Longer than anything here takes, so that a failure is no hang.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a socket stays silent before all that will come has come.
const SILENCE: Duration = Duration::from_millis(500);

/// A running proxy, ended with the test.
pub(crate) struct Link {
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
    pub(crate) listen: SocketAddr,
}

impl Link {
    pub(crate) fn start(to: SocketAddr, options: &str) -> Self {
        let to = to.to_string();
        let mut child = srudp(&["link", "--listen", "127.0.0.1:0", "--to", &to])
            .args(options.split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        let rest = line.strip_prefix("link ").unwrap_or_else(|| panic!("it said {line:?}"));
        let (listen, target) = rest.trim_end().split_once(" -> ").unwrap();
        assert_eq!(target, to);
        Self { child, stderr, listen: listen.parse().unwrap() }
    }

    /// Ends it as Ctrl-C does, and returns what it said about the packets.
    fn interrupt(mut self) -> String {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let (mut said, mut complaints) = (String::new(), String::new());
        self.child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        self.stderr.read_to_string(&mut complaints).unwrap();
        assert!(self.child.wait().unwrap().success(), "{complaints}");
        said
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn srudp(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_srudp"));
    command.args(arguments);
    command
}

fn fails(arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = srudp(arguments).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; 2_000];
    let (length, from) = socket.recv_from(&mut buffer).expect("a datagram arrives");
    (buffer[..length].to_vec(), from)
}

/// What comes until the socket is silent.
fn receive_all(socket: &UdpSocket) -> Vec<Vec<u8>> {
    socket.set_read_timeout(Some(SILENCE)).unwrap();
    let mut buffer = [0; 2_000];
    let mut all = Vec::new();
    while let Ok(length) = socket.recv(&mut buffer) {
        all.push(buffer[..length].to_vec());
    }
    all
}

/// Sends `count` datagrams of 100 zero bytes, slowly enough for a reader to keep up.
fn send_many(from: &UdpSocket, to: SocketAddr, count: usize) {
    for i in 0..count {
        from.send_to(&[0; 100], to).unwrap();
        if i % 20 == 19 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn datagrams_pass_both_ways_and_clients_are_kept_apart() {
    let (far, first, second) = (socket(), socket(), socket());
    let link = Link::start(far.local_addr().unwrap(), "");
    for (client, text) in [(&first, b"first "), (&second, b"second")] {
        client.send_to(text, link.listen).unwrap();
        let (got, source) = receive(&far);
        assert_eq!(got, text);
        far.send_to(&[b"to ", text.as_slice()].concat(), source).unwrap();
    }
    assert_eq!(receive(&first), (b"to first ".to_vec(), link.listen));
    assert_eq!(receive(&second), (b"to second".to_vec(), link.listen));
}

#[test]
fn delay_holds_in_each_direction() {
    let (far, client) = (socket(), socket());
    let link = Link::start(far.local_addr().unwrap(), "--delay 150");
    client.send_to(b"ping", link.listen).unwrap();
    far.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert!(far.recv(&mut [0; 9]).is_err(), "it came too early");
    far.set_read_timeout(Some(PATIENCE)).unwrap();
    let (_, source) = receive(&far);
    far.send_to(b"pong", source).unwrap();
    client.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert!(client.recv(&mut [0; 9]).is_err(), "it came too early");
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(receive(&client).0, b"pong");
}

#[test]
fn loss_and_corruption_have_the_share_asked_for_and_are_reported() {
    let (far, client) = (socket(), socket());
    let link = Link::start(far.local_addr().unwrap(), "--loss 20 --corrupt 10 --seed 7");
    // Read while they come in: they are more than a socket buffers.
    let listen = link.listen;
    let sender = std::thread::spawn(move || send_many(&client, listen, 2_000));
    let got = receive_all(&far);
    sender.join().unwrap();
    let corrupted = got.iter().filter(|payload| payload.iter().any(|byte| *byte != 0)).count();
    assert!((1_500..1_700).contains(&got.len()), "{} arrived", got.len());
    assert!((110..210).contains(&corrupted), "{corrupted} corrupted");

    let said = link.interrupt();
    let expected = format!("up sent 2000, delivered {}", got.len());
    assert!(said.starts_with(&expected), "{said}");
    assert!(said.contains(&format!("corrupted {corrupted}")), "{said}");
}

#[test]
fn a_rebind_changes_the_source_port_and_answers_still_arrive() {
    let (far, client) = (socket(), socket());
    let link = Link::start(far.local_addr().unwrap(), "--rebind-every 0.3");
    client.send_to(b"before", link.listen).unwrap();
    let (_, before) = receive(&far);
    let mut after = before;
    for _ in 0..100 {
        client.send_to(b"again", link.listen).unwrap();
        (_, after) = receive(&far);
        if after != before {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_ne!(after.port(), before.port());
    far.send_to(b"answer", after).unwrap();
    // Should the next rebind have closed that port already, the newest one is answered.
    client.set_read_timeout(Some(SILENCE)).unwrap();
    if client.recv(&mut [0; 9]).is_err() {
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.send_to(b"once more", link.listen).unwrap();
        far.send_to(b"answer", receive(&far).1).unwrap();
        assert_eq!(receive(&client).0, b"answer");
    }
}

#[test]
fn a_link_with_a_duration_stops_by_itself() {
    let far = socket();
    let to = far.local_addr().unwrap().to_string();
    let output = srudp(&["link", "--listen", "127.0.0.1:0", "--to", &to, "--duration", "0.1"])
        .output()
        .unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().contains("clients 0"));
}

#[test]
fn errors_name_the_thing_and_the_way_out() {
    let taken = socket();
    let taken = taken.local_addr().unwrap().to_string();
    let (code, said) = fails(&["link", "--listen", &taken, "--to", "127.0.0.1:9"]);
    assert_eq!(code, Some(1));
    assert!(said.contains(&taken) && said.contains("port 0"), "{said}");

    let (code, said) =
        fails(&["link", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:9", "--loss", "101"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("--loss") && said.contains("0 to 100"), "{said}");

    let (code, said) = fails(&["link", "--listen", "127.0.0.1", "--to", "127.0.0.1:9"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("HOST:PORT"), "{said}");
}
