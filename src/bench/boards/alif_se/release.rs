//! Which release of the vendor's tools the bench plays, and what differs between them.

/// A release; later ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Release {
    V1_103,
    V1_104,
    V1_110,
}

impl Release {
    /// The version of the Secure Enclave's software in the release's system packages.
    pub(crate) fn package(self) -> SesVersion {
        match self {
            Release::V1_103 => SesVersion { major: 1, minor: 103, patch: 1 },
            Release::V1_104 => SesVersion { major: 1, minor: 104, patch: 0 },
            Release::V1_110 => SesVersion { major: 1, minor: 110, patch: 0 },
        }
    }

    /// What a board that was last updated with an older release runs.
    pub(crate) fn older_package(self) -> SesVersion {
        match self {
            Release::V1_103 => SesVersion { major: 1, minor: 102, patch: 0 },
            Release::V1_104 | Release::V1_110 => SesVersion { major: 1, minor: 103, patch: 1 },
        }
    }

    /// Later releases ask the chip for its part and its state before they do anything.
    pub(crate) fn probes(self) -> bool {
        self >= Release::V1_104
    }
}

/// Of the Secure Enclave's software.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(crate) struct SesVersion {
    pub(crate) major: u8,
    pub(crate) minor: u8,
    pub(crate) patch: u8,
}

impl SesVersion {
    /// The word in a system package's header, at [`SesVersion::WORD_OFFSET`].
    pub(crate) fn word(self) -> u32 {
        u32::from_be_bytes([self.major, self.minor, self.patch, 0])
    }

    pub(crate) fn from_word(word: u32) -> Self {
        let [major, minor, patch, _] = word.to_be_bytes();
        SesVersion { major, minor, patch }
    }

    pub(crate) const WORD_OFFSET: u64 = 0x40;

    /// As the chip tells it. The day of 1.104.0 is made up.
    pub(crate) fn banner(self) -> String {
        let SesVersion { major, minor, patch } = self;
        let built = match (major, minor) {
            (1, 102) => "Nov  8 2024 17:52:19",
            (1, 103) => "Feb 13 2025 10:11:12",
            (1, 110) => "Feb 23 2026 21:52:06",
            _ => "Jun  5 2025 08:00:00",
        };
        format!("SES B4 v{major}.{minor}.{patch} {built}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_word_is_the_one_of_real_packages() {
        assert_eq!(Release::V1_103.package().word(), 0x0167_0100);
        assert_eq!(Release::V1_104.package().word(), 0x0168_0000);
        assert_eq!(Release::V1_110.package().word(), 0x016e_0000);
        assert_eq!(SesVersion::from_word(0x0167_0100), Release::V1_103.package());
    }
}
