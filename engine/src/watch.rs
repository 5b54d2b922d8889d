//! Whether work is still wanted: asked between transactions, and within them at jumps and calls.
//!
//! Asking the caller may mean waiting for the GIL, so it is asked at most every 20 ms.

use std::time::{Duration, Instant};

const ASK_EVERY: Duration = Duration::from_millis(20);

/// Jumps and calls between two looks at the clock: about 20 us of them.
const LOOK_EVERY: u32 = 1_024;

/// Returns seconds on a monotonic clock.
pub type Clock<'a> = &'a (dyn Fn() -> f64 + Sync);

/// Answers whether to give up.
pub type Cancel<'a> = &'a (dyn Fn() -> bool + Sync);

/// A caller's patience.
pub struct Watch<'a> {
    cancel: Cancel<'a>,
    clock: Clock<'a>,
    asked: Instant,
    passed: u32,
    /// When the transaction under way has taken too long.
    pub deadline: Option<f64>,
}

impl<'a> Watch<'a> {
    /// Return a watch that has asked just now.
    pub fn new(cancel: Cancel<'a>, clock: Clock<'a>) -> Self {
        Self { cancel, clock, asked: Instant::now(), passed: 0, deadline: None }
    }

    /// Return the time in seconds.
    pub fn now(&self) -> f64 {
        (self.clock)()
    }

    /// Whether to give up, the deadline aside.
    pub fn is_cancelled(&mut self) -> bool {
        if self.asked.elapsed() < ASK_EVERY {
            return false;
        }
        self.asked = Instant::now();
        (self.cancel)()
    }

    /// Count a jump or a call; whether to give up.
    #[inline]
    pub fn tick(&mut self) -> bool {
        self.passed = self.passed.wrapping_add(1);
        self.passed.is_multiple_of(LOOK_EVERY) && self.look()
    }

    #[cold]
    fn look(&mut self) -> bool {
        self.is_cancelled() || self.deadline.is_some_and(|end| (self.clock)() > end)
    }
}
