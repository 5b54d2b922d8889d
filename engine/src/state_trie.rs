//! The state's tries: one of accounts, and for each account one of its slots.
//!
//! `StateTrie` owns the bounded node cache and nothing else. Every old root stays readable, and an
//! update that nobody keeps costs nothing.

use std::ops::Range;
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
/// Nodes at paths up to so long, at most 69,905 of a trie or 44 MB, are passed again and again. Each
/// level below is sixteen times as large and as seldom met: kept with those above, in a state of
/// millions of slots, it would only push them out.
const UPPER_DEPTH: usize = 4;

/// Keys of a batch that are opened at once where much of it is missing.
const PART: usize = 128;

type Fetched = HashMap<B256, Bytes>;

/// Computes state roots.
#[derive(Debug)]
pub struct StateTrie {
    upper: Mutex<Bounded<B256, Bytes>>,
    lower: Mutex<Bounded<B256, Bytes>>,
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
        let lower = bytes_max / 8;
        Self {
            upper: Mutex::new(Bounded::new((bytes_max - lower) / 2)),
            lower: Mutex::new(Bounded::new(lower / 2)),
        }
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

    fn level(&self, path: &[u8]) -> &Mutex<Bounded<B256, Bytes>> {
        if path.len() <= UPPER_DEPTH { &self.upper } else { &self.lower }
    }

    fn cached(&self, path: &[u8], hash: B256) -> Option<Bytes> {
        self.level(path).lock().ok()?.get(&hash, weight)
    }

    /// Keep nodes for later readers.
    fn keep<'a>(&self, nodes: impl Iterator<Item = (&'a [u8], B256, &'a Bytes)>) {
        for (path, hash, data) in nodes {
            if let Ok(mut held) = self.level(path).lock() {
                held.put(hash, data.clone(), weight(data));
            }
        }
    }

    /// Forget nodes that others have replaced; who still wants an older root reads them again.
    fn forget(&self, places: &[Reference]) {
        for (path, hash) in places {
            if let Ok(mut held) = self.level(path).lock() {
                held.remove(hash, weight);
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
    /// Load what the batches pass. Where little is missing, all of a level is asked for at once; where
    /// much is, part by part of the keys: below one another in a trie is side by side in the store,
    /// whose tables are then opened once a block and not once a level.
    fn open(&self, batches: &mut [(Option<B256>, &mut Batch)]) -> Result<(), Fault> {
        let mut fetched = Fetched::default();
        loop {
            let mut missing = Vec::new();
            for (owner, batch) in batches.iter_mut() {
                let whole = 0..batch.len();
                let places = self.pass(*owner, batch, whole, &fetched)?;
                if places.len() > PART {
                    self.open_in_parts(*owner, batch)?;
                } else {
                    missing.extend(places);
                }
            }
            if missing.is_empty() {
                return Ok(());
            }
            fetched = self.fetch_sorted(missing)?;
        }
    }

    fn open_in_parts(&self, owner: Option<B256>, batch: &mut Batch) -> Result<(), Fault> {
        for start in (0..batch.len()).step_by(PART) {
            let part = start..batch.len().min(start + PART);
            let mut missing = self.pass(owner, batch, part.clone(), &Fetched::default())?;
            while !missing.is_empty() {
                let fetched = self.fetch_sorted(missing)?;
                missing = self.pass(owner, batch, part.clone(), &fetched)?;
            }
        }
        Ok(())
    }

    /// Go down in a part of a batch; return the places of what is neither fetched nor kept.
    fn pass(
        &self,
        owner: Option<B256>,
        batch: &mut Batch,
        part: Range<usize>,
        fetched: &Fetched,
    ) -> Result<Vec<Place>, Fault> {
        let find = |path: &[u8], hash: B256| {
            Ok(fetched.get(&hash).cloned().or_else(|| self.trie.cached(path, hash)))
        };
        let missing = batch.open(part, &find)?;
        Ok(missing.into_iter().map(|(path, hash)| (owner, path, hash)).collect())
    }

    fn fetch_sorted(&self, mut places: Vec<Place>) -> Result<Fetched, Fault> {
        places.sort_unstable();
        let hashes: Vec<B256> = places.iter().map(|place| place.2).collect();
        Ok(hashes.into_iter().zip(self.fetch(places)?).collect())
    }

    fn fetch(&self, places: Vec<Place>) -> Result<Vec<Bytes>, Fault> {
        let (paths, hashes): (Vec<Vec<u8>>, Vec<B256>) =
            places.iter().map(|(_, path, hash)| (path.clone(), *hash)).unzip();
        let nodes = (self.get_nodes)(places)?;
        if nodes.len() != hashes.len() {
            return Err(Fault::Engine("trie: not as many nodes as were asked for".into()));
        }
        let pairs = hashes.par_iter().zip(&nodes).with_min_len(64);
        if let Some((hash, _)) = pairs.find_any(|(hash, data)| keccak256(data) != **hash) {
            return Err(Fault::Engine(format!("trie: what was given is not node {hash}")));
        }
        let places = paths.iter().zip(hashes).zip(&nodes);
        self.trie.keep(places.map(|((path, hash), data)| (&path[..], hash, data)));
        Ok(nodes)
    }

    fn close(&self, owner: Option<B256>, batch: Batch) -> Result<Updated, Fault> {
        let fetch = |path: &[u8], hash: B256| {
            if let Some(held) = self.trie.cached(path, hash) {
                return Ok(Some(held));
            }
            Ok(self.fetch(vec![(owner, path.to_vec(), hash)])?.pop())
        };
        let updated = batch.close(&fetch)?;
        self.trie.forget(&updated.obsolete);
        let branches = updated.made.iter().filter(|(_, _, data)| data.len() >= BRANCH_LENGTH_MIN);
        self.trie.keep(branches.map(|(path, hash, data)| (&path[..], *hash, data)));
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

    fn diff_of(slots: Vec<(U256, U256)>) -> Diff {
        let change = Change {
            nonce: 1,
            balance: U256::ZERO,
            code_hash: keccak256([]),
            slots,
            storage_cleared: false,
        };
        Diff { accounts: vec![(Address::ZERO, Some(change))], codes: Vec::new() }
    }

    #[test]
    fn what_is_missing_is_asked_for_part_by_part_in_order_and_once() {
        let slots = |from: u64, to: u64| (from..to).map(|at| (U256::from(at), U256::from(7)));
        let none = |_: Vec<Place>| Ok(Vec::new());
        let warm = StateTrie::new(1 << 24);
        let first = warm.update(EMPTY_ROOT_HASH, &diff_of(slots(0, 5_000).collect()), &none);
        let first = first.expect("a first state");
        let held: HashMap<B256, Bytes> =
            first.made.iter().map(|(_, (_, hash, data))| (*hash, data.clone())).collect();
        let second = diff_of(slots(4_000, 7_000).collect());

        let asked = Mutex::new(Vec::<Place>::new());
        let cold = StateTrie::new(0);
        let get_nodes = |places: Vec<Place>| {
            assert!(places.is_sorted() && places.len() <= 2 * PART);
            asked.lock().expect("nobody panics").extend(places.iter().cloned());
            Ok(places.iter().map(|place| held[&place.2].clone()).collect())
        };
        let after = cold.update(first.root, &second, &get_nodes).expect("a second state");
        let get_nodes =
            |places: Vec<Place>| Ok(places.iter().map(|place| held[&place.2].clone()).collect());
        let same = warm.update(first.root, &second, &get_nodes).expect("the same state");
        assert_eq!((after.root, after.obsolete), (same.root, same.obsolete));
        let asked = asked.into_inner().expect("nobody panicked");
        let mut once = asked.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), asked.len());
    }

    #[test]
    fn a_wrong_node_is_a_fault() {
        let diff = diff_of(Vec::new());
        let lying = |places: Vec<Place>| Ok(vec![Bytes::from_static(&[0xC0]); places.len()]);
        let trie = StateTrie::new(1 << 20);
        assert!(trie.update(B256::repeat_byte(1), &diff, &lying).is_err());
        let none = |_: Vec<Place>| Ok(Vec::new());
        assert!(trie.update(B256::repeat_byte(1), &diff, &none).is_err());
        assert!(trie.update(EMPTY_ROOT_HASH, &diff, &none).is_ok());
    }
}
