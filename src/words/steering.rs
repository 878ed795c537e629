//! Characters that steer a terminal, or are not seen where they stand.

/// Control characters, and those that turn the direction of writing or take no room.
///
/// Source: Unicode 16, "Bidirectional Algorithm" (UAX 9) and the general category Cf; the joiners of scripts are among them,
/// because between other letters they hide differences.
pub fn steers(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_every_language_do_not_steer() {
        assert!("Kamera 7 ä ß 相机 камера كاميرا ✓ │ ⠋ █".chars().all(|character| !steers(character)));
    }

    #[test]
    fn what_is_unseen_does() {
        assert!("\u{1b}\n\r\u{7f}\u{85}\u{9b}\u{202e}\u{2066}\u{200b}\u{200d}\u{feff}\u{e0041}".chars().all(steers));
    }
}
