//! One message outside any block, run and forgotten: what `eth_call` and its kin stand on.
//!
//! Nonce, fees and the block's gas play no part; the caller has judged gas and value
//! (`node.execution.messages`).

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, TxKind, U256};
use revm::ExecuteEvm;
use revm::context::TxEnv;
use revm::state::{EvmState, EvmStorageSlot, TransactionId};

use crate::evm::{self, Environment, Evm, Outcome, Status};
use crate::fault::Fault;
use crate::reads::Reads;
use crate::transaction::ACCESS_LIST;
use crate::watch::Watch;

/// A call: `eth_call`, `eth_estimateGas`.
#[derive(Debug, Clone)]
pub struct Message {
    pub sender: Address,
    pub to: Option<Address>,
    pub data: alloy_primitives::Bytes,
    pub value: U256,
    pub gas: u64,
    pub access_list: Vec<(Address, Vec<B256>)>,
}

/// Addresses with slots, ascending.
pub type Touched = Vec<(Address, Vec<U256>)>;

impl Message {
    /// Return the message as revm takes it.
    pub fn tx_env(&self, chain_id: u64) -> TxEnv {
        TxEnv {
            tx_type: ACCESS_LIST,
            caller: self.sender,
            gas_limit: self.gas,
            gas_price: 0,
            kind: self.to.map_or(TxKind::Create, TxKind::Call),
            value: self.value,
            data: self.data.clone(),
            nonce: 0,
            chain_id: Some(chain_id),
            access_list: evm::access_list(&self.access_list),
            gas_priority_fee: None,
            blob_hashes: Vec::new(),
            max_fee_per_blob_gas: 0,
            authorization_list: Vec::new(),
        }
    }
}

/// Take from an EVM the checks that a message is not subject to.
pub fn relax<I, D: evm::Source>(evm: &mut Evm<'_, I, D>) {
    let cfg = &mut evm.ctx.cfg;
    cfg.tx_chain_id_check = false;
    cfg.disable_nonce_check = true;
    cfg.disable_eip3607 = true;
    cfg.disable_base_fee = true;
    cfg.disable_block_gas_limit = true;
}

/// Run a message; return its outcome and what it touched beyond what is warm in any case.
pub fn trace(
    env: &Environment,
    message: &Message,
    reads: Reads<'_>,
    watch: Watch<'_>,
) -> Result<(Outcome, Touched), Fault> {
    let mut evm = evm::evm(evm::machine(env, reads, watch));
    relax(&mut evm);
    let result = evm.transact_one(message.tx_env(env.chain_id)).map_err(evm::fault)?;
    let state = evm.finalize();
    let is_warm = |address: Address| {
        address == message.sender
            || Some(address) == message.to
            || address == env.coinbase
            || evm.precompiles.contains(&address)
    };
    Ok((evm::outcome(result), touched(message, &state, is_warm)))
}

/// Return what was declared and what the state shows as warm.
fn touched(message: &Message, state: &EvmState, is_warm: impl Fn(Address) -> bool) -> Touched {
    let mut found: BTreeMap<Address, BTreeSet<U256>> = BTreeMap::new();
    for (address, slots) in &message.access_list {
        found
            .entry(*address)
            .or_default()
            .extend(slots.iter().map(|slot| U256::from_be_bytes(slot.0)));
    }
    for (address, account) in state {
        let is_cold = |slot: &EvmStorageSlot| slot.is_cold_transaction_id(TransactionId::ZERO);
        let warm = account.storage.iter().filter(|(_, slot)| !is_cold(slot));
        let slots: Vec<U256> = warm.map(|(slot, _)| *slot).collect();
        if !slots.is_empty() || !account.is_cold_transaction_id(TransactionId::ZERO) {
            found.entry(*address).or_default().extend(slots);
        }
    }
    found.retain(|address, slots| !slots.is_empty() || !is_warm(*address));
    found.into_iter().map(|(address, slots)| (address, slots.into_iter().collect())).collect()
}

/// Return the least gas, to within a 64th, with which the message succeeds; or how it fails.
///
/// What was used is mostly enough; else a call within kept back its 64th part (EIP-150). One EVM
/// serves all trials, so what one has read the next need not.
pub fn estimate(
    env: &Environment,
    message: &Message,
    least: u64,
    reads: Reads<'_>,
    watch: Watch<'_>,
) -> Result<Result<u64, Outcome>, Fault> {
    let mut evm = evm::evm(evm::machine(env, reads, watch));
    relax(&mut evm);
    let mut run = |gas: u64| {
        let trial = Message { gas, ..message.clone() };
        let result = evm.transact_one(trial.tx_env(env.chain_id)).map_err(evm::fault)?;
        evm.finalize();
        Ok(evm::outcome(result))
    };
    let first = run(message.gas)?;
    if first.status != Status::Success {
        return Ok(Err(first));
    }
    let (mut low, mut high) = (first.gas_used.max(least) - 1, message.gas);
    let kept_back = first.gas_used.saturating_mul(64) / 63 + 2_300;
    for guess in [low + 1, kept_back.max(low + 1)] {
        if guess < high && run(guess)?.status == Status::Success {
            high = guess;
            break;
        }
    }
    while high - low > (high / 64).max(1) {
        let middle = low.midpoint(high);
        if run(middle)?.status == Status::Success {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(Ok(high))
}
