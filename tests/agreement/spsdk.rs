//! NXP's sdphost and blhost (SPSDK): the real ones on simulated boards, and the mocks on the bench.

mod on_both;
mod scenarios;
