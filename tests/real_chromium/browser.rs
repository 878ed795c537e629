//! Chromium without a window, driven over a pipe by its own DevTools protocol.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::Ended;

const PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// Chromium answers at once, but it may have to wait for the page, below.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);
/// Of a wait in the page, in milliseconds: a whole run takes less.
const PAGE_LIMIT_MS: u64 = 90_000;

/// True when the test can run; else says why it does not, or fails where it has to run.
pub(crate) fn met(test: &str) -> bool {
    if chromium().is_some() {
        return true;
    }
    let missing = "Chromium is not installed; on Debian and Ubuntu: apt install chromium";
    if std::env::var_os("RECOVER_REQUIRE_CHROMIUM").is_some_and(|value| value == "1") {
        panic!("{missing}; RECOVER_REQUIRE_CHROMIUM=1 asks for it");
    }
    // Straight to the stream: what a passing test prints by `eprintln!` is not shown.
    let _ = writeln!(std::io::stderr(), "skipped {test}: {missing}");
    false
}

fn chromium() -> Option<&'static PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
        let programs = PROGRAMS.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
        programs.into_iter().find(|program| program.is_file())
    });
    found.as_ref()
}

pub(crate) struct Browser {
    connection: RefCell<Connection>,
    _process: Ended,
    _profile: tempfile::TempDir,
}

struct Connection {
    input: ChildStdin,
    messages: Receiver<Value>,
    last: u64,
    /// What scripts and the page's policy have complained of, by tab.
    faults: Vec<(String, String)>,
    /// Tabs that have loaded a page.
    loaded: Vec<String>,
}

/// One tab, in a window of its own size.
pub(crate) struct Tab<'b> {
    browser: &'b Browser,
    target: String,
    session: String,
}

impl Browser {
    pub(crate) fn start() -> Browser {
        let profile = tempfile::tempdir().unwrap();
        // Chromium reads from its third open file and writes to its fourth.
        let mut process = Command::new("/bin/sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1"])
            .arg(chromium().unwrap())
            .args(["--headless", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--hide-scrollbars"])
            // Tests may run as root, and in a container without much shared memory.
            .args(["--no-sandbox", "--disable-dev-shm-usage"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .env("HOME", profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            for message in BufReader::new(output).split(0) {
                let Ok(message) = message.map(|message| serde_json::from_slice(&message).unwrap()) else { return };
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let connection = RefCell::new(Connection { input, messages, last: 0, faults: Vec::new(), loaded: Vec::new() });
        Browser { connection, _process: Ended(process), _profile: profile }
    }

    pub(crate) fn tab(&self) -> Tab<'_> {
        let mut connection = self.connection.borrow_mut();
        let made = connection.command(None, "Target.createTarget", &json!({"url": "about:blank"}));
        let target = made["targetId"].as_str().unwrap().to_owned();
        let attach = json!({"targetId": target, "flatten": true});
        let attached = connection.command(None, "Target.attachToTarget", &attach);
        let session = attached["sessionId"].as_str().unwrap().to_owned();
        for method in ["Page.enable", "Runtime.enable", "Log.enable"] {
            connection.command(Some(&session), method, &json!({}));
        }
        // A tab that is not in front gets no frames.
        connection.command(Some(&session), "Emulation.setFocusEmulationEnabled", &json!({"enabled": true}));
        drop(connection);
        let tab = Tab { browser: self, target, session };
        tab.window(1280, 800, "light");
        tab
    }
}

impl Connection {
    fn command(&mut self, session: Option<&str>, method: &str, params: &Value) -> Value {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": params});
        if let Some(session) = session {
            message["sessionId"] = json!(session);
        }
        self.input.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let mut message = self.next();
            if message["id"] == self.last {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].take();
            }
        }
    }

    fn next(&mut self) -> Value {
        let message = self.messages.recv_timeout(ANSWER_LIMIT).unwrap_or_else(|error| panic!("Chromium: {error}"));
        self.note(&message);
        message
    }

    fn note(&mut self, message: &Value) {
        let session = message["sessionId"].as_str().unwrap_or_default().to_owned();
        let text = match message["method"].as_str() {
            Some("Page.loadEventFired") => return self.loaded.push(session),
            Some("Runtime.exceptionThrown") => &message["params"]["exceptionDetails"],
            // Of a request that came too late: recover has ended, as it does.
            Some("Log.entryAdded") if message["params"]["entry"]["source"] != "network" => &message["params"]["entry"],
            _ => return,
        };
        self.faults.push((session, text.to_string()));
    }
}

impl Tab<'_> {
    fn command(&self, method: &str, params: &Value) -> Value {
        self.browser.connection.borrow_mut().command(Some(&self.session), method, params)
    }

    /// Loads a page, up to where its script has begun.
    pub(crate) fn go(&self, address: &str) {
        self.load(address);
        self.until("places.size > 0");
    }

    /// Loads any page.
    pub(crate) fn load(&self, address: &str) {
        self.browser.connection.borrow_mut().loaded.retain(|loaded| *loaded != self.session);
        self.command("Page.navigate", &json!({"url": address}));
        let mut connection = self.browser.connection.borrow_mut();
        while !connection.loaded.contains(&self.session) {
            connection.next();
        }
    }

    pub(crate) fn value(&self, script: &str) -> Value {
        let params = json!({"expression": script, "awaitPromise": true, "returnByValue": true});
        let mut answer = self.command("Runtime.evaluate", &params);
        assert!(answer.get("exceptionDetails").is_none(), "{script}: {answer}");
        answer["result"]["value"].take()
    }

    /// Waits until this holds in the page, which looks itself.
    pub(crate) fn until(&self, condition: &str) {
        let script = format!(
            "new Promise((done) => {{ const began = Date.now(); const look = () => {{ let holds = false; try {{ holds = \
             {condition}; }} catch {{}} if (holds || Date.now() - began > {PAGE_LIMIT_MS}) done(Boolean(holds)); else \
             setTimeout(look, 20); }}; look(); }})"
        );
        if self.value(&script) != true {
            panic!("never: {condition}\n{}", self.value("document.body.innerText"));
        }
    }

    pub(crate) fn click(&self, id: &str) {
        let script = format!(
            "(({{x, y, width, height}}) => [x + width / 2, y + height / 2])((at('{id}').scrollIntoView(), at('{id}').getBoundingClientRect()))"
        );
        let place = self.value(&script);
        for kind in ["mousePressed", "mouseReleased"] {
            let params = json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1});
            self.command("Input.dispatchMouseEvent", &params);
        }
    }

    pub(crate) fn type_text(&self, text: &str) {
        self.command("Input.insertText", &json!({"text": text}));
    }

    pub(crate) fn press_enter(&self) {
        for kind in ["keyDown", "keyUp"] {
            let params =
                json!({"type": kind, "key": "Enter", "code": "Enter", "text": "\r", "windowsVirtualKeyCode": 13});
            self.command("Input.dispatchKeyEvent", &params);
        }
    }

    /// `scheme` is light or dark.
    pub(crate) fn window(&self, width: u64, height: u64, scheme: &str) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < height});
        self.command("Emulation.setDeviceMetricsOverride", &size);
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.command("Emulation.setEmulatedMedia", &features);
    }

    /// Kept where somebody wants to look at it.
    pub(crate) fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("RECOVER_SCREENSHOTS") else { return };
        let answer = self.command("Page.captureScreenshot", &json!({"format": "png"}));
        let path = PathBuf::from(folder).join(format!("{name}.png"));
        std::fs::write(path, from_base64(answer["data"].as_str().unwrap())).unwrap();
    }

    /// What its scripts, or the page's policy, have complained of.
    pub(crate) fn faults(&self) -> Vec<String> {
        let connection = self.browser.connection.borrow();
        let ours = connection.faults.iter().filter(|(session, _)| *session == self.session);
        ours.map(|(_, text)| text.clone()).collect()
    }

    pub(crate) fn close(self) {
        let target = json!({"targetId": self.target});
        self.browser.connection.borrow_mut().command(None, "Target.closeTarget", &target);
    }
}

fn from_base64(text: &str) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let sixes = text.bytes().filter_map(|letter| LETTERS.iter().position(|known| *known == letter));
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for six in sixes {
        held = (held << 6) | u32::try_from(six).unwrap();
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    bytes
}
