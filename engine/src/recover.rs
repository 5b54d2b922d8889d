//! Senders from signatures, for whole batches on all cores.

use std::sync::LazyLock;

use alloy_primitives::{Address, B256, U256, keccak256};
use rayon::prelude::*;
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, Secp256k1, VerifyOnly};

use crate::fault::Refusal;
use crate::transaction::{self, Transaction};

/// The order of secp256k1's group.
pub const CURVE_ORDER: U256 = U256::from_limbs([
    0xBFD2_5E8C_D036_4141,
    0xBAAE_DCE6_AF48_A03B,
    0xFFFF_FFFF_FFFF_FFFE,
    0xFFFF_FFFF_FFFF_FFFF,
]);

static SECP: LazyLock<Secp256k1<VerifyOnly>> = LazyLock::new(Secp256k1::verification_only);

/// A decoded transaction with its sender, None where the signature recovers to nobody.
pub type Recovered = (Transaction, Option<Address>);

/// Decode each raw transaction and recover its sender; one that is none does not lose the others.
pub fn recover_all(raws: &[&[u8]]) -> Vec<Result<Recovered, Refusal>> {
    raws.par_iter().with_min_len(8).map(|raw| recover_one(raw)).collect()
}

fn recover_one(raw: &[u8]) -> Result<Recovered, Refusal> {
    let item = transaction::decode(raw)?;
    let sender = recover(item.signing_hash, item.r, item.s, item.y_parity);
    Ok((item, sender))
}

/// Return the address whose key signed `digest`; nobody's where s is in the upper half (EIP-2).
pub fn recover(digest: B256, r: U256, s: U256, y_parity: u8) -> Option<Address> {
    if !is_low_s(s) || y_parity > 1 {
        return None;
    }
    let mut compact = [0; 64];
    compact[..32].copy_from_slice(&r.to_be_bytes::<32>());
    compact[32..].copy_from_slice(&s.to_be_bytes::<32>());
    let id = if y_parity == 0 { RecoveryId::Zero } else { RecoveryId::One };
    let signature = RecoverableSignature::from_compact(&compact, id).ok()?;
    let key = SECP.recover_ecdsa(Message::from_digest(digest.0), &signature).ok()?;
    let hash = keccak256(&key.serialize_uncompressed()[1..]);
    Some(Address::from_slice(&hash[12..]))
}

/// Whether s is the one accepted form: 0 < s <= n / 2.
pub fn is_low_s(s: U256) -> bool {
    !s.is_zero() && s <= CURVE_ORDER >> 1
}

/// Whether r and s are a signature's at all.
pub fn is_signature(r: U256, s: U256) -> bool {
    !r.is_zero() && r < CURVE_ORDER && is_low_s(s)
}
