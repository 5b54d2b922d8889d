//! The native execution engine of Dataccord.
//!
//! Pure Rust, a noun a file; `python` alone knows of Python. What a transaction, an account or a
//! trie is, is law in `node.spec`; everything here gives the same bytes faster, and
//! `tests/differential` holds it to that.

mod bounded;
mod call;
mod diff;
mod evm;
mod execute;
mod fault;
mod node;
mod python;
mod reads;
mod receipts;
mod recover;
mod rlp;
mod rules;
mod state_trie;
mod tracing;
mod transaction;
mod trie;
mod watch;
