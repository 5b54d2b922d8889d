//! Transactions of types 0, 1, 2 and 4 from their raw bytes, as `node.spec.transaction` reads them.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};

use crate::fault::Refusal;
use crate::rlp::{self, Item, check, whole};

pub const LEGACY: u8 = 0;
pub const ACCESS_LIST: u8 = 1;
pub const DYNAMIC_FEE: u8 = 2;
pub const SET_CODE: u8 = 4;

/// Bytes of one raw transaction, as `node.spec.transaction.TRANSACTION_LENGTH_MAX`.
const LENGTH_MAX: usize = 131_072;

/// A signed permission to run the code at `address` in the signer's account (EIP-7702).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    pub chain_id: U256,
    pub address: Address,
    pub nonce: u64,
    pub y_parity: u8,
    pub r: U256,
    pub s: U256,
}

impl Authorization {
    /// Return what its signer signed.
    pub fn digest(&self) -> B256 {
        let mut body = Vec::with_capacity(64);
        rlp::put_int(self.chain_id, &mut body);
        rlp::put_bytes(self.address.as_slice(), &mut body);
        rlp::put_int(U256::from(self.nonce), &mut body);
        let mut message = vec![5];
        rlp::put_list_prefix(body.len(), &mut message);
        message.extend_from_slice(&body);
        keccak256(message)
    }
}

/// A decoded transaction; both fee fields hold the one gas price of types 0 and 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    pub kind: u8,
    /// None for a legacy transaction without replay protection.
    pub chain_id: Option<u64>,
    pub nonce: u64,
    pub max_priority_fee: U256,
    pub max_fee: U256,
    pub gas: u64,
    pub to: Option<Address>,
    pub value: U256,
    pub data: Bytes,
    pub access_list: Vec<(Address, Vec<B256>)>,
    pub authorizations: Vec<Authorization>,
    pub y_parity: u8,
    pub r: U256,
    pub s: U256,
    pub signing_hash: B256,
    pub hash: B256,
}

/// Return the transaction that `raw` is the canonical form of.
pub fn decode(raw: &[u8]) -> Result<Transaction, Refusal> {
    if raw.is_empty() || raw.len() > LENGTH_MAX {
        let text = format!("transaction: {} bytes, 1 to {LENGTH_MAX} allowed", raw.len());
        return Err(Refusal::of(text));
    }
    let kind = if raw[0] >= 0xC0 { LEGACY } else { raw[0] };
    let (body, count) = match (kind, raw[0]) {
        (LEGACY, 0xC0..) => (raw, 9),
        (ACCESS_LIST, _) => (&raw[1..], 11),
        (DYNAMIC_FEE, _) => (&raw[1..], 12),
        (SET_CODE, _) => (&raw[1..], 13),
        _ => {
            let text = format!("transaction: type {} is not supported", raw[0]);
            return Err(Refusal::of(text));
        }
    };
    check(body)?;
    let items = whole(body).to_list(&format!("transaction of type {kind}"), Some(count))?;
    if kind == LEGACY { legacy(&items, raw) } else { typed(kind, &items, raw, body) }
}

fn legacy(items: &[Item<'_>], raw: &[u8]) -> Result<Transaction, Refusal> {
    let v = items[6].to_u64("transaction v")?;
    if v < 37 && v != 27 && v != 28 {
        return Err(Refusal::of(format!("transaction: v of {v}")));
    }
    let chain_id = (v >= 37).then(|| (v - 35) / 2);
    let price = items[1].to_int("transaction gas price", 256)?;
    Ok(Transaction {
        kind: LEGACY,
        chain_id,
        nonce: items[0].to_u64("transaction nonce")?,
        max_priority_fee: price,
        max_fee: price,
        gas: items[2].to_u64("transaction gas")?,
        to: recipient(items[3])?,
        value: items[4].to_int("transaction value", 256)?,
        data: Bytes::copy_from_slice(items[5].to_bytes("transaction data")?),
        access_list: Vec::new(),
        authorizations: Vec::new(),
        y_parity: if v < 37 { (v - 27) as u8 } else { ((v - 35) % 2) as u8 },
        r: items[7].to_int("transaction r", 256)?,
        s: items[8].to_int("transaction s", 256)?,
        signing_hash: legacy_signing_hash(&items[..6], chain_id),
        hash: keccak256(raw),
    })
}

/// Return what was signed: six fields, and with EIP-155 the chain id and two empty strings.
fn legacy_signing_hash(items: &[Item<'_>], chain_id: Option<u64>) -> B256 {
    let mut body = Vec::with_capacity(256);
    for item in items {
        // Each was read as a string, so none is a list.
        if let Item::Bytes(data) = item {
            rlp::put_bytes(data, &mut body);
        }
    }
    if let Some(chain_id) = chain_id {
        rlp::put_int(U256::from(chain_id), &mut body);
        body.extend_from_slice(&[0x80, 0x80]);
    }
    keccak256(rlp::list(&body))
}

fn typed(kind: u8, items: &[Item<'_>], raw: &[u8], body: &[u8]) -> Result<Transaction, Refusal> {
    let tip = items[2].to_int("transaction priority fee", 256)?;
    // Types 2 and 4 name two fees, type 1 one: everything after them is one place earlier.
    let (fee, rest) = if kind == ACCESS_LIST {
        (tip, &items[3..])
    } else {
        (items[3].to_int("transaction fee", 256)?, &items[4..])
    };
    let tail = &items[items.len() - 3..];
    Ok(Transaction {
        kind,
        chain_id: Some(items[0].to_u64("transaction chain id")?),
        nonce: items[1].to_u64("transaction nonce")?,
        max_priority_fee: tip,
        max_fee: fee,
        gas: rest[0].to_u64("transaction gas")?,
        to: recipient(rest[1])?,
        value: rest[2].to_int("transaction value", 256)?,
        data: Bytes::copy_from_slice(rest[3].to_bytes("transaction data")?),
        access_list: access_list(rest[4])?,
        authorizations: if kind == SET_CODE { authorizations(rest[5])? } else { Vec::new() },
        y_parity: tail[0].to_int("transaction y parity", 1)?.to::<u8>(),
        r: tail[1].to_int("transaction r", 256)?,
        s: tail[2].to_int("transaction s", 256)?,
        signing_hash: typed_signing_hash(kind, tail, body),
        hash: keccak256(raw),
    })
}

/// Return what was signed: the type, and the list without its last three items.
fn typed_signing_hash(kind: u8, tail: &[Item<'_>], body: &[u8]) -> B256 {
    let Item::List(payload) = whole(body) else { return B256::ZERO };
    let mut signature = Vec::with_capacity(70);
    for item in tail {
        if let Item::Bytes(data) = item {
            rlp::put_bytes(data, &mut signature);
        }
    }
    let signed = &payload[..payload.len() - signature.len()];
    let mut message = Vec::with_capacity(signed.len() + 10);
    message.push(kind);
    rlp::put_list_prefix(signed.len(), &mut message);
    message.extend_from_slice(signed);
    keccak256(message)
}

fn recipient(item: Item<'_>) -> Result<Option<Address>, Refusal> {
    if item == Item::Bytes(&[]) {
        return Ok(None);
    }
    item.to_address("transaction recipient").map(Some)
}

fn access_list(item: Item<'_>) -> Result<Vec<(Address, Vec<B256>)>, Refusal> {
    let mut entries = Vec::new();
    for part in item.to_list("access list", None)? {
        let parts = part.to_list("access list entry", Some(2))?;
        let slots = parts[1].to_list("access list slots", None)?;
        let address = parts[0].to_address("access list address")?;
        let words = slots.into_iter().map(|slot| slot.to_hash("access list slot"));
        entries.push((address, words.collect::<Result<_, _>>()?));
    }
    Ok(entries)
}

fn authorizations(item: Item<'_>) -> Result<Vec<Authorization>, Refusal> {
    let mut found = Vec::new();
    for part in item.to_list("authorization list", None)? {
        let fields = part.to_list("authorization", Some(6))?;
        found.push(Authorization {
            chain_id: fields[0].to_int("authorization chain id", 256)?,
            address: fields[1].to_address("authorization address")?,
            nonce: fields[2].to_u64("authorization nonce")?,
            y_parity: fields[3].to_int("authorization y parity", 8)?.to::<u8>(),
            r: fields[4].to_int("authorization r", 256)?,
            s: fields[5].to_int("authorization s", 256)?,
        });
    }
    Ok(found)
}
