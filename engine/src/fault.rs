//! What can go wrong, as one enumeration. Texts of `Invalid` are those of `node.spec`, word for word.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why a piece of work gave no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A transaction may not stand where it stands: its index, what is wrong, and why.
    Invalid(usize, Refusal),
    /// The caller no longer wants the result.
    Abandoned(String),
    /// A read failed; the reader keeps the error itself.
    Read,
    /// Ours: data that contradicts itself, or the EVM failing on a valid transaction.
    Engine(String),
}

/// A verdict on a transaction or on bytes: what is wrong, and why (may be empty).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub what: String,
    pub why: String,
}

impl Refusal {
    /// Return a verdict that needs no explanation.
    pub fn of(what: impl Into<String>) -> Self {
        Self { what: what.into(), why: String::new() }
    }

    /// Return a verdict with its explanation.
    pub fn because(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(index, refusal) => write!(out, "transaction {index}: {}", refusal.what),
            Self::Abandoned(text) | Self::Engine(text) => out.write_str(text),
            Self::Read => out.write_str("a read failed"),
        }
    }
}

impl std::error::Error for Fault {}

impl revm::database_interface::DBErrorMarker for Fault {}

/// Do a task; a panic in it becomes a fault, so that no caller's stack is unwound.
pub fn guarded<T>(task: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(task)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Err(Fault::Engine(format!("panic: {text}")))
    })
}

#[cfg(test)]
mod tests {
    //! A panic is told as a fault, and what is no panic passes unchanged.
    use super::*;

    #[test]
    fn a_panic_is_a_fault() {
        let number = std::hint::black_box(7);
        let done: Result<(), Fault> = guarded(|| panic!("lost {number}"));
        assert_eq!(done, Err(Fault::Engine("panic: lost 7".into())));
        let done: Result<(), Fault> = guarded(|| panic!("plain"));
        assert_eq!(done, Err(Fault::Engine("panic: plain".into())));
        assert_eq!(guarded(|| Ok(1)), Ok(1));
        assert_eq!(guarded::<()>(|| Err(Fault::Read)), Err(Fault::Read));
    }
}
