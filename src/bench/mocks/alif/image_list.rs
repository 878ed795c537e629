//! The list of images of `app-write-mram`, with the vendor's treatment of names: three characters are cut before the
//! check, and every `../` before opening.

use super::configuration::no_such_file;
use super::{Call, Step};
use crate::bench::boards::alif_se::Release;
use crate::bench::mocks::Halt;

const DEFAULT_LIST: &str = "bin/application_package.ds";
const PREFIX_CHARACTERS: usize = 3;
/// MRAM is written in words of this size.
const WORD_BYTES: u64 = 16;

/// An image as it is opened and shown.
#[derive(Debug, Clone)]
pub(super) struct ListedImage {
    pub(super) name: String,
    pub(super) address: u64,
    pub(super) bytes: Vec<u8>,
}

pub(super) fn read(call: &mut Call<'_, '_>) -> Step<Vec<ListedImage>> {
    let list = match call.options.images.clone() {
        Some(list) => list,
        None => match std::fs::read_to_string(call.session.path(DEFAULT_LIST)) {
            Ok(text) => text.trim_end().to_owned(),
            Err(_) => return Err(call.traceback(&no_such_file(DEFAULT_LIST))),
        },
    };
    let words: Vec<&str> = list.split(' ').collect();
    if !words.len().is_multiple_of(2) || words.iter().any(|word| word.is_empty()) {
        return Err(stop(call, "Error in parameters: check the help using -h option\n"));
    }
    words.chunks(2).map(|pair| read_one(call, pair[0], pair[1])).collect()
}

fn read_one(call: &mut Call<'_, '_>, word: &str, address_word: &str) -> Step<ListedImage> {
    let checked: String = word.chars().skip(PREFIX_CHARACTERS).collect();
    let name = word.replace("../", "");
    let address = crate::words::parse_integer(address_word).ok().and_then(|value| u32::try_from(value).ok());
    let Some(address) = address.map(u64::from) else {
        return Err(stop(call, &format!("Error in parameter {address_word} - Please check\n")));
    };
    let exists = call.session.path(&checked).is_file();
    let bytes = exists.then(|| std::fs::read(call.session.path(&name)).ok()).flatten();
    let Some(bytes) = bytes else {
        let text = format!(
            "<class 'FileNotFoundError'>\nError: there is a problem with the image {checked}\nPlease check it exists and \
             retry\n"
        );
        return Err(stop(call, &text));
    };
    let bytes = whole_words(call, &name, bytes)?;
    if !call.session.board()?.memory().writable(address, bytes.len() as u64) {
        return Err(stop(call, &format!("[ERROR] illegal address {address:#x}\n")));
    }
    Ok(ListedImage { name, address, bytes })
}

fn whole_words(call: &mut Call<'_, '_>, name: &str, mut bytes: Vec<u8>) -> Step<Vec<u8>> {
    let length = bytes.len() as u64;
    let short = length.next_multiple_of(WORD_BYTES) - length;
    if short == 0 {
        return Ok(bytes);
    }
    if !call.options.pad {
        let text = format!(
            "File size = {length}\n!!!WARNING: the SIZE of {name} is NOT multiple of {WORD_BYTES} bytes as required by \
             MRAM\nPlease correct the image or use the -p option to pad the binary\n"
        );
        return Err(stop(call, &text));
    }
    call.out(&format!("Since the -p option was invoked, the binary will be padded with {short} bytes\n"));
    bytes.resize(bytes.len() + usize::try_from(short).unwrap_or_default(), 0);
    // The real tool changes the person's file too.
    let _shown_by_the_board = std::fs::write(call.session.path(name), &bytes);
    Ok(bytes)
}

/// As the tool repeats the list: names without `../`, addresses as hexadecimal, a blank behind each.
pub(super) fn shown(images: &[ListedImage]) -> String {
    images.iter().map(|image| format!("{} {:#X} ", image.name, image.address)).collect()
}

/// The size of the application area, the latest release with commas.
pub(super) fn available(call: &mut Call<'_, '_>) -> Step<String> {
    let digits = call.session.board()?.memory().applications_bytes().to_string();
    if call.release < Release::V1_110 {
        return Ok(digits);
    }
    let from_the_end: Vec<String> =
        digits.as_bytes().rchunks(3).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    Ok(from_the_end.into_iter().rev().collect::<Vec<_>>().join(","))
}

fn stop(call: &mut Call<'_, '_>, text: &str) -> Halt {
    call.out(text);
    Halt::Exit(1)
}
