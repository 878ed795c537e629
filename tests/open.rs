//! `recover open` before anything begins: who may get to the page, and how that is refused. The page itself is tried in a
//! browser by `tests/real_chromium`, and without one beside the code.

#![allow(clippy::unwrap_used, reason = "tests")]

use crate::support::House;

const LISTEN: [&str; 4] = ["open", "rt1062", "--listen", "127.0.0.1"];

#[test]
fn a_page_for_others_needs_a_secret_that_is_one() {
    let house = House::new();
    house.run(&LISTEN).exits(2).says("--token-file <FILE>");
    house.run(&["open", "rt1062", "--token-file", "token"]).exits(2).says("--listen <ADDR>");
    house.run(&["open", "rt1062", "--listen", "bench.example", "--token-file", "token"]).exits(2).says("ADDRESS:PORT");
    let with_token = [LISTEN.as_slice(), &["--token-file", "token", "--simulate"]].concat();
    house.run(&with_token).exits(2).says("the token file token cannot be used").says("umask 077");
    let token = house.write("token", "a long token of ours");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |mode| std::fs::set_permissions(&token, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o644);
        house.run(&with_token).exits(2).says("others may read it");
        mode(0o600);
    }
    std::fs::write(&token, "short").unwrap();
    house.run(&with_token).exits(2).says("can be guessed");
}

#[test]
fn a_page_is_there_to_show_and_to_ask() {
    let house = House::new();
    for option in ["--dry-run", "--non-interactive"] {
        house.run(&["open", "rt1062", option]).exits(2).says(&format!("cannot be used with '{option}'"));
    }
    // What is wrong before a page is needed is told where it was asked for.
    house.run(&["open", "no-such-board"]).exits(2).says("no-such-board");
    house.run(&["open", "rt1062", "--simulate=no-such-fault"]).exits(2).says("no-such-fault");
}
