//! Receipts as bytes, their blooms, and the roots that a header commits to.

use alloy_primitives::{B256, Bloom, BloomInput, Log, U256};
use alloy_trie::root::ordered_trie_root_with_encoder;
use rayon::prelude::*;

use crate::rlp;

/// What a receipt is made of.
#[derive(Debug)]
pub struct Receipt<'a> {
    pub kind: u8,
    pub succeeded: bool,
    pub cumulative_gas: u64,
    pub logs: &'a [Log],
}

/// Return each receipt's EIP-2718 envelope, and the filter over all of them.
pub fn encode_all(receipts: &[Receipt<'_>]) -> (Vec<Vec<u8>>, Bloom) {
    let parts: Vec<(Vec<u8>, Bloom)> = receipts.par_iter().with_min_len(32).map(encode).collect();
    let mut all = Bloom::ZERO;
    for (_, bloom) in &parts {
        all |= *bloom;
    }
    (parts.into_iter().map(|(envelope, _)| envelope).collect(), all)
}

fn encode(receipt: &Receipt<'_>) -> (Vec<u8>, Bloom) {
    let bloom = logs_bloom(receipt.logs);
    let mut logs = Vec::with_capacity(200 * receipt.logs.len());
    for log in receipt.logs {
        put_log(log, &mut logs);
    }
    let mut body = Vec::with_capacity(logs.len() + 300);
    rlp::put_int(U256::from(u8::from(receipt.succeeded)), &mut body);
    rlp::put_int(U256::from(receipt.cumulative_gas), &mut body);
    rlp::put_bytes(bloom.as_slice(), &mut body);
    rlp::put_list_prefix(logs.len(), &mut body);
    body.extend_from_slice(&logs);
    let mut out = Vec::with_capacity(body.len() + 5);
    if receipt.kind != 0 {
        out.push(receipt.kind);
    }
    rlp::put_list_prefix(body.len(), &mut out);
    out.extend_from_slice(&body);
    (out, bloom)
}

fn put_log(log: &Log, out: &mut Vec<u8>) {
    let mut topics = Vec::with_capacity(33 * log.topics().len());
    for topic in log.topics() {
        rlp::put_bytes(topic.as_slice(), &mut topics);
    }
    let mut body = Vec::with_capacity(topics.len() + log.data.data.len() + 40);
    rlp::put_bytes(log.address.as_slice(), &mut body);
    rlp::put_list_prefix(topics.len(), &mut body);
    body.extend_from_slice(&topics);
    rlp::put_bytes(&log.data.data, &mut body);
    rlp::put_list_prefix(body.len(), out);
    out.extend_from_slice(&body);
}

fn logs_bloom(logs: &[Log]) -> Bloom {
    let mut bloom = Bloom::ZERO;
    for log in logs {
        bloom.accrue(BloomInput::Raw(log.address.as_slice()));
        for topic in log.topics() {
            bloom.accrue(BloomInput::Raw(topic.as_slice()));
        }
    }
    bloom
}

/// Return the root of the trie from index to value.
pub fn root_of_list<T: AsRef<[u8]>>(values: &[T]) -> B256 {
    ordered_trie_root_with_encoder(values, |value, out| out.extend_from_slice(value.as_ref()))
}
