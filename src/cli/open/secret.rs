//! What nobody can guess: the address that recover prints, the names of tabs. The only file that names `getrandom`.

use std::io;

use crate::words::hex_digits;

const BYTES: usize = 16;

/// 128 bits as hexadecimal digits.
pub(super) fn secret() -> io::Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(hex_digits(&bytes))
}

/// Are they the same? Takes as long wherever they differ.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let differing = one.bytes().zip(other.bytes()).fold(0, |differing, (one, other)| differing | (one ^ other));
    differing == 0 && one.len() == other.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_the_same() {
        let (one, other) = (secret().unwrap(), secret().unwrap());
        assert_eq!(one.len(), 2 * BYTES);
        assert!(is_same(&one, &one) && !is_same(&one, &other) && !is_same(&one, &one[1..]) && !is_same("", &one));
    }
}
