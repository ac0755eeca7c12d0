//! Each message names the thing and the way out, and each kind has its exit code.

use crate::harness::Home;

#[test]
fn a_refused_key_is_told_so() {
    let home = Home::new();
    let other = home.run(["keygen", "--out", "other"]).expect(0);
    let allowed = other.text().trim_end();
    let (_listener, target) = home.listen(&["listen", "--allow", allowed], Vec::new());
    home.run(["connect", &target]).expect(4).says(&["refused", "allow"]);
    home.run(["connect", "--identity", "other", &target]).expect(0);
}

#[test]
fn a_wrong_peer_id_reaches_nobody() {
    let home = Home::new();
    let (_listener, target) = home.listen(&["listen"], Vec::new());
    let (_, address) = target.split_once('@').unwrap();
    let other = home.run(["keygen", "--out", "other"]).expect(0);
    let wrong = format!("{}@{address}", other.text().trim_end());
    home.run(["connect", "--idle-timeout", "1", &wrong])
        .expect(3)
        .says(&[&wrong, "check its address, its peer id"]);
}

#[test]
fn a_bad_address_is_a_wrong_command_line() {
    let home = Home::new();
    let id = home.run(["keygen", "--out", "key"]).expect(0);
    let id = id.text().trim_end();
    home.run(["connect", &format!("{id}@127.0.0.1")]).expect(2).says(&["has no port"]);
    home.run(["connect", "127.0.0.1:9"]).expect(2).says(&["PEER_ID@HOST:PORT"]);
    home.run(["connect", "abc@127.0.0.1:9"]).expect(2).says(&["abc", "52 characters"]);
    home.run(["listen", "--bind", "localhost"]).expect(2).says(&["localhost"]);
}

#[test]
fn a_busy_port_is_named() {
    let home = Home::new();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    home.run(["listen", "--bind", &address]).expect(1).says(&[&address, "choose"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named() {
    let home = Home::new();
    let (listener, target) = home.listen(&["listen", "--once"], b"too much".to_vec());
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let child = home.command(["connect", &target]).stdout(full).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("make room"));
    listener.end().expect(5);
}

#[test]
fn programs_that_speak_different_things_do_not_connect() {
    let home = Home::new();
    let (_server, target) = home.listen(&["perf", "server"], Vec::new());
    home.run(["connect", &target]).expect(4).says(&["application protocol"]);
}

#[test]
fn help_documents_the_exit_codes() {
    let help = Home::new().run(["--help"]).expect(0);
    assert!(help.text().contains("Exit codes:"));
    for command in ["keygen", "listen", "connect"] {
        let help = Home::new().run([command, "--help"]).expect(0);
        assert!(help.text().contains("Example:"), "{command}");
    }
}
