//! What a browser, and whoever pretends to be one, gets from the server: over real connections to this computer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::*;
use crate::cli::open::place::Manner;
use crate::engine::{Event, Outcome, Told, without_problem};
use crate::world::{Person, Reply};

struct Opened {
    server: Server,
    watch: Watch,
    address: SocketAddr,
    /// With the key, as it is printed.
    printed: String,
    path: String,
    person: Person,
}

/// An answer of the server.
struct Got {
    status: u16,
    head: String,
    body: String,
}

fn opened_by(door: impl FnOnce(SocketAddr) -> Door) -> Opened {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let door = door(address);
    let (printed, path) = (door.address(), door.path());
    let watch = Watch::default();
    let place = watch.add_place("");
    let (person, channel) = Person::at_page();
    watch.begin(place, &Manner::default(), channel);
    watch.tell(
        place,
        &Told::now(&Event::ConsentAsked {
            step: "fuse".parse().unwrap(),
            why: "It can never be cleared.".to_owned(),
            command: vec!["burn".to_owned()],
            fuse: None,
            phrase: "fuse".to_owned(),
            limit_ms: 1,
        }),
    );
    let server = Server::begin(listener, door, watch.clone()).unwrap();
    Opened { server, watch, address, printed, path, person }
}

fn opened() -> Opened {
    opened_by(|address| Door::by_address(address).unwrap())
}

impl Opened {
    fn connect(&self, method: &str, name: &str, headers: &[(&str, &str)], body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let host = self.address.to_string();
        let path = if name.starts_with('/') { name.to_owned() } else { format!("{}{name}", self.path) };
        let mut text = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        if !headers.iter().any(|(name, _)| *name == "Host") {
            text += &format!("Host: {host}\r\n");
        }
        text.extend(headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
        stream.write_all(format!("{text}\r\n{body}").as_bytes()).unwrap();
        stream
    }

    fn ask(&self, method: &str, name: &str, headers: &[(&str, &str)], body: &str) -> Got {
        let mut text = String::new();
        self.connect(method, name, headers, body).read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Got { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    fn key(&self) -> String {
        format!("?key={}", self.printed.split_once("?key=").unwrap().1)
    }

    /// The cookie that a browser gets with the address.
    fn cookie(&self) -> String {
        let got = self.ask("GET", &self.key(), &[], "");
        cookie_of(&got)
    }

    fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    fn post(&self, cookie: &str, name: &str, body: &str) -> Got {
        self.ask("POST", name, &[("Cookie", cookie), ("Origin", &self.origin())], body)
    }

    fn tab(&self, cookie: &str) -> String {
        let got = self.post(cookie, "tab", r#"{"tab": null}"#);
        let value: serde_json::Value = serde_json::from_str(&got.body).unwrap();
        value["tab"].as_str().unwrap().to_owned()
    }

    /// Reads a stream up to this line.
    fn read_to(&self, stream: TcpStream, wanted: &str) -> BufReader<TcpStream> {
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        while !line.contains(wanted) {
            line.clear();
            assert!(lines.read_line(&mut line).unwrap() > 0, "{wanted} has not come");
        }
        lines
    }
}

fn cookie_of(got: &Got) -> String {
    let line = got.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    line.split(';').next().unwrap().to_owned()
}

#[test]
fn without_the_secret_nobody_gets_anything() {
    let page = opened();
    for (method, name) in [
        ("GET", ""),
        ("GET", "?key="),
        ("GET", "?key=0123456789abcdef0123456789abcdef"),
        ("GET", "page.js"),
        ("GET", "events?tab=a"),
        ("GET", "log?place=0&from=0"),
    ] {
        let got = page.ask(method, name, &[], "");
        assert_eq!(got.status, 403, "{method} {name}");
        assert!(!got.head.contains("set-cookie") && !got.body.contains("cleared"), "{method} {name}: {}", got.body);
    }
    for name in ["tab", "hold", "answer", "stop"] {
        let own = [("Origin", page.origin())];
        let own: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(page.ask("POST", name, &own, "{}").status, 403, "{name}");
    }
    assert_eq!(page.ask("GET", "/", &[], "").status, 404);
    assert_eq!(page.ask("GET", &format!("/{}", page.key()), &[], "").status, 404);
    assert!(!page.watch.wait_for_tab(Duration::ZERO));
}

#[test]
fn the_address_becomes_a_cookie_that_scripts_and_other_pages_do_not_get() {
    let page = opened();
    let got = page.ask("GET", &page.key(), &[], "");
    assert_eq!(got.status, 200);
    let set = got.head.lines().find(|line| line.starts_with("set-cookie: ")).unwrap().to_owned();
    assert!(set.ends_with(&format!("; path={}; httponly; samesite=strict", page.path)), "{set}");
    for header in [
        "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        "x-frame-options: deny",
        "x-content-type-options: nosniff",
        "referrer-policy: same-origin",
        "cache-control: no-store",
    ] {
        assert!(got.head.contains(header), "{header} is missing:\n{}", got.head);
    }
    // Nothing in the page's markup that its policy forbids, and nothing that comes from outside.
    assert!(
        !got.body.contains(" style=") && !got.body.contains(" onclick") && !got.body.contains("://"),
        "{}",
        got.body
    );
    let cookie = cookie_of(&got);
    for (name, kind) in [("", "text/html"), ("page.js", "text/javascript"), ("page.css", "text/css")] {
        let got = page.ask("GET", name, &[("Cookie", &cookie)], "");
        assert!(
            got.status == 200 && got.head.contains(&format!("content-type: {kind}; charset=utf-8")),
            "{}",
            got.head
        );
    }
    assert_eq!(page.ask("GET", "", &[("Cookie", "recover=0123456789abcdef0123456789abcdef")], "").status, 403);
}

#[test]
fn other_hosts_other_pages_and_other_methods_are_refused() {
    let page = opened();
    let cookie = page.cookie();
    let port = page.address.port();
    for host in ["evil.example", &format!("evil.example:{port}"), &format!("localhost:{port}"), "127.0.0.1", ""] {
        let got = page.ask("GET", "", &[("Host", host), ("Cookie", &cookie)], "");
        assert_eq!(got.status, 421, "{host}");
    }
    let tab = r#"{"tab": null}"#;
    for origin in [None, Some("null"), Some("http://evil.example"), Some(&*format!("http://localhost:{port}"))] {
        let mut headers = vec![("Cookie", cookie.as_str())];
        headers.extend(origin.map(|origin| ("Origin", origin)));
        assert_eq!(page.ask("POST", "tab", &headers, tab).status, 403, "{origin:?}");
    }
    assert_eq!(page.ask("GET", "", &[("Cookie", &cookie), ("Origin", "http://evil.example")], "").status, 403);
    for name in ["tab", "hold", "answer", "stop", "enter"] {
        assert_eq!(page.ask("GET", name, &[("Cookie", &cookie)], "").status, 405, "{name}");
    }
    let own = page.origin();
    for (method, name) in [("PUT", "tab"), ("DELETE", ""), ("OPTIONS", "tab"), ("POST", "events"), ("POST", "")] {
        let got = page.ask(method, name, &[("Cookie", &cookie), ("Origin", &own)], tab);
        assert_eq!(got.status, 405, "{method} {name}");
    }
    assert!(!page.watch.wait_for_tab(Duration::ZERO), "nothing of it has opened a tab");
    for body in ["", "{}x", r#"{"tab": 1}"#, r#"{"tab": null, "more": 1}"#] {
        assert_eq!(page.post(&cookie, "tab", body).status, 400, "{body}");
    }
    assert_eq!(page.post(&cookie, "answer", &"x".repeat(BODY_BYTES_MAX + 1)).status, 413);
}

#[test]
fn a_question_is_answered_once_it_was_sent_by_the_tab_that_holds_the_page() {
    let page = opened();
    let cookie = page.cookie();
    let (one, other) = (page.tab(&cookie), page.tab(&cookie));
    assert!(page.watch.wait_for_tab(Duration::ZERO));
    let body = |tab: &str| format!(r#"{{"tab": "{tab}", "place": 0, "question": 1, "text": "fuse"}}"#);
    assert_eq!(page.post(&cookie, "answer", &body(&one)).status, 409, "nobody has seen it");
    let listen = |tab: &str| page.connect("GET", &format!("events?tab={tab}"), &[("Cookie", &cookie)], "");
    let _one = page.read_to(listen(&one), "It can never be cleared.");
    let _other = page.read_to(listen(&other), "It can never be cleared.");
    let refused = page.post(&cookie, "answer", &body(&other));
    assert_eq!((refused.status, refused.body.as_str()), (409, "another tab answers here\n"));
    assert_eq!(page.post(&cookie, "hold", &format!(r#"{{"tab": "{other}"}}"#)).status, 204);
    assert_eq!(page.post(&cookie, "answer", &body(&one)).status, 409);
    assert_eq!(page.post(&cookie, "answer", &body(&other)).status, 204);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(page.person.reply()), Reply::Line("fuse".to_owned()));
    assert_eq!(page.post(&cookie, "answer", &body(&other)).status, 409, "once");
    assert_eq!(page.post(&cookie, "stop", &format!(r#"{{"tab": "{other}", "place": 0, "stops": 0}}"#)).status, 204);
    runtime.block_on(page.person.wishes_to_end());
}

#[test]
fn a_tab_that_goes_away_changes_nothing_and_the_end_reaches_those_that_are_there() {
    let page = opened();
    let cookie = page.cookie();
    let (one, other) = (page.tab(&cookie), page.tab(&cookie));
    let listen = |tab: &str| page.connect("GET", &format!("events?tab={tab}"), &[("Cookie", &cookie)], "");
    let stream = page.read_to(listen(&one), "It can never be cleared.");
    drop(stream);
    let mut there = page.read_to(listen(&other), "It can never be cleared.");
    assert_eq!(page.person.who(), Some("the person at the page"));
    let log = page.ask("GET", "log?place=0&from=0", &[("Cookie", &cookie)], "");
    assert!(log.body.contains("asked for consent by typing fuse"), "{}", log.body);
    let place = crate::cli::open::watch::first_place();
    page.watch.tell(place, &Told::now(&without_problem(Outcome::Recovered)));
    page.server.close();
    let mut rest = String::new();
    there.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("RECOVERED") && rest.contains("event: over"), "{rest}");
    assert!(TcpStream::connect(page.address).is_err());
}

#[test]
fn connections_that_say_nothing_hold_up_nobody_for_good() {
    let page = opened();
    let idle: Vec<TcpStream> = (0..CONNECTIONS_MAX).map(|_| TcpStream::connect(page.address).unwrap()).collect();
    let waiting = page.connect("GET", &page.key(), &[], "");
    drop(idle);
    let mut text = String::new();
    (&waiting).read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
}

#[test]
fn in_a_network_the_token_is_typed() {
    let page = opened_by(|address| Door::by_token(address, "a long token of ours".to_owned()).unwrap());
    assert!(!page.printed.contains("token"), "{}", page.printed);
    let lead = page.ask("GET", "/", &[], "");
    assert!(lead.status == 303 && lead.head.contains("location: /recover-"), "{}", lead.head);
    let form = page.ask("GET", "", &[], "");
    assert!(form.status == 403 && form.body.contains("type=\"password\""), "{}", form.body);
    let own = page.origin();
    let enter = |origin: &str, body: &str| page.ask("POST", "enter", &[("Origin", origin)], body);
    for body in ["token=wrong", "a long token of ours", "token=", ""] {
        let got = enter(&own, body);
        assert!(got.status == 403 && !got.head.contains("set-cookie"), "{body}");
    }
    assert_eq!(enter("http://evil.example", "token=a long token of ours\r\n").status, 403);
    let got = enter(&own, "token=a long token of ours\r\n");
    assert!(got.status == 303 && got.head.contains("location: /recover-"), "{}", got.head);
    assert_eq!(page.ask("GET", "", &[("Cookie", &cookie_of(&got))], "").status, 200);
}
