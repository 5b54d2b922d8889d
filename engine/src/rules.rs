//! When a transaction is valid: the rules and texts of `node.spec.transaction_rules`, one for one.
//!
//! That module is the law; this is its translation for the loop that runs without Python, and
//! `tests/differential` holds the two against each other.

use alloy_primitives::{U256, Uint};

use crate::fault::Refusal;
use crate::recover::is_signature;
use crate::transaction::{SET_CODE, Transaction};

const TRANSACTION_GAS: u64 = 21_000;
const CREATION_GAS: u64 = 32_000;
const CALLDATA_TOKEN_GAS: u64 = 4;
const FLOOR_TOKEN_GAS: u64 = 10; // EIP-7623
const TOKENS_PER_NONZERO_BYTE: u64 = 4;
const ACCESS_LIST_ADDRESS_GAS: u64 = 2_400; // EIP-2930
const ACCESS_LIST_SLOT_GAS: u64 = 1_900;
const INITCODE_WORD_GAS: u64 = 2; // EIP-3860
const INITCODE_LENGTH_MAX: usize = 49_152;
const AUTHORIZATION_GAS: u64 = 25_000; // EIP-7702
const FEE_BITS_MAX: usize = 128;

type Verdict = Result<(), Refusal>;

/// Refuse a transaction that could not be valid in any state.
pub fn check_transaction(item: &Transaction, chain_id: u64, base_fee: U256) -> Verdict {
    let Some(named) = item.chain_id else {
        return Err(Refusal::of("only replay-protected (EIP-155) transactions allowed"));
    };
    if named != chain_id {
        let why = format!("have {named} want {chain_id}");
        return Err(Refusal::because("invalid chain id for signer", why));
    }
    check_signature(item.r, item.s)?;
    if item.nonce == u64::MAX {
        return Err(Refusal::of("nonce has max value"));
    }
    check_fees(item, base_fee)?;
    check_gas(item)?;
    if item.kind == SET_CODE { check_authorizations(item) } else { Ok(()) }
}

fn check_signature(r: U256, s: U256) -> Verdict {
    if is_signature(r, s) { Ok(()) } else { Err(Refusal::of("invalid transaction v, r, s values")) }
}

fn check_fees(item: &Transaction, base_fee: U256) -> Verdict {
    if item.max_fee.bit_len() > FEE_BITS_MAX {
        return Err(Refusal::of("max fee per gas higher than 2^128-1"));
    }
    if item.max_priority_fee > item.max_fee {
        return Err(Refusal::of("max priority fee per gas higher than max fee per gas"));
    }
    if item.max_fee < base_fee {
        return Err(Refusal::of("max fee per gas less than block base fee"));
    }
    Ok(())
}

/// Return the gas a transaction costs before it runs.
pub fn intrinsic_gas(item: &Transaction) -> u64 {
    let mut gas = TRANSACTION_GAS + CALLDATA_TOKEN_GAS * tokens(&item.data);
    if item.to.is_none() {
        gas += CREATION_GAS + INITCODE_WORD_GAS * item.data.len().div_ceil(32) as u64;
    }
    for (_, slots) in &item.access_list {
        gas += ACCESS_LIST_ADDRESS_GAS + ACCESS_LIST_SLOT_GAS * slots.len() as u64;
    }
    gas + AUTHORIZATION_GAS * item.authorizations.len() as u64
}

fn tokens(data: &[u8]) -> u64 {
    let zeros = data.iter().filter(|byte| **byte == 0).count() as u64;
    zeros + TOKENS_PER_NONZERO_BYTE * (data.len() as u64 - zeros)
}

fn check_gas(item: &Transaction) -> Verdict {
    if item.to.is_none() && item.data.len() > INITCODE_LENGTH_MAX {
        return Err(Refusal::of("max initcode size exceeded"));
    }
    let needed = intrinsic_gas(item);
    if item.gas < needed {
        let why = format!("have {}, want {needed}", item.gas);
        return Err(Refusal::because("intrinsic gas too low", why));
    }
    let floor = TRANSACTION_GAS + FLOOR_TOKEN_GAS * tokens(&item.data);
    if item.gas < floor {
        let why = format!("have {}, want {floor}", item.gas);
        return Err(Refusal::because("insufficient gas for floor data gas cost", why));
    }
    Ok(())
}

fn check_authorizations(item: &Transaction) -> Verdict {
    if item.to.is_none() {
        return Err(Refusal::of("input string too short for common.Address"));
    }
    if item.authorizations.is_empty() {
        return Err(Refusal::of("EIP-7702 transaction with empty auth list"));
    }
    for authorization in &item.authorizations {
        if authorization.y_parity > 1 {
            return Err(Refusal::of("EIP-7702 authorization with invalid y parity"));
        }
        check_signature(authorization.r, authorization.s)?;
    }
    Ok(())
}

/// What of a sender's account its transaction is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    pub nonce: u64,
    pub balance: U256,
    /// Whether it holds a contract's code, not none and not a delegation.
    pub is_contract: bool,
}

/// Refuse a transaction that is not executable on its sender's account.
pub fn check_against_account(item: &Transaction, account: Standing) -> Verdict {
    if item.nonce != account.nonce {
        let word = if item.nonce < account.nonce { "low" } else { "high" };
        let why = format!("next nonce {}, tx nonce {}", account.nonce, item.nonce);
        return Err(Refusal::because(format!("nonce too {word}"), why));
    }
    if account.is_contract {
        return Err(Refusal::of("sender not an eoa")); // EIP-3607
    }
    type Wide = Uint<512, 8>;
    let cost = Wide::from(item.gas) * Wide::from(item.max_fee) + Wide::from(item.value);
    if cost > Wide::from(account.balance) {
        let why = format!("have {} want {cost}", account.balance);
        return Err(Refusal::because("insufficient funds for gas * price + value", why));
    }
    Ok(())
}

/// Refuse a transaction that does not fit what is left of the block's gas.
pub fn check_block_gas(item: &Transaction, left: u64) -> Verdict {
    if item.gas > left {
        let why = format!("have {left}, want {}", item.gas);
        return Err(Refusal::because("exceeds block gas limit", why));
    }
    Ok(())
}
