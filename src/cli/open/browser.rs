//! Shows an address in the person's browser. The only file that names `opener`.

use std::thread;

use crate::cli::streams::complain;

/// Returns at once: some systems wait until the browser has ended. Where there is none, the person is told.
pub(super) fn show_in_browser(address: String) {
    let show = move || {
        if let Err(error) = opener::open_browser(address) {
            complain(&format!("No browser could be opened ({error}): open the address above."));
        }
    };
    let _not_started = thread::Builder::new().name("browser".to_owned()).spawn(show);
}
