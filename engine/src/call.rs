//! One message outside any block, run and forgotten: what `eth_call` and its kin stand on.
//!
//! Nonce, fees and the block's gas play no part; the caller has judged gas and value
//! (`node.execution.messages`).

use alloy_primitives::{Address, B256, TxKind, U256};
use revm::ExecuteEvm;
use revm::context::TxEnv;
use revm::state::{EvmState, TransactionId};

use crate::evm::{self, Environment, Evm, Outcome};
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
pub fn relax<I>(evm: &mut Evm<'_, I>) {
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
    let touched = touched(&evm.finalize(), |address| {
        address == message.sender
            || Some(address) == message.to
            || address == env.coinbase
            || evm.precompiles.contains(&address)
    });
    Ok((evm::outcome(result), touched))
}

fn touched(state: &EvmState, is_warm: impl Fn(Address) -> bool) -> Touched {
    let mut found = Touched::new();
    for (address, account) in state {
        let warm =
            |slot: &&revm::state::EvmStorageSlot| !slot.is_cold_transaction_id(TransactionId::ZERO);
        let slots = account.storage.iter().filter(|(_, slot)| warm(slot));
        let mut slots: Vec<U256> = slots.map(|(slot, _)| *slot).collect();
        slots.sort_unstable();
        let is_cold = account.is_cold_transaction_id(TransactionId::ZERO);
        if !slots.is_empty() || !is_cold && !is_warm(*address) {
            found.push((*address, slots));
        }
    }
    found.sort_unstable();
    found
}
