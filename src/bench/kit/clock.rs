//! The bench's own time, as the mock tools see it. Nobody waits: taking time only counts it.

/// Milliseconds since the bench was set up. What a mock tool "takes" is added here, and the bench's world lets that much
/// virtual time pass before the engine hears that the tool has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BenchClock {
    now_ms: u64,
}

impl BenchClock {
    pub fn at(now_ms: u64) -> Self {
        BenchClock { now_ms }
    }

    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    pub fn take(&mut self, span_ms: u64) {
        self.now_ms = self.now_ms.saturating_add(span_ms);
    }
}
