//! A process that ends with the test, however that ends.

use std::process::Child;

#[derive(Debug)]
pub struct Ended(pub Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _seen = self.0.wait();
    }
}
