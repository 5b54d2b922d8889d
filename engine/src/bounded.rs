//! A map that forgets: two generations, the older dropped whole when the younger is full.
//!
//! What is read moves to the younger generation, so what is used stays. Its weight is at most twice
//! `weight_max`; every operation is constant time and needs no order of use.

use std::hash::Hash;

use alloy_primitives::map::HashMap;

/// A bounded cache.
#[derive(Debug)]
pub struct Bounded<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    weight: usize,
    weight_max: usize,
}

impl<K: Eq + Hash, V: Clone> Bounded<K, V> {
    /// Return an empty cache whose generations weigh at most `weight_max` each.
    pub fn new(weight_max: usize) -> Self {
        Self { young: HashMap::default(), old: HashMap::default(), weight: 0, weight_max }
    }

    /// Return the value, which moves to the younger generation and weighs `weight` there.
    pub fn get(&mut self, key: &K, weight: impl Fn(&V) -> usize) -> Option<V> {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let (key, value) = self.old.remove_entry(key)?;
        let weight = weight(&value);
        self.put(key, value.clone(), weight);
        Some(value)
    }

    /// Keep a value; an older one of its key is replaced.
    pub fn put(&mut self, key: K, value: V, weight: usize) {
        self.old.remove(&key);
        if self.young.insert(key, value).is_none() {
            self.weight += weight;
        }
        if self.weight > self.weight_max {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
    }

    /// Forget a value that nobody will ask for again; `weight` is what it was put with.
    pub fn remove(&mut self, key: &K, weight: impl Fn(&V) -> usize) {
        self.old.remove(key);
        if let Some(value) = self.young.remove(key) {
            self.weight -= weight(&value);
        }
    }

    /// Forget everything.
    pub fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
        self.weight = 0;
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    //! It stays within its bound, and what is used survives.
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let mut cache = Bounded::new(10);
        for key in 0..1_000 {
            cache.put(key, key, 1);
            assert_eq!(cache.get(&0, |_| 1), Some(0));
            assert!(cache.len() <= 22);
        }
        assert_eq!(cache.get(&500, |_| 1), None);
        cache.remove(&0, |_| 1);
        assert_eq!(cache.get(&0, |_| 1), None);
        cache.clear();
        assert_eq!(cache.len(), 0);
    }
}
