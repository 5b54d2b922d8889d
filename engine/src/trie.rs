//! One Merkle Patricia trie changed by a whole batch.
//!
//! First `open` loads what the batch's keys pass, all or some of them, a level at a time: it goes down
//! as far as it can, names what is missing, and is called again with that. Then `close` applies the batch to the tree
//! in memory and encodes it. Where a deletion leaves a branch with one child, that child is needed
//! too; it is fetched alone.

use std::ops::Range;

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_trie::EMPTY_ROOT_HASH;
use rayon::prelude::*;

use crate::fault::Fault;
use crate::node::{Child, Made, Node, encode, nibbles, parse, settle};

/// Batches of at least so many changes are applied on all cores.
const PARALLEL_MIN: usize = 64;

/// A key's nibbles with its new value; an empty one removes.
pub type Item = (Vec<u8>, Vec<u8>);

/// A node by path and hash.
pub type Reference = (Vec<u8>, B256);

/// Returns a node's bytes; `None` from a look-up that only asks whether they are at hand.
pub type Fetch<'a> = dyn Fn(&[u8], B256) -> Result<Option<Bytes>, Fault> + Sync + 'a;

/// What a batch made of a trie.
#[derive(Debug)]
pub struct Updated {
    pub root: B256,
    pub made: Vec<Made>,
    /// Nodes read that do not stand at their path any more.
    pub obsolete: Vec<Reference>,
}

/// A trie with the changes it is about to take.
#[derive(Debug)]
pub struct Batch {
    root: B256,
    top: Child,
    items: Vec<Item>,
    read: Vec<Reference>,
}

impl Batch {
    /// Take up the trie under `root`; keys are 32 bytes and distinct.
    pub fn new(root: B256, items: impl IntoIterator<Item = (B256, Vec<u8>)>) -> Self {
        let mut items: Vec<Item> =
            items.into_iter().map(|(key, value)| (nibbles(key.as_slice()), value)).collect();
        items.sort_unstable();
        let top = if root == EMPTY_ROOT_HASH { Child::Empty } else { Child::Hash(root) };
        Self { root, top, items, read: Vec::new() }
    }

    /// Return how many keys there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Load nodes on the paths of a range of the sorted keys as far as `find` has them; return those
    /// it has not.
    pub fn open(&mut self, part: Range<usize>, find: &Fetch<'_>) -> Result<Vec<Reference>, Fault> {
        let mut walk = Walk { find, found: Found::default() };
        walk.descend(&mut self.top, &self.items[part], &mut Vec::new())?;
        self.read.append(&mut walk.found.read);
        Ok(walk.found.missing)
    }

    /// Return the value at `key` of an opened batch that names it.
    pub fn value(&self, key: B256) -> Option<&[u8]> {
        let (path, mut child) = (nibbles(key.as_slice()), &self.top);
        let mut depth = 0;
        while let Child::Node(node) = child {
            match &**node {
                Node::Leaf(rest, value) => return (path[depth..] == rest[..]).then_some(value),
                Node::Extension(rest, next) => {
                    if !path[depth..].starts_with(rest) {
                        return None;
                    }
                    depth += rest.len();
                    child = next;
                }
                Node::Branch(children) => {
                    child = &children[usize::from(path[depth])];
                    depth += 1;
                }
            }
        }
        None
    }

    /// Give the keys of an opened batch their values, which were not known before.
    pub fn set_values(&mut self, value: impl Fn(&[u8]) -> Vec<u8>) {
        for (key, held) in &mut self.items {
            *held = value(key);
        }
    }

    /// Apply the changes of an opened batch.
    pub fn close(self, fetch: &Fetch<'_>) -> Result<Updated, Fault> {
        if self.items.is_empty() {
            return Ok(Updated { root: self.root, made: Vec::new(), obsolete: Vec::new() });
        }
        let mut merged = self.read;
        let changer = Changer { fetch };
        let top = changer.apply(self.top, &self.items, 0, &mut merged)?;
        let (root, made) = match top {
            Child::Empty => (EMPTY_ROOT_HASH, Vec::new()),
            Child::Node(node) => finish(*node, self.items.len()),
            // No change but deletions of what a short-cut showed not to be there.
            Child::Hash(_) | Child::Inline(_) => (self.root, Vec::new()),
        };
        Ok(compare(root, made, merged))
    }
}

/// Return the root's hash and all nodes made, the root's last.
fn finish(mut node: Node, changes: usize) -> (B256, Vec<Made>) {
    let mut made = Vec::new();
    if let (Node::Branch(children), true) = (&mut node, changes >= PARALLEL_MIN) {
        let parts: Vec<Vec<Made>> = children
            .par_iter_mut()
            .enumerate()
            .map(|(nibble, child)| {
                let mut part = Vec::new();
                settle(child, &mut vec![nibble as u8], &mut part);
                part
            })
            .collect();
        made = parts.into_iter().flatten().collect();
    }
    let data = encode(&mut node, &mut Vec::new(), &mut made);
    let root = keccak256(&data);
    made.push((Vec::new(), root, data.into()));
    (root, made)
}

/// Tell nodes that changed from those that were only passed.
fn compare(root: B256, made: Vec<Made>, read: Vec<Reference>) -> Updated {
    let mut obsolete: alloy_primitives::map::HashMap<_, _> = read.into_iter().collect();
    let made = made
        .into_iter()
        .filter(|(path, hash, _)| match obsolete.get(path) {
            Some(before) if before == hash => obsolete.remove(path).is_none(),
            _ => true,
        })
        .collect();
    Updated { root, made, obsolete: obsolete.into_iter().collect() }
}

/// Loads nodes along paths.
struct Walk<'a> {
    find: &'a Fetch<'a>,
    found: Found,
}

/// What a walk came by: nodes it loaded, and nodes it could not.
#[derive(Default)]
struct Found {
    read: Vec<Reference>,
    missing: Vec<Reference>,
}

impl Walk<'_> {
    fn descend(
        &mut self,
        child: &mut Child,
        items: &[Item],
        path: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        if !self.load(child, path)? {
            return Ok(());
        }
        let (Child::Node(node), depth) = (child, path.len()) else { return Ok(()) };
        match &mut **node {
            Node::Leaf(..) => Ok(()),
            Node::Extension(rest, next) => {
                let below = run_with_prefix(items, depth, rest);
                if below.is_empty() {
                    return Ok(());
                }
                path.extend_from_slice(rest);
                self.descend(next, below, path)?;
                path.truncate(depth);
                Ok(())
            }
            Node::Branch(children) if depth == 0 && items.len() >= PARALLEL_MIN => {
                self.descend_at_once(children, items)
            }
            Node::Branch(children) => {
                for group in items.chunk_by(|a, b| a.0[depth] == b.0[depth]) {
                    let nibble = group[0].0[depth];
                    path.push(nibble);
                    self.descend(&mut children[usize::from(nibble)], group, path)?;
                    path.pop();
                }
                Ok(())
            }
        }
    }

    /// Go down below the root on all cores.
    fn descend_at_once(&mut self, children: &mut [Child; 16], items: &[Item]) -> Result<(), Fault> {
        let below = |(nibble, child): (usize, &mut Child)| {
            let start = items.partition_point(|(key, _)| usize::from(key[0]) < nibble);
            let end = items.partition_point(|(key, _)| usize::from(key[0]) <= nibble);
            let mut walk = Walk { find: self.find, found: Found::default() };
            if start < end {
                walk.descend(child, &items[start..end], &mut vec![nibble as u8])?;
            }
            Ok(walk.found)
        };
        let parts: Vec<Result<Found, Fault>> =
            children.par_iter_mut().enumerate().map(below).collect();
        for part in parts {
            let mut part = part?;
            self.found.read.append(&mut part.read);
            self.found.missing.append(&mut part.missing);
        }
        Ok(())
    }

    /// Put the node itself where its reference stands; return whether it is there now.
    fn load(&mut self, child: &mut Child, path: &[u8]) -> Result<bool, Fault> {
        match child {
            Child::Empty => Ok(false),
            Child::Node(_) => Ok(true),
            Child::Inline(data) => {
                *child = Child::Node(Box::new(parse(data)?));
                Ok(true)
            }
            Child::Hash(hash) => {
                let hash = *hash;
                let Some(data) = (self.find)(path, hash)? else {
                    self.found.missing.push((path.to_vec(), hash));
                    return Ok(false);
                };
                self.found.read.push((path.to_vec(), hash));
                *child = Child::Node(Box::new(parse(&data)?));
                Ok(true)
            }
        }
    }
}

/// Return the items, sorted as they are, that have `rest` at `depth`.
fn run_with_prefix<'a>(items: &'a [Item], depth: usize, rest: &[u8]) -> &'a [Item] {
    let start = items.partition_point(|(key, _)| &key[depth..depth + rest.len()] < rest);
    let end = items.partition_point(|(key, _)| &key[depth..depth + rest.len()] <= rest);
    &items[start..end]
}

/// Applies changes to a loaded tree.
struct Changer<'a> {
    fetch: &'a Fetch<'a>,
}

/// Stored nodes that become part of others; those that the walk read come first.
type Merged = Vec<Reference>;

impl Changer<'_> {
    /// Return what stands at `child` after `items`, all of which pass through it.
    fn apply(
        &self,
        child: Child,
        items: &[Item],
        depth: usize,
        merged: &mut Merged,
    ) -> Result<Child, Fault> {
        let node = match child {
            Child::Empty => return Ok(build(&set(items), depth)),
            Child::Node(node) => *node,
            Child::Inline(data) => parse(&data)?,
            Child::Hash(hash) => parse(&self.need(&items[0].0[..depth], hash)?)?,
        };
        match node {
            Node::Leaf(rest, value) => Ok(apply_to_leaf(rest, value, items, depth)),
            Node::Extension(rest, child) => {
                self.apply_to_extension(rest, child, items, depth, merged)
            }
            Node::Branch(children) => self.apply_to_branch(children, items, depth, merged),
        }
    }

    fn need(&self, path: &[u8], hash: B256) -> Result<Bytes, Fault> {
        (self.fetch)(path, hash)?
            .ok_or_else(|| Fault::Engine(format!("trie: node {hash} was not given")))
    }

    fn apply_to_extension(
        &self,
        rest: Vec<u8>,
        child: Child,
        items: &[Item],
        depth: usize,
        merged: &mut Merged,
    ) -> Result<Child, Fault> {
        let (first, last) = (&items[0].0, &items[items.len() - 1].0);
        let shared = common(&rest, &first[depth..]).min(common(&rest, &last[depth..]));
        let path = &first[..depth];
        if shared == rest.len() {
            let child = self.apply(child, items, depth + shared, merged)?;
            return self.prepend(path, &rest, child, merged);
        }
        let mut children: Box<[Child; 16]> = Box::default();
        let below = rest[shared + 1..].to_vec();
        children[usize::from(rest[shared])] = if below.is_empty() {
            child
        } else {
            Child::Node(Box::new(Node::Extension(below, child)))
        };
        let made = self.apply_to_branch(children, items, depth + shared, merged)?;
        self.prepend(path, &rest[..shared], made, merged)
    }

    fn apply_to_branch(
        &self,
        mut children: Box<[Child; 16]>,
        items: &[Item],
        depth: usize,
        merged: &mut Merged,
    ) -> Result<Child, Fault> {
        let groups: Vec<&[Item]> = items.chunk_by(|a, b| a.0[depth] == b.0[depth]).collect();
        let work = |group: &[Item], child: Child, merged: &mut Merged| {
            self.apply(child, group, depth + 1, merged)
        };
        if depth == 0 && items.len() >= PARALLEL_MIN {
            let taken: Vec<Child> = groups
                .iter()
                .map(|group| std::mem::take(&mut children[usize::from(group[0].0[depth])]))
                .collect();
            let done: Vec<Result<(Child, Merged), Fault>> = groups
                .par_iter()
                .zip(taken)
                .map(|(group, child)| {
                    let mut merged = Merged::new();
                    work(group, child, &mut merged).map(|child| (child, merged))
                })
                .collect();
            for (group, made) in groups.iter().zip(done) {
                let (child, more) = made?;
                children[usize::from(group[0].0[depth])] = child;
                merged.extend(more);
            }
        } else {
            for group in groups {
                let place = usize::from(group[0].0[depth]);
                let child = std::mem::take(&mut children[place]);
                children[place] = work(group, child, merged)?;
            }
        }
        self.collapse(children, &items[0].0[..depth], merged)
    }

    /// Return the canonical form of a branch that may have lost children.
    fn collapse(
        &self,
        mut children: Box<[Child; 16]>,
        path: &[u8],
        merged: &mut Merged,
    ) -> Result<Child, Fault> {
        let mut used = (0..16).filter(|place| !matches!(children[*place], Child::Empty));
        match (used.next(), used.next()) {
            (None, _) => Ok(Child::Empty),
            (Some(place), None) => {
                let child = std::mem::take(&mut children[place]);
                self.prepend(path, &[place as u8], child, merged)
            }
            _ => Ok(Child::Node(Box::new(Node::Branch(children)))),
        }
    }

    /// Return `child`, which stands at `path` and then `rest`, merged with `rest`.
    fn prepend(
        &self,
        path: &[u8],
        rest: &[u8],
        child: Child,
        merged: &mut Merged,
    ) -> Result<Child, Fault> {
        if rest.is_empty() || matches!(child, Child::Empty) {
            return Ok(child);
        }
        let whole = [path, rest].concat();
        let (node, hash) = match child {
            Child::Node(node) => (*node, None),
            Child::Inline(data) => (parse(&data)?, None),
            Child::Hash(hash) => (parse(&self.need(&whole, hash)?)?, Some(hash)),
            Child::Empty => return Ok(Child::Empty),
        };
        if let (Some(hash), false) = (hash, matches!(node, Node::Branch(_))) {
            merged.push((whole, hash));
        }
        Ok(Child::Node(Box::new(match node {
            Node::Leaf(below, value) => Node::Leaf([rest, &below].concat(), value),
            Node::Extension(below, next) => Node::Extension([rest, &below].concat(), next),
            branch @ Node::Branch(_) => {
                let next = hash.map_or_else(|| Child::Node(Box::new(branch)), Child::Hash);
                Node::Extension(rest.to_vec(), next)
            }
        })))
    }
}

fn set(items: &[Item]) -> Vec<&Item> {
    items.iter().filter(|(_, value)| !value.is_empty()).collect()
}

fn apply_to_leaf(rest: Vec<u8>, value: Vec<u8>, items: &[Item], depth: usize) -> Child {
    let leaf = ([&items[0].0[..depth], &rest].concat(), value);
    let mut all = set(items);
    if let Err(place) = items.binary_search_by(|(key, _)| key.cmp(&leaf.0)) {
        let before = items[..place].iter().filter(|(_, value)| !value.is_empty()).count();
        all.insert(before, &leaf);
    }
    build(&all, depth)
}

/// Return the trie of `items` alone, which are sorted and all set a value.
fn build(items: &[&Item], depth: usize) -> Child {
    let (Some(first), Some(last)) = (items.first(), items.last()) else { return Child::Empty };
    if items.len() == 1 {
        return Child::Node(Box::new(Node::Leaf(first.0[depth..].to_vec(), first.1.clone())));
    }
    let shared = common(&first.0[depth..], &last.0[depth..]);
    if shared > 0 {
        let below = build(items, depth + shared);
        let rest = first.0[depth..depth + shared].to_vec();
        return Child::Node(Box::new(Node::Extension(rest, below)));
    }
    let mut children: Box<[Child; 16]> = Box::default();
    for group in items.chunk_by(|a, b| a.0[depth] == b.0[depth]) {
        children[usize::from(group[0].0[depth])] = build(group, depth + 1);
    }
    Child::Node(Box::new(Node::Branch(children)))
}

fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(left, right)| left == right).count()
}

#[cfg(test)]
#[path = "trie_tests.rs"]
mod tests;
