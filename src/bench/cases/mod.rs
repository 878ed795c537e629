//! Runs of playbooks on a bench of their own, and what test files expect of them.

pub(in crate::bench) mod bench_run;
pub(in crate::bench) mod case;
pub(in crate::bench) mod expectation;
