//! Random batches give the roots of alloy-trie, from nodes that earlier batches made.
use std::collections::{BTreeMap, HashMap};

use super::*;

struct Chance(u64);

impl Chance {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % below
    }
}

fn oracle(held: &BTreeMap<B256, Vec<u8>>) -> B256 {
    let mut builder = alloy_trie::HashBuilder::default();
    for (key, value) in held {
        builder.add_leaf(alloy_trie::Nibbles::unpack(key), value);
    }
    builder.root()
}

fn update(root: B256, items: Vec<(B256, Vec<u8>)>, store: &mut HashMap<B256, Vec<u8>>) -> Updated {
    let mut batch = Batch::new(root, items);
    let updated = {
        let fetch = |_: &[u8], hash: B256| Ok(store.get(&hash).cloned().map(Bytes::from));
        let (half, all) = (batch.len() / 2, batch.len());
        for part in [half..all, 0..half, 0..all] {
            assert!(batch.open(part, &fetch).expect("opens").is_empty());
        }
        batch.close(&fetch).expect("closes")
    };
    for (_, hash, data) in &updated.made {
        store.insert(*hash, data.to_vec());
    }
    updated
}

#[test]
fn random_batches_agree_with_alloy() {
    let mut chance = Chance(7);
    for round in 0..40 {
        let (mut held, mut store, mut root) = (BTreeMap::new(), HashMap::new(), EMPTY_ROOT_HASH);
        let spread = 1 << (4 + round % 8);
        for _ in 0..20 {
            let mut items = BTreeMap::new();
            for _ in 0..chance.next(120) {
                let number = chance.next(spread);
                // Half of the keys share long prefixes, so extensions are split and merged.
                let mut key = keccak256(number.to_be_bytes());
                if number.is_multiple_of(2) {
                    key.0[..20].fill(0x11);
                }
                let length = [0, 1, 5, 40][chance.next(4) as usize];
                let value = vec![1 + (number % 200) as u8; length];
                if value.is_empty() {
                    held.remove(&key)
                } else {
                    held.insert(key, value.clone())
                };
                items.insert(key, value);
            }
            root = update(root, items.into_iter().collect(), &mut store).root;
            assert_eq!(root, oracle(&held));
        }
    }
}

#[test]
fn what_is_made_and_obsolete_is_what_differs() {
    let (mut store, key) = (HashMap::new(), keccak256);
    let items = (0..50_u8).map(|n| (key([n]), vec![n + 1; 40])).collect();
    let first = update(EMPTY_ROOT_HASH, items, &mut store);
    assert!(first.obsolete.is_empty());
    let same = update(first.root, vec![(key([3]), vec![4; 40])], &mut store);
    assert!(same.made.is_empty() && same.obsolete.is_empty() && same.root == first.root);
    let gone = update(first.root, vec![(key([3]), Vec::new())], &mut store);
    assert!(!gone.obsolete.is_empty());
    let back = update(gone.root, vec![(key([3]), vec![4; 40])], &mut store);
    assert_eq!(back.root, first.root);
    let (mut made, mut obsolete) = (back.made, gone.obsolete);
    made.sort();
    obsolete.sort();
    let made: Vec<_> = made.into_iter().map(|(path, hash, _)| (path, hash)).collect();
    assert_eq!(made, obsolete);
}

#[test]
fn a_missing_node_is_a_fault() {
    let fetch = |_: &[u8], _: B256| Ok(None);
    let mut batch = Batch::new(B256::repeat_byte(1), vec![(B256::ZERO, vec![1])]);
    assert_eq!(batch.open(0..1, &fetch), Ok(vec![(Vec::new(), B256::repeat_byte(1))]));
    assert!(batch.close(&fetch).is_err());
}
