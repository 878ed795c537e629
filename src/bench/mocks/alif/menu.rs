//! The menus of `maintenance`: numbered lines and a prompt without a newline.

use super::{Call, Step};

/// One menu; `top` ends the tool, others return.
#[derive(Debug, Clone, Copy)]
pub(super) struct Menu {
    pub(super) options: &'static [&'static str],
    pub(super) top: bool,
}

/// What was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    Option(&'static str),
    /// Enter alone.
    Leave,
    /// The input has ended.
    Ended,
}

impl Menu {
    /// Shows the menu until something in it is chosen.
    pub(super) fn choose(self, call: &mut Call<'_, '_>) -> Step<Choice> {
        loop {
            let Some(answer) = call.session.ask(&self.text())? else { return Ok(Choice::Ended) };
            let answer = answer.trim();
            if answer.is_empty() {
                return Ok(Choice::Leave);
            }
            let number = answer.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            if let Some(option) = number.and_then(|index| self.options.get(index)) {
                return Ok(Choice::Option(option));
            }
            let mark = if self.top { "[ERROR] " } else { "" };
            call.out(&format!("{mark}Invalid option - Please try again\n"));
        }
    }

    fn text(self) -> String {
        let mut text = "\nAvailable options:\n\n".to_owned();
        for (index, option) in self.options.iter().enumerate() {
            text.push_str(&format!("{:2} - {option}\n", index + 1));
        }
        let way_out = if self.top { "exit" } else { "return" };
        text + &format!("\nSelect an option (Enter to {way_out}): ")
    }
}

pub(super) const TOP: Menu =
    Menu { options: &["Device Control", "Device Information", "MRAM", "Utilities", "Setting capabilities"], top: true };
/// The oldest release shows the ROM's menu in every state.
pub(super) const TOP_1_103: Menu = Menu {
    options: &["Device Control", "Device Information", "MRAM", "Utilities", "Setting capabilities", "ROM"],
    top: true,
};
pub(super) const TOP_IN_RECOVERY: Menu = Menu { options: &["ROM", "Device Information", "Utilities"], top: true };
pub(super) const TOP_IN_RECOVERY_1_110: Menu =
    Menu { options: &["ROM", "Device Information", "Utilities", "Alt. Boot Octal SPI"], top: true };
pub(super) const CONTROL: Menu =
    Menu { options: &["Hard maintenance mode", "Soft maintenance mode", "Device reset"], top: false };
pub(super) const INFORMATION: Menu = Menu {
    options: &[
        "Get TOC info",
        "Get SES Banner",
        "Get CPU boot info",
        "Device enquiry",
        "Get revision info",
        "Get OTP data",
        "Get MRAM data",
        "Get log data",
        "Get SEROM trace data",
        "Get SERAM trace data",
        "Get power data",
        "Get clock data",
    ],
    top: false,
};
pub(super) const INFORMATION_IN_RECOVERY: Menu =
    Menu { options: &["Device enquiry", "Get revision info", "Get SEROM trace data"], top: false };
pub(super) const MRAM: Menu = Menu {
    options: &[
        "Erase Application Mram",
        "Fast Erase Application Mram",
        "Fast Erase App. Mram (include NTOC)",
        "Get MRAM info",
    ],
    top: false,
};
pub(super) const UTILITIES: Menu =
    Menu { options: &["Terminal mode", "Get SERAM metrics", "Get ECC key", "Get Firewall configuration"], top: false };
pub(super) const UTILITIES_IN_RECOVERY: Menu = Menu { options: &["Terminal mode"], top: false };
pub(super) const SETTING: Menu =
    Menu { options: &["Enable LOGGING", "Disable LOGGING", "Enable PRINTING", "Disable PRINTING"], top: false };
pub(super) const ROM: Menu = Menu { options: &["Recovery", "Recovery (No Reset)"], top: false };
pub(super) const ROM_1_110: Menu = Menu { options: &["MRAM Recovery", "MRAM Recovery (No Reset)"], top: false };
