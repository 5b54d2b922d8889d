//! What execution reads: a caller's state behind a bounded cache of the head's.
//!
//! `Source` is that state. `HeadCache` keeps what was read of one root and follows the ledger to the
//! next; work on any other root passes it by. `Reads` is one block's view, and remembers what stood
//! there before the block, which is what its diff is made against. No lock is held while a `Source`
//! is asked.

use std::sync::Mutex;

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, map::HashMap};
use revm::Database;
use revm::state::{AccountInfo, Bytecode};

use crate::bounded::Bounded;
use crate::diff::Diff;
use crate::fault::Fault;
use crate::state_trie::Account;

/// The state after the parent block.
pub trait Source: Sync {
    /// Return the account, None where there is none.
    fn account(&self, address: Address) -> Result<Option<Account>, Fault>;
    /// Return the slot's value, 0 where it was never set.
    fn storage(&self, address: Address, slot: U256) -> Result<U256, Fault>;
    /// Return the code with this hash.
    fn code(&self, code_hash: B256) -> Result<Bytes, Fault>;
    /// Return the hash of an earlier block.
    fn block_hash(&self, number: u64) -> Result<B256, Fault>;
}

type Basics = Option<(u64, U256, B256)>;
type Slot = (Address, U256);

#[derive(Debug)]
struct Held {
    root: B256,
    accounts: Bounded<Address, Basics>,
    slots: Bounded<Slot, U256>,
}

/// Flat state under one root, and codes.
#[derive(Debug)]
pub struct HeadCache {
    held: Mutex<Held>,
    codes: Mutex<Bounded<B256, Bytecode>>,
}

impl HeadCache {
    /// Return a cache of about `entries_max` accounts and as many slots, and 32 MiB of codes.
    pub fn new(entries_max: usize) -> Self {
        let (accounts, slots) = (Bounded::new(entries_max / 2), Bounded::new(entries_max / 2));
        Self {
            held: Mutex::new(Held { root: B256::ZERO, accounts, slots }),
            codes: Mutex::new(Bounded::new(16 << 20)),
        }
    }

    fn with<T>(&self, root: Option<B256>, work: impl FnOnce(&mut Held) -> T) -> Option<T> {
        let mut held = self.held.lock().ok()?;
        (Some(held.root) == root).then(|| work(&mut held))
    }

    /// Follow the ledger from `parent` to `root`, which `diff` made of it.
    pub fn follow(&self, parent: B256, root: B256, diff: &Diff) {
        let Ok(mut held) = self.held.lock() else { return };
        if held.root == root {
            return;
        }
        if held.root != parent {
            held.accounts.clear();
            held.slots.clear();
        }
        held.root = root;
        let cleared = |change: &Option<crate::diff::Change>| {
            change.as_ref().is_none_or(|change| change.storage_cleared)
        };
        if diff.accounts.iter().any(|(_, change)| cleared(change)) {
            held.slots.clear();
        }
        for (address, change) in &diff.accounts {
            let basics = change.as_ref().map(|new| (new.nonce, new.balance, new.code_hash));
            held.accounts.put(*address, basics, 1);
            for (slot, value) in change.iter().flat_map(|new| &new.slots) {
                held.slots.put((*address, *slot), *value, 1);
            }
        }
    }

    fn code(&self, code_hash: B256) -> Option<Bytecode> {
        self.codes.lock().ok()?.get(&code_hash, Bytecode::len)
    }

    fn keep_code(&self, code_hash: B256, code: &Bytecode) {
        if let Ok(mut codes) = self.codes.lock() {
            codes.put(code_hash, code.clone(), code.len() + 64);
        }
    }
}

/// Replacements for one account in a call; None leaves what is there.
#[derive(Debug, Default, Clone)]
pub struct Override {
    pub nonce: Option<u64>,
    pub balance: Option<U256>,
    pub code: Option<(B256, Bytecode)>,
    /// All of the account's storage.
    pub state: Option<HashMap<U256, U256>>,
    /// Some of its slots.
    pub state_diff: HashMap<U256, U256>,
}

impl Override {
    fn account(&self, held: Basics) -> Basics {
        let (nonce, balance, code_hash) = held.unwrap_or((0, U256::ZERO, KECCAK256_EMPTY));
        let code_hash = self.code.as_ref().map_or(code_hash, |(code_hash, _)| *code_hash);
        Some((self.nonce.unwrap_or(nonce), self.balance.unwrap_or(balance), code_hash))
    }

    fn slot(&self, slot: &U256) -> Option<U256> {
        let whole = || Some(self.state.as_ref()?.get(slot).copied().unwrap_or_default());
        self.state_diff.get(slot).copied().or_else(whole)
    }
}

/// One block's reads.
pub struct Reads<'a> {
    source: &'a dyn Source,
    cache: &'a HeadCache,
    root: Option<B256>,
    accounts: HashMap<Address, Basics>,
    slots: HashMap<Slot, U256>,
    /// Slots as the system wrote them before the first transaction.
    pub system: HashMap<Slot, U256>,
    /// What a call puts in the place of the state.
    pub overrides: HashMap<Address, Override>,
}

impl<'a> Reads<'a> {
    /// Return a view of `source`, which is the state under `root` where that is known.
    pub fn new(source: &'a dyn Source, cache: &'a HeadCache, root: Option<B256>) -> Self {
        let (accounts, slots) = (HashMap::default(), HashMap::default());
        let (system, overrides) = (HashMap::default(), HashMap::default());
        Self { source, cache, root, accounts, slots, system, overrides }
    }

    /// Return the account as it stood before the block.
    pub fn account_before(&mut self, address: Address) -> Result<Basics, Fault> {
        if let Some(held) = self.accounts.get(&address) {
            return Ok(*held);
        }
        let cached = self.cache.with(self.root, |held| held.accounts.get(&address, |_| 1));
        let found = match cached.flatten() {
            Some(found) => found,
            None => {
                let read = self.source.account(address)?;
                let found = read.map(|account| (account.nonce, account.balance, account.code_hash));
                self.cache.with(self.root, |held| held.accounts.put(address, found, 1));
                found
            }
        };
        let found = match self.overrides.get(&address) {
            Some(change) => change.account(found),
            None => found,
        };
        self.accounts.insert(address, found);
        Ok(found)
    }

    /// Return the slot as it stood before the block.
    pub fn slot_before(&mut self, key: Slot) -> Result<U256, Fault> {
        if let Some(held) = self.slots.get(&key) {
            return Ok(*held);
        }
        if let Some(value) = self.overrides.get(&key.0).and_then(|change| change.slot(&key.1)) {
            return Ok(value);
        }
        let cached = self.cache.with(self.root, |held| held.slots.get(&key, |_| 1));
        let found = match cached.flatten() {
            Some(found) => found,
            None => {
                let found = self.source.storage(key.0, key.1)?;
                self.cache.with(self.root, |held| held.slots.put(key, found, 1));
                found
            }
        };
        self.slots.insert(key, found);
        Ok(found)
    }

    /// Return the slot as it stood before the block, 0 where nobody asked for it: the slots of an
    /// account made in the block are 0 without being read.
    pub fn slot_if_read(&self, key: Slot) -> U256 {
        self.slots.get(&key).copied().unwrap_or_default()
    }

    /// Return the code with this hash.
    pub fn code(&self, code_hash: B256) -> Result<Bytecode, Fault> {
        if code_hash == KECCAK256_EMPTY {
            return Ok(Bytecode::default());
        }
        let mut replaced = self.overrides.values().filter_map(|change| change.code.as_ref());
        if let Some((_, code)) = replaced.find(|(held, _)| *held == code_hash) {
            return Ok(code.clone());
        }
        if let Some(code) = self.cache.code(code_hash) {
            return Ok(code);
        }
        let code = Bytecode::new_raw_checked(self.source.code(code_hash)?)
            .map_err(|error| Fault::Engine(format!("code {code_hash}: {error}")))?;
        self.cache.keep_code(code_hash, &code);
        Ok(code)
    }
}

impl Database for Reads<'_> {
    type Error = Fault;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Fault> {
        let found = self.account_before(address)?;
        Ok(found.map(|(nonce, balance, code_hash)| AccountInfo {
            nonce,
            balance,
            code_hash,
            account_id: None,
            code: None,
        }))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, Fault> {
        self.code(code_hash)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Fault> {
        match self.system.get(&(address, slot)) {
            Some(written) => Ok(*written),
            None => self.slot_before((address, slot)),
        }
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Fault> {
        self.source.block_hash(number)
    }
}
