//! All that a block writes, in the order of `node.spec.types.BlockDiff`: ascending everywhere.

use alloy_primitives::{Address, B256, Bytes, U256};

/// What a block leaves of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub nonce: u64,
    pub balance: U256,
    pub code_hash: B256,
    /// Slots with their new values, 0 meaning "cleared".
    pub slots: Vec<(U256, U256)>,
    /// All older slots are gone first.
    pub storage_cleared: bool,
}

/// All that a block writes; an account without a change is deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    pub accounts: Vec<(Address, Option<Change>)>,
    pub codes: Vec<(B256, Bytes)>,
}
