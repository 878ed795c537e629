//! dfu-util: the real one on a simulated USB bus, and the mock on the bench.

mod on_both;
mod scenarios;
