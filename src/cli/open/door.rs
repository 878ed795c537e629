//! Who is let in: by the address that was asked, by where a request comes from, by the secret of this start and by the cookie
//! that stands for it afterwards. Pure but for the secrets.

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use crate::cli::open::secret::{is_same, secret};

const COOKIE: &str = "recover";

/// Of one start of the page.
#[derive(Debug)]
pub(super) struct Door {
    address: SocketAddr,
    /// What the path of everything begins with. A cookie is sent to every port of a computer, so that its path, which nobody can
    /// guess, keeps it from other programs there.
    room: String,
    entry: Entry,
    /// Opens once: it stands in the command line of a browser, which other users of the computer may see.
    ticket: Mutex<Option<String>>,
    cookie: String,
}

/// How somebody comes in who has no cookie yet.
#[derive(Debug)]
enum Entry {
    /// By the address alone, which nobody else knows.
    Address(String),
    /// By typing a token.
    Token(String),
}

impl Door {
    /// Of this computer alone: whoever knows the address comes in.
    pub(super) fn by_address(address: SocketAddr) -> io::Result<Door> {
        Ok(Door {
            address,
            room: secret()?,
            entry: Entry::Address(secret()?),
            ticket: Mutex::new(Some(secret()?)),
            cookie: secret()?,
        })
    }

    /// Of a network: whoever types the token comes in.
    pub(super) fn by_token(address: SocketAddr, token: String) -> io::Result<Door> {
        // Browsers keep cookies by path, and not by port: two pages of one computer must not take each other's.
        let room = format!("recover-{}", address.port());
        Ok(Door { address, room, entry: Entry::Token(token), ticket: Mutex::new(None), cookie: secret()? })
    }

    /// For people: what is printed.
    pub(super) fn address(&self) -> String {
        match &self.entry {
            Entry::Address(key) => self.address_with(key),
            Entry::Token(_) => format!("http://{}{}", self.address, self.path()),
        }
    }

    /// For the browser that recover opens; it works once.
    pub(super) fn address_for_browser(&self) -> Option<String> {
        let ticket = self.ticket.lock().unwrap_or_else(PoisonError::into_inner);
        ticket.as_ref().map(|ticket| self.address_with(ticket))
    }

    fn address_with(&self, key: &str) -> String {
        format!("http://{}{}?key={key}", self.address, self.path())
    }

    /// "/6f…e2/": what every path begins with.
    pub(super) fn path(&self) -> String {
        format!("/{}/", self.room)
    }

    pub(super) fn asks_for_token(&self) -> bool {
        matches!(self.entry, Entry::Token(_))
    }

    /// Does this open, as it stands in an address?
    pub(super) fn opens(&self, key: &str) -> bool {
        let mut ticket = self.ticket.lock().unwrap_or_else(PoisonError::into_inner);
        if ticket.as_ref().is_some_and(|ticket| is_same(ticket, key)) {
            *ticket = None;
            return true;
        }
        matches!(&self.entry, Entry::Address(own) if is_same(own, key))
    }

    /// Is this the token?
    pub(super) fn takes_token(&self, token: &str) -> bool {
        matches!(&self.entry, Entry::Token(own) if is_same(own, token.trim()))
    }

    /// What a browser keeps that came in.
    pub(super) fn cookie(&self) -> String {
        format!("{COOKIE}={}; Path={}; HttpOnly; SameSite=Strict", self.cookie, self.path())
    }

    /// Is it somebody who came in? `cookies` is the whole header.
    pub(super) fn knows(&self, cookies: &str) -> bool {
        let named = cookies.split(';').filter_map(|cookie| cookie.trim().split_once('='));
        named.into_iter().any(|(name, value)| name == COOKIE && is_same(value, &self.cookie))
    }

    /// Was this page asked for, by its own address? A name could be anybody's, who lets it lead here.
    pub(super) fn is_ours(&self, host: &str) -> bool {
        match host.parse::<SocketAddr>() {
            Ok(asked) if self.address.ip().is_unspecified() => asked.port() == self.address.port(),
            Ok(asked) => asked == self.address,
            // The port that needs no number.
            Err(_) => false,
        }
    }

    /// Does a request come from this page itself? `host` is the one that was asked.
    pub(super) fn is_own_origin(origin: &str, host: &str) -> bool {
        origin.strip_prefix("http://") == Some(host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(address: &str) -> &str {
        address.split_once("?key=").unwrap().1
    }

    #[test]
    fn the_address_opens_again_and_again_and_that_of_the_browser_once() {
        let door = Door::by_address("127.0.0.1:4711".parse().unwrap()).unwrap();
        let (printed, browser) = (door.address(), door.address_for_browser().unwrap());
        assert!(door.opens(key_of(&printed)) && door.opens(key_of(&printed)));
        assert!(door.opens(key_of(&browser)) && !door.opens(key_of(&browser)));
        assert!(!door.opens("") && !door.takes_token(key_of(&printed)));
        assert_eq!(door.address_for_browser(), None);
    }

    #[test]
    fn a_token_is_typed_and_no_part_of_an_address() {
        let door = Door::by_token("0.0.0.0:4711".parse().unwrap(), "a long token of ours".to_owned()).unwrap();
        assert_eq!(door.address(), "http://0.0.0.0:4711/recover-4711/");
        assert!(door.takes_token(" a long token of ours\r\n"));
        let beside = Door::by_token("0.0.0.0:4712".parse().unwrap(), "another token of ours".to_owned()).unwrap();
        assert_ne!(door.path(), beside.path(), "one browser may be at both");
        assert!(!door.takes_token("a long token") && !door.opens("a long token of ours"));
    }

    #[test]
    fn only_its_own_cookie_is_known() {
        let door = Door::by_address("127.0.0.1:4711".parse().unwrap()).unwrap();
        let other = Door::by_address("127.0.0.1:4711".parse().unwrap()).unwrap();
        let cookie = door.cookie();
        let pair = cookie.split(';').next().unwrap();
        assert!(cookie.ends_with("/; HttpOnly; SameSite=Strict"), "{cookie}");
        assert!(door.knows(pair) && door.knows(&format!("a=b; {pair}; c=d")) && !other.knows(pair));
        assert!(!door.knows("") && !door.knows("recover=") && !door.knows(&pair.replace("recover=", "other=")));
    }

    #[test]
    fn names_lead_nowhere() {
        let local = Door::by_address("127.0.0.1:4711".parse().unwrap()).unwrap();
        assert!(local.is_ours("127.0.0.1:4711"));
        for host in ["localhost:4711", "evil.example:4711", "127.0.0.1", "127.0.0.1:80", "127.0.0.2:4711", ""] {
            assert!(!local.is_ours(host), "{host}");
        }
        let everywhere = Door::by_token("0.0.0.0:4711".parse().unwrap(), "t".to_owned()).unwrap();
        assert!(everywhere.is_ours("192.168.1.7:4711") && everywhere.is_ours("[fe80::1]:4711"));
        assert!(!everywhere.is_ours("bench.example:4711") && !everywhere.is_ours("192.168.1.7:80"));
        assert!(Door::is_own_origin("http://127.0.0.1:4711", "127.0.0.1:4711"));
        for origin in ["null", "", "https://127.0.0.1:4711", "http://127.0.0.1:4712", "http://evil.example"] {
            assert!(!Door::is_own_origin(origin, "127.0.0.1:4711"), "{origin}");
        }
    }
}
