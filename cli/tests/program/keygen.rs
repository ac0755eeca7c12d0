//! Identity files.

use crate::harness::Home;

#[test]
fn keygen_prints_the_peer_id_that_listen_then_has() {
    let home = Home::new();
    let made = home.run(["keygen"]).expect(0);
    assert_eq!(made.text().trim_end().len(), 52);
    let (_listener, target) = home.listen(&["listen"], Vec::new());
    assert!(target.starts_with(made.text().trim_end()), "{target}");
}

#[cfg(unix)]
#[test]
fn an_identity_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    home.run(["keygen", "--out", "key"]).expect(0);
    let mode = std::fs::metadata(home.path("key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);

    std::fs::set_permissions(home.path("key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let args = ["listen", "--bind", "127.0.0.1:0", "--identity", "key"];
    home.run(args).expect(1).says(&["key", "0644", "chmod 600"]);
}

#[test]
fn an_identity_is_replaced_only_on_demand() {
    let home = Home::new();
    let first = home.run(["keygen", "--out", "key"]).expect(0);
    let content = std::fs::read(home.path("key")).unwrap();
    home.run(["keygen", "--out", "key"]).expect(1).says(&["key exists", "--force"]);
    assert_eq!(std::fs::read(home.path("key")).unwrap(), content);
    let second = home.run(["keygen", "--out", "key", "--force"]).expect(0);
    assert_ne!(first.stdout, second.stdout);
}

#[test]
fn a_missing_identity_file_is_named() {
    let args = ["listen", "--bind", "127.0.0.1:0", "--identity", "nowhere"];
    Home::new().run(args).expect(1).says(&["nowhere", "srudp keygen"]);
}

#[test]
fn two_programs_of_one_user_can_talk() {
    let home = Home::new();
    home.run(["keygen"]).expect(0);
    let (listener, target) = home.listen(&["listen", "--once"], Vec::new());
    home.run(["connect", &target]).expect(0);
    listener.end().expect(0);
}

#[test]
fn a_dialler_shows_the_identity_of_its_user() {
    let (here, there) = (Home::new(), Home::new());
    let id = here.run(["keygen"]).expect(0);
    let (listener, target) =
        there.listen(&["listen", "--once", "--allow", id.text().trim_end()], Vec::new());
    here.run(["connect", &target]).expect(0);
    listener.end().expect(0);
}
