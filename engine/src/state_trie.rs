//! The state's tries: one of accounts, and for each account one of its slots.
//!
//! `StateTrie` owns the bounded node cache and nothing else. Every old root stays readable, and an
//! update that nobody keeps costs nothing.

use std::sync::Mutex;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256, map::HashMap};
use alloy_trie::EMPTY_ROOT_HASH;
use rayon::prelude::*;

use crate::bounded::Bounded;
use crate::diff::{Change, Diff};
use crate::fault::Fault;
use crate::node::Made;
use crate::rlp::{self, check, whole};
use crate::trie::{Batch, Reference, Updated};

/// A node's place: account (None for the trie of accounts), path and hash.
pub type Place = (Option<B256>, Vec<u8>, B256);

/// Returns the nodes at these places, in order. It may take the GIL: no lock is held meanwhile.
pub type GetNodes<'a> = dyn Fn(Vec<Place>) -> Result<Vec<Bytes>, Fault> + Sync + 'a;

/// What a diff made of the state's tries.
#[derive(Debug)]
pub struct StateUpdate {
    pub root: B256,
    pub made: Vec<(Option<B256>, Made)>,
    pub obsolete: Vec<(Option<B256>, Reference)>,
    /// The new leaf of each account that changed and was not deleted.
    pub leaves: Vec<(Address, Vec<u8>)>,
}

/// The shortest branch, of two hashes. What is shorter is a slot's leaf as a rule, and most leaves are
/// not read again: they enter the cache when they are.
const BRANCH_LENGTH_MIN: usize = 83;
/// What a kept node takes beside its bytes: hash, place in the map, allocation.
const NODE_OVERHEAD: usize = 96;

/// Computes state roots.
#[derive(Debug)]
pub struct StateTrie {
    nodes: Mutex<Bounded<B256, Bytes>>,
}

/// The account's RLP: nonce, balance, storage root, code hash.
pub fn encode_account(nonce: u64, balance: U256, storage_root: B256, code_hash: B256) -> Vec<u8> {
    let mut body = Vec::with_capacity(110);
    rlp::put_int(U256::from(nonce), &mut body);
    rlp::put_int(balance, &mut body);
    rlp::put_bytes(storage_root.as_slice(), &mut body);
    rlp::put_bytes(code_hash.as_slice(), &mut body);
    rlp::list(&body)
}

/// An account as its leaf holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    pub nonce: u64,
    pub balance: U256,
    pub storage_root: B256,
    pub code_hash: B256,
}

/// Return the account that `data` encodes.
pub fn decode_account(data: &[u8]) -> Result<Account, Fault> {
    let read = || {
        check(data)?;
        let items = whole(data).to_list("account", Some(4))?;
        Ok(Account {
            nonce: items[0].to_u64("account nonce")?,
            balance: items[1].to_int("account balance", 256)?,
            storage_root: items[2].to_hash("account storage root")?,
            code_hash: items[3].to_hash("account code hash")?,
        })
    };
    read().map_err(|refusal: crate::fault::Refusal| Fault::Engine(refusal.what))
}

impl StateTrie {
    /// Return a trie whose cache holds about `bytes_max` bytes of nodes.
    pub fn new(bytes_max: usize) -> Self {
        Self { nodes: Mutex::new(Bounded::new(bytes_max / 2)) }
    }

    /// Return the root after `diff`, and every node that changed.
    pub fn update(
        &self,
        root: B256,
        diff: &Diff,
        get_nodes: &GetNodes<'_>,
    ) -> Result<StateUpdate, Fault> {
        let session = Session { trie: self, get_nodes };
        let keys: Vec<B256> =
            diff.accounts.par_iter().map(|(address, _)| keccak256(address)).collect();
        let mut accounts = Batch::new(root, keys.iter().map(|key| (*key, Vec::new())));
        session.open(&mut [(None, &mut accounts)])?;
        let mut storages = storage_batches(diff, &keys, &accounts)?;
        let mut opened: Vec<_> =
            storages.iter_mut().map(|(key, batch)| (Some(*key), batch)).collect();
        session.open(&mut opened)?;
        let done: Vec<(B256, Updated)> = storages
            .into_par_iter()
            .map(|(key, batch)| Ok((key, session.close(Some(key), batch)?)))
            .collect::<Result<_, Fault>>()?;
        let (leaves, by_path) = account_leaves(diff, &keys, &accounts, &done)?;
        accounts.set_values(|path| by_path.get(path).cloned().unwrap_or_default());
        let top = session.close(None, accounts)?;
        Ok(gather(top, done, leaves))
    }

    fn cached(&self, hash: B256) -> Option<Bytes> {
        self.nodes.lock().ok()?.get(&hash, weight)
    }

    /// Keep nodes for later readers.
    fn keep<'a>(&self, nodes: impl Iterator<Item = (B256, &'a Bytes)>) {
        if let Ok(mut held) = self.nodes.lock() {
            for (hash, data) in nodes {
                held.put(hash, data.clone(), weight(data));
            }
        }
    }
}

fn weight(node: &Bytes) -> usize {
    node.len() + NODE_OVERHEAD
}

fn storage_batches(
    diff: &Diff,
    keys: &[B256],
    accounts: &Batch,
) -> Result<Vec<(B256, Batch)>, Fault> {
    let mut batches = Vec::new();
    for ((_, change), key) in diff.accounts.iter().zip(keys) {
        let Some(change) = change else { continue };
        if change.slots.is_empty() {
            continue;
        }
        let before = root_before(change, accounts.value(*key))?;
        let items: Vec<_> = change
            .slots
            .par_iter()
            .with_min_len(64)
            .map(|(slot, value)| (keccak256(slot.to_be_bytes::<32>()), slot_value(*value)))
            .collect();
        batches.push((*key, Batch::new(before, items)));
    }
    Ok(batches)
}

fn slot_value(value: U256) -> Vec<u8> {
    let mut out = Vec::with_capacity(33);
    if !value.is_zero() {
        rlp::put_int(value, &mut out);
    }
    out
}

fn root_before(change: &Change, leaf: Option<&[u8]>) -> Result<B256, Fault> {
    match leaf {
        Some(leaf) if !change.storage_cleared => Ok(decode_account(leaf)?.storage_root),
        _ => Ok(EMPTY_ROOT_HASH),
    }
}

type Leaves = (Vec<(Address, Vec<u8>)>, HashMap<Vec<u8>, Vec<u8>>);

fn account_leaves(
    diff: &Diff,
    keys: &[B256],
    accounts: &Batch,
    done: &[(B256, Updated)],
) -> Result<Leaves, Fault> {
    let roots: HashMap<B256, B256> = done.iter().map(|(key, made)| (*key, made.root)).collect();
    let (mut leaves, mut by_path) = (Vec::new(), HashMap::default());
    for ((address, change), key) in diff.accounts.iter().zip(keys) {
        let Some(change) = change else { continue };
        let storage_root = match roots.get(key) {
            Some(root) => *root,
            None => root_before(change, accounts.value(*key))?,
        };
        let leaf = encode_account(change.nonce, change.balance, storage_root, change.code_hash);
        by_path.insert(crate::node::nibbles(key.as_slice()), leaf.clone());
        leaves.push((*address, leaf));
    }
    Ok((leaves, by_path))
}

fn gather(
    top: Updated,
    done: Vec<(B256, Updated)>,
    leaves: Vec<(Address, Vec<u8>)>,
) -> StateUpdate {
    let (mut made, mut obsolete) = (Vec::new(), Vec::new());
    let tries = done.into_iter().map(|(key, updated)| (Some(key), updated));
    let root = top.root;
    for (owner, updated) in tries.chain([(None, top)]) {
        made.extend(updated.made.into_iter().map(|node| (owner, node)));
        obsolete.extend(updated.obsolete.into_iter().map(|place| (owner, place)));
    }
    obsolete.sort_unstable();
    StateUpdate { root, made, obsolete, leaves }
}

/// One update: the cache, and the caller's store behind it.
struct Session<'a> {
    trie: &'a StateTrie,
    get_nodes: &'a GetNodes<'a>,
}

impl Session<'_> {
    /// Load what the batches pass: all that is missing at one level by one call.
    fn open(&self, batches: &mut [(Option<B256>, &mut Batch)]) -> Result<(), Fault> {
        let mut fetched: HashMap<B256, Bytes> = HashMap::default();
        loop {
            let find = |_: &[u8], hash: B256| {
                Ok(fetched.get(&hash).cloned().or_else(|| self.trie.cached(hash)))
            };
            let mut missing: Vec<Place> = Vec::new();
            for (owner, batch) in batches.iter_mut() {
                let places = batch.open(&find)?;
                missing.extend(places.into_iter().map(|(path, hash)| (*owner, path, hash)));
            }
            if missing.is_empty() {
                return Ok(());
            }
            missing.sort_unstable();
            let hashes: Vec<B256> = missing.iter().map(|place| place.2).collect();
            let nodes = self.fetch(missing)?;
            fetched = hashes.into_iter().zip(nodes).collect();
        }
    }

    fn fetch(&self, places: Vec<Place>) -> Result<Vec<Bytes>, Fault> {
        let hashes: Vec<B256> = places.iter().map(|place| place.2).collect();
        let nodes = (self.get_nodes)(places)?;
        if nodes.len() != hashes.len() {
            return Err(Fault::Engine("trie: not as many nodes as were asked for".into()));
        }
        let pairs = hashes.par_iter().zip(&nodes).with_min_len(64);
        if let Some((hash, _)) = pairs.find_any(|(hash, data)| keccak256(data) != **hash) {
            return Err(Fault::Engine(format!("trie: what was given is not node {hash}")));
        }
        self.trie.keep(hashes.into_iter().zip(&nodes));
        Ok(nodes)
    }

    fn close(&self, owner: Option<B256>, batch: Batch) -> Result<Updated, Fault> {
        let fetch = |path: &[u8], hash: B256| {
            if let Some(held) = self.trie.cached(hash) {
                return Ok(Some(held));
            }
            Ok(self.fetch(vec![(owner, path.to_vec(), hash)])?.pop())
        };
        let updated = batch.close(&fetch)?;
        let branches = updated.made.iter().filter(|(_, _, data)| data.len() >= BRANCH_LENGTH_MIN);
        self.trie.keep(branches.map(|(_, hash, data)| (*hash, data)));
        Ok(updated)
    }
}

#[cfg(test)]
mod tests {
    //! Accounts read as they were written; a store that lies about a node is found out.
    use super::*;
    use crate::rlp::Item;

    #[test]
    fn an_account_survives_its_encoding() {
        let account = Account {
            nonce: 7,
            balance: U256::from(10).pow(U256::from(20)),
            storage_root: EMPTY_ROOT_HASH,
            code_hash: keccak256([]),
        };
        let data = encode_account(7, account.balance, account.storage_root, account.code_hash);
        assert_eq!(decode_account(&data), Ok(account));
        assert!(decode_account(&data[1..]).is_err());
        assert_eq!(whole(&data).to_list("account", None).map(|items| items.len()), Ok(4));
        assert!(matches!(whole(&data), Item::List(_)));
    }

    #[test]
    fn a_wrong_node_is_a_fault() {
        let change = Change {
            nonce: 1,
            balance: U256::ZERO,
            code_hash: keccak256([]),
            slots: Vec::new(),
            storage_cleared: false,
        };
        let diff = Diff { accounts: vec![(Address::ZERO, Some(change))], codes: Vec::new() };
        let lying = |places: Vec<Place>| Ok(vec![Bytes::from_static(&[0xC0]); places.len()]);
        let trie = StateTrie::new(1 << 20);
        assert!(trie.update(B256::repeat_byte(1), &diff, &lying).is_err());
        let none = |_: Vec<Place>| Ok(Vec::new());
        assert!(trie.update(B256::repeat_byte(1), &diff, &none).is_err());
        assert!(trie.update(EMPTY_ROOT_HASH, &diff, &none).is_ok());
    }
}
