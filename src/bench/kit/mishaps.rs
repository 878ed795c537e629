//! What a virtual board may begin with, and what goes wrong with it on purpose, by the names that `--simulate=NAME` accepts.
//!
//! Each model declares its own with `mishaps!`; how often they happen and what healing leaves is the same for all. Whether
//! a name is known is asked once, when a bench is set up.

use std::collections::BTreeSet;

/// The name of a starting state or mishap, and what it means.
pub type MishapName = (&'static str, &'static str);

/// How long it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasts {
    /// It happens once.
    Once,
    /// Until the board is healed.
    Always,
    /// What the board and its tools are, which no healing changes.
    ForGood,
}

/// All the mishaps that a model declares.
pub(crate) trait Declared: Copy + Ord + 'static {
    const ALL: &'static [(Self, Lasts, MishapName)];
}

/// Declares the mishaps of one model: each with how long it lasts, its name, and a line about it.
macro_rules! mishaps {
    ($(#[$about_all:meta])* $visibility:vis enum $all:ident {
        $($mishap:ident: $lasts:ident $name:literal $about:literal,)*
    }) => {
        $(#[$about_all])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        $visibility enum $all {
            $(#[serde(rename = $name)] $mishap,)*
        }

        impl $crate::bench::kit::mishaps::Declared for $all {
            const ALL: &'static [(Self, $crate::bench::kit::mishaps::Lasts, $crate::bench::kit::mishaps::MishapName)] =
                &[$(($all::$mishap, $crate::bench::kit::mishaps::Lasts::$lasts, ($name, $about)),)*];
        }
    };
}
pub(crate) use mishaps;

/// Those that were asked for and are not over.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Mishaps<M: Ord> {
    left: BTreeSet<M>,
}

/// The names of those that can happen.
pub(crate) fn mishap_names<M: Declared>(can_happen: impl Fn(M) -> bool) -> Vec<MishapName> {
    M::ALL.iter().filter(|(mishap, ..)| can_happen(*mishap)).map(|(_, _, name)| *name).collect()
}

fn lasts<M: Declared>(mishap: M) -> Option<Lasts> {
    M::ALL.iter().find(|(known, ..)| *known == mishap).map(|(_, lasts, _)| *lasts)
}

impl<M: Declared> Mishaps<M> {
    /// Names of others are nobody's here.
    pub(crate) fn named(names: &[&str]) -> Self {
        let asked_for = M::ALL.iter().filter(|(_, _, (name, _))| names.contains(name));
        Mishaps { left: asked_for.map(|(mishap, ..)| *mishap).collect() }
    }

    /// As if it had been asked for.
    pub(crate) fn add(&mut self, mishap: M) {
        self.left.insert(mishap);
    }

    /// Is it there, without wearing it out?
    pub(crate) fn has(&self, mishap: M) -> bool {
        self.left.contains(&mishap)
    }

    /// Does it happen now? One that happens once is gone afterwards.
    pub(crate) fn happens(&mut self, mishap: M) -> bool {
        let is_there = self.has(mishap);
        if lasts(mishap) == Some(Lasts::Once) {
            self.end(mishap);
        }
        is_there
    }

    pub(crate) fn end(&mut self, mishap: M) {
        self.left.remove(&mishap);
    }

    pub(crate) fn heal(&mut self) {
        self.left.retain(|mishap| lasts(*mishap) == Some(Lasts::ForGood));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    mishaps! {
        /// Of a board that there is not.
        enum Mishap {
            OldTools: ForGood "old-tools" "the tools are old",
            Absent: Always "absent" "the board never appears",
            WriteRefused: Once "write-refused" "the first write is refused",
        }
    }

    #[test]
    fn one_that_happens_once_is_then_gone() {
        let mut mishaps = Mishaps::named(&["write-refused", "absent", "old-tools", "no-such"]);
        assert!(mishaps.happens(Mishap::WriteRefused) && !mishaps.happens(Mishap::WriteRefused));
        assert!(mishaps.happens(Mishap::Absent) && mishaps.has(Mishap::Absent));
        mishaps.heal();
        assert_eq!(mishaps, Mishaps::named(&["old-tools"]));
        assert_eq!(mishap_names(|mishap: Mishap| mishap == Mishap::Absent), [("absent", "the board never appears")]);
    }
}
