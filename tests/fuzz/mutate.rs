//! Makes an input out of others: cut, doubled, joined, with strange numbers and characters in it.

use crate::random::Random;

/// More than any document but a scene may hold.
const LENGTH_MAX: usize = 1_200_000;
/// Most inputs stay this small, or few of them would be tried.
const LENGTH_USUAL: usize = 48 * 1024;

/// What breaks readers: ends of number ranges, signs of YAML, TOML and our own, characters that steer or are not seen.
#[rustfmt::skip]
const STRANGE: &[&str] = &[
    "0", "-1", "1", "255", "256", "65536", "2147483647", "2147483648", "4294967295", "4294967296",
    "9223372036854775807", "-9223372036854775808", "9223372036854775808", "18446744073709551615",
    "18446744073709551616", "0x0", "0xFFFFFFFF", "0x100000000", "0x7FFFFFFFFFFFFFFF", "0xFFFFFFFFFFFFFFFF", "1e999",
    "-0.0", ".inf", ".nan", "1_000", "0o17", "0b1", "null", "~", "true", "yes", "''", "\"\"", "[]", "{}", "[[]]",
    "{a: {}}", "&a", "*a", "&a [*a]", "<<: *a", "!!str", "!!binary", "!x", "---\n", "...\n", "%YAML 1.2\n", "? ",
    "- ", ": ", "|", ">", "|+\n", ">-9\n", "#", "\\", "${", "}", "${}", "${a", "$", "size(a)", "align(", "not ",
    " and ", " or ", " == ", " + 1", " - 1", " * 2", " / 0", " % 0", "((", "))", "hex(", "'", "''''", "\"", "\"\"\"",
    "'''", "[[", "]]", "[a]\n", "a.b.c = 1\n", "= ", "1979-05-27T07:32:00Z", "(", ")", "(?P<a>", "(?:", "[^",
    "{1000}", "*", "+", "?", "^", "$1", "\\b", "(a*)*", "\\p{L}", "..", "../", "/", "/etc/passwd", "C:\\", "\0", "\r",
    "\r\n", "\t", "\u{1b}[2J", "\u{1b}]0;", "\u{7}", "\u{85}", "\u{9b}", "\u{202e}", "\u{200b}", "\u{feff}",
    "\u{2028}", "\u{fffd}", "e\u{301}", "\u{1f600}", "ß", "é", "１", "::error::", "##[error]",
    "@Internal Flash  /0x08000000/16*128Kg", ",01*1Bg", "*999999999", "1h", "99999999h", "0s", "1ns",
    "1000000000000d", "0483:df11", "ffff:ffff",
];

pub(crate) struct Pool {
    seeds: Vec<Vec<u8>>,
    /// Words of all seeds: keys put where another key stands.
    words: Vec<Vec<u8>>,
}

impl Pool {
    pub(crate) fn new(seeds: Vec<Vec<u8>>) -> Pool {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let mut words: Vec<Vec<u8>> = seeds
            .iter()
            .flat_map(|seed| seed.split(|byte| !is_word(byte)))
            .filter(|word| (2..=32).contains(&word.len()))
            .map(<[u8]>::to_vec)
            .collect();
        words.sort();
        words.dedup();
        Pool { seeds, words }
    }

    pub(crate) fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    /// The same for the same number.
    pub(crate) fn input(&self, number: u64) -> Vec<u8> {
        let mut random = Random::new(number);
        let mut input = random.one_of(&self.seeds).clone();
        if random.once_in(3) {
            input = piece(&input, &mut random);
        }
        for _ in 0..=random.below(8) {
            self.change(&mut input, &mut random);
        }
        input.truncate(LENGTH_MAX);
        input
    }

    fn change(&self, input: &mut Vec<u8>, random: &mut Random) {
        let at = random.below(input.len() + 1);
        match random.below(14) {
            0 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
            1 => insert(input, at, &[u8::try_from(random.below(256)).unwrap()]),
            2 => drop(input.drain(range(input, random))),
            3 => {
                let doubled = input[range(input, random)].to_vec();
                insert(input, at, &doubled);
            }
            4 => {
                let other: &Vec<u8> = random.one_of(&self.seeds);
                insert(input, at, &piece(other, random));
            }
            5 | 6 => insert(input, at, random.one_of(STRANGE).as_bytes()),
            7 | 8 => replace_word(input, random, |random| random.one_of(STRANGE).as_bytes().to_vec()),
            9 if !self.words.is_empty() => replace_word(input, random, |random| random.one_of(&self.words).clone()),
            10 => repeat(input, random),
            11 => change_lines(input, random),
            12 => input.truncate(at),
            _ => {
                // A value in the place of another one.
                let other = random.one_of(&self.seeds).clone();
                let line = a_line(&other, random);
                let own = line_range(input, random);
                input.splice(own, other[line].iter().copied());
            }
        }
    }
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let at = at.min(input.len());
    input.splice(at..at, bytes.iter().copied());
}

fn range(input: &[u8], random: &mut Random) -> std::ops::Range<usize> {
    let start = random.below(input.len() + 1);
    let longest = if random.once_in(8) { input.len() } else { 64 };
    start..(start + random.below(longest + 1)).min(input.len())
}

fn piece(seed: &[u8], random: &mut Random) -> Vec<u8> {
    let start = random.below(seed.len() + 1);
    let length = random.below((seed.len() - start).min(2_000) + 1);
    seed[start..start + length].to_vec()
}

fn replace_word(input: &mut Vec<u8>, random: &mut Random, word: impl Fn(&mut Random) -> Vec<u8>) {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | 0x80..);
    let from = random.below(input.len() + 1);
    let Some(start) = input[from..].iter().position(is_word).map(|offset| from + offset) else { return };
    let end = input[start..].iter().position(|byte| !is_word(byte)).map_or(input.len(), |length| start + length);
    input.splice(start..end, word(random));
}

/// Rows, nests and long words: most that grows does so by repetition.
fn repeat(input: &mut Vec<u8>, random: &mut Random) {
    let repeated = input[range(input, random)].to_vec();
    let room = if random.once_in(64) { LENGTH_MAX } else { LENGTH_USUAL };
    let times = (1 << random.below(17)).min(room.saturating_sub(input.len()) / repeated.len().max(1));
    let at = random.below(input.len() + 1);
    insert(input, at, &repeated.repeat(times));
}

fn line_range(input: &[u8], random: &mut Random) -> std::ops::Range<usize> {
    let at = random.below(input.len() + 1);
    let start = input[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let end = input[at..].iter().position(|byte| *byte == b'\n').map_or(input.len(), |length| at + length);
    start..end
}

fn a_line(input: &[u8], random: &mut Random) -> std::ops::Range<usize> {
    line_range(input, random)
}

fn change_lines(input: &mut Vec<u8>, random: &mut Random) {
    let one = line_range(input, random);
    match random.below(4) {
        0 => drop(input.drain(one)),
        1 => insert(input, one.start, &b" ".repeat(random.below(8))),
        2 => {
            let mut doubled = input[one.clone()].to_vec();
            doubled.push(b'\n');
            insert(input, one.start, &doubled);
        }
        _ => {
            let moved: Vec<u8> = input.drain(one).collect();
            let to = line_range(input, random).start;
            insert(input, to, &moved);
        }
    }
}
