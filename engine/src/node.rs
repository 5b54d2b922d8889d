//! A trie's nodes in memory and as bytes (yellow paper, appendix D), for keys of 32 bytes.
//!
//! A node read from storage knows its children as references; those that are loaded to be changed
//! stand in their parent as boxes, so a whole batch works on one tree and encodes it once.

use alloy_primitives::{B256, Bytes, keccak256};

use crate::fault::Fault;
use crate::rlp::{self, Item, Items};

/// What a node holds at a child's place.
#[derive(Debug, Default)]
pub enum Child {
    #[default]
    Empty,
    Hash(B256),
    /// A node of less than 32 bytes, as it stands in its parent.
    Inline(Vec<u8>),
    Node(Box<Node>),
}

/// A node; paths are nibbles, one a byte.
#[derive(Debug)]
pub enum Node {
    Leaf(Vec<u8>, Vec<u8>),
    Extension(Vec<u8>, Child),
    Branch(Box<[Child; 16]>),
}

fn damaged(what: &str) -> Fault {
    Fault::Engine(format!("trie node: {what}"))
}

/// Return the node that `data` encodes; the hash it was asked for by vouches for its form.
pub fn parse(data: &[u8]) -> Result<Node, Fault> {
    let Item::List(payload) = rlp::whole(data) else { return Err(damaged("no list")) };
    parse_items(payload)
}

fn parse_items(payload: &[u8]) -> Result<Node, Fault> {
    let mut children: [Child; 16] = Default::default();
    let mut items = Items(payload);
    let (first, second) = (items.next(), items.next());
    let (Some(first), Some(second)) = (first, second) else { return Err(damaged("too short")) };
    if items.0.is_empty() {
        return short(first, second);
    }
    let rest = Items(payload);
    let mut count = 0;
    for (index, item) in rest.enumerate() {
        count = index + 1;
        match children.get_mut(index) {
            Some(place) => *place = child(item)?,
            None if index == 16 && item == Item::Bytes(&[]) => {}
            None => return Err(damaged("a branch with a value")),
        }
    }
    if count == 17 { Ok(Node::Branch(Box::new(children))) } else { Err(damaged("not 17 items")) }
}

fn short(first: Item<'_>, second: Item<'_>) -> Result<Node, Fault> {
    let Item::Bytes(compact) = first else { return Err(damaged("a list for a path")) };
    let (path, is_leaf) = expand(compact)?;
    if !is_leaf {
        return match child(second)? {
            Child::Empty => Err(damaged("an extension to nothing")),
            child => Ok(Node::Extension(path, child)),
        };
    }
    match second {
        Item::Bytes(value) if !value.is_empty() => Ok(Node::Leaf(path, value.to_vec())),
        _ => Err(damaged("a leaf without a value")),
    }
}

fn child(item: Item<'_>) -> Result<Child, Fault> {
    match item {
        Item::Bytes(b"") => Ok(Child::Empty),
        Item::Bytes(hash) if hash.len() == 32 => Ok(Child::Hash(B256::from_slice(hash))),
        Item::Bytes(_) => Err(damaged("a reference of odd length")),
        Item::List(payload) => Ok(Child::Inline(rlp::list(payload))),
    }
}

/// Return the nibbles of some bytes.
pub fn nibbles(data: &[u8]) -> Vec<u8> {
    data.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect()
}

fn expand(compact: &[u8]) -> Result<(Vec<u8>, bool), Fault> {
    match compact.first() {
        Some(first) if *first < 0x40 && (first & 0x10 != 0 || first & 15 == 0) => {
            let skipped = if first & 0x10 == 0 { 2 } else { 1 };
            Ok((nibbles(compact).split_off(skipped), first & 0x20 != 0))
        }
        _ => Err(damaged("a malformed path")),
    }
}

/// Return the hex-prefix form of a path.
fn compact(path: &[u8], is_leaf: bool) -> Vec<u8> {
    let odd = path.len() % 2;
    let flag = if is_leaf { 0x20 } else { 0 };
    let mut out = Vec::with_capacity(path.len() / 2 + 1);
    out.push(if odd == 1 { flag | 0x10 | path[0] } else { flag });
    out.extend(path[odd..].chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]));
    out
}

/// A node that was encoded: its path, hash and bytes.
pub type Made = (Vec<u8>, B256, Bytes);

/// Encode all nodes that stand in memory below and at `node`; return its own bytes.
pub fn encode(node: &mut Node, path: &mut Vec<u8>, made: &mut Vec<Made>) -> Vec<u8> {
    let mut body = Vec::with_capacity(600);
    match node {
        Node::Leaf(rest, value) => {
            rlp::put_bytes(&compact(rest, true), &mut body);
            rlp::put_bytes(value, &mut body);
        }
        Node::Extension(rest, child) => {
            rlp::put_bytes(&compact(rest, false), &mut body);
            let length = path.len();
            path.extend_from_slice(rest);
            put_reference(child, path, made, &mut body);
            path.truncate(length);
        }
        Node::Branch(children) => {
            for (nibble, child) in children.iter_mut().enumerate() {
                path.push(nibble as u8);
                put_reference(child, path, made, &mut body);
                path.pop();
            }
            body.push(0x80);
        }
    }
    rlp::list(&body)
}

/// Append the reference to `child`, encoding it first where it stands in memory.
fn put_reference(child: &mut Child, path: &mut Vec<u8>, made: &mut Vec<Made>, out: &mut Vec<u8>) {
    settle(child, path, made);
    match child {
        Child::Empty => out.push(0x80),
        Child::Hash(hash) => rlp::put_bytes(hash.as_slice(), out),
        Child::Inline(data) => out.extend_from_slice(data),
        Child::Node(_) => unreachable!("settled above"),
    }
}

/// Turn a child in memory into a reference, with its node among those made.
pub fn settle(child: &mut Child, path: &mut Vec<u8>, made: &mut Vec<Made>) {
    let Child::Node(node) = child else { return };
    let data = encode(node, path, made);
    if data.len() < 32 {
        *child = Child::Inline(data);
        return;
    }
    let hash = keccak256(&data);
    made.push((path.clone(), hash, data.into()));
    *child = Child::Hash(hash);
}
