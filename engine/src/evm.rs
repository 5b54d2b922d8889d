//! revm as this ledger uses it: Prague, one journal a block, and a door out of long work.
//!
//! JUMP, JUMPI and whatever opens a frame count on the block's `Watch`: a program that runs long
//! passes one of them. Giving up is an error to revm, so the transaction leaves no trace.

use alloy_eip7702::{Authorization, RecoveredAuthority, RecoveredAuthorization};
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, B256, TxKind, U256};
use revm::bytecode::opcode::{
    CALL, CALLCODE, CREATE, CREATE2, DELEGATECALL, JUMP, JUMPI, STATICCALL,
};
use revm::context::result::{EVMError, ExecutionResult, Output};
use revm::context::{BlockEnv, CfgEnv, Context, Journal, TxEnv};
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::context_interface::context::ContextError;
use revm::context_interface::either::Either;
use revm::handler::MainnetEvm;
use revm::interpreter::instructions::{contract, control};
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::{
    Instruction, InstructionContext, InstructionExecResult, InstructionResult,
};
use revm::primitives::hardfork::SpecId;
use revm::{Database, MainBuilder, context::result::HaltReason};

use crate::fault::Fault;
use crate::reads::Reads;
use crate::recover::recover;
use crate::transaction::{ACCESS_LIST, LEGACY, SET_CODE, Transaction};
use crate::watch::Watch;

/// What opcodes can know of the block they run in.
#[derive(Debug, Clone)]
pub struct Environment {
    pub number: u64,
    pub timestamp: u64,
    pub coinbase: Address,
    pub gas_limit: u64,
    pub prev_randao: B256,
    pub chain_id: u64,
    pub base_fee: u64,
}

/// A block's context over a database, with the watch in the place for a chain's own data.
pub type Machine<'a, D = Reads<'a>> = Context<BlockEnv, TxEnv, CfgEnv, D, Journal<D>, Watch<'a>>;
type Plain<D> = Context<BlockEnv, TxEnv, CfgEnv, D, Journal<D>, ()>;
pub type Evm<'a, I = (), D = Reads<'a>> = MainnetEvm<Machine<'a, D>, I>;
type Step<'b, 'a, D> = InstructionContext<'b, Machine<'a, D>, EthInterpreter>;

/// A database whose failures are ours.
pub trait Source: Database<Error = Fault> {}
impl<D: Database<Error = Fault>> Source for D {}

/// What revm is told where work is given up.
pub const ABANDONED: &str = "execution: abandoned within a transaction";

fn give_up<D: Source>(step: &mut Step<'_, '_, D>) -> bool {
    if !step.host.chain.tick() {
        return false;
    }
    step.host.error = Err(ContextError::Custom(ABANDONED.into()));
    true
}

fn jump<D: Source>(mut step: Step<'_, '_, D>) -> InstructionExecResult {
    if give_up(&mut step) {
        return Err(InstructionResult::FatalExternalError);
    }
    control::jump(step)
}

fn jumpi<D: Source>(mut step: Step<'_, '_, D>) -> InstructionExecResult {
    if give_up(&mut step) {
        return Err(InstructionResult::FatalExternalError);
    }
    control::jumpi(step)
}

fn call<const KIND: u8, D: Source>(mut step: Step<'_, '_, D>) -> InstructionExecResult {
    if give_up(&mut step) {
        return Err(InstructionResult::FatalExternalError);
    }
    contract::call::<KIND, _, _>(step)
}

fn create<const IS_CREATE2: bool, D: Source>(mut step: Step<'_, '_, D>) -> InstructionExecResult {
    if give_up(&mut step) {
        return Err(InstructionResult::FatalExternalError);
    }
    contract::create::<IS_CREATE2, _, _>(step)
}

/// Return the context of a block over its reads.
pub fn machine<'a, D: Source>(env: &Environment, reads: D, watch: Watch<'a>) -> Machine<'a, D> {
    let cfg =
        CfgEnv::new().with_spec_and_mainnet_gas_params(SpecId::PRAGUE).with_chain_id(env.chain_id);
    let block = BlockEnv {
        number: U256::from(env.number),
        beneficiary: env.coinbase,
        timestamp: U256::from(env.timestamp),
        gas_limit: env.gas_limit,
        basefee: env.base_fee,
        difficulty: U256::ZERO,
        prevrandao: Some(env.prev_randao),
        blob_excess_gas_and_price: Some(BlobExcessGasAndPrice {
            excess_blob_gas: 0,
            blob_gasprice: 1,
        }),
        slot_num: 0,
    };
    let plain: Plain<D> = Context::new(reads, SpecId::PRAGUE);
    plain.with_cfg(cfg).with_block(block).with_chain(watch)
}

/// Return an EVM whose long work can be given up.
pub fn evm(machine: Machine<'_>) -> Evm<'_> {
    let mut evm = machine.build_mainnet();
    watch_jumps(&mut evm);
    evm
}

/// Have jumps and calls ask the block's watch.
pub fn watch_jumps<I, D: Source>(evm: &mut Evm<'_, I, D>) {
    let table = evm.instruction.instruction_table_mut();
    table[usize::from(JUMP)] = Instruction::new(jump::<D>);
    table[usize::from(JUMPI)] = Instruction::new(jumpi::<D>);
    table[usize::from(CALL)] = Instruction::new(call::<CALL, D>);
    table[usize::from(CALLCODE)] = Instruction::new(call::<CALLCODE, D>);
    table[usize::from(DELEGATECALL)] = Instruction::new(call::<DELEGATECALL, D>);
    table[usize::from(STATICCALL)] = Instruction::new(call::<STATICCALL, D>);
    table[usize::from(CREATE)] = Instruction::new(create::<false, D>);
    table[usize::from(CREATE2)] = Instruction::new(create::<true, D>);
}

/// Return a judged transaction as revm takes it.
pub fn tx_env(item: &Transaction, sender: Address) -> TxEnv {
    let single_price = item.kind == LEGACY || item.kind == ACCESS_LIST;
    TxEnv {
        tx_type: item.kind,
        caller: sender,
        gas_limit: item.gas,
        gas_price: item.max_fee.saturating_to(),
        kind: item.to.map_or(TxKind::Create, TxKind::Call),
        value: item.value,
        data: item.data.clone(),
        nonce: item.nonce,
        chain_id: item.chain_id,
        access_list: access_list(&item.access_list),
        gas_priority_fee: (!single_price).then(|| item.max_priority_fee.saturating_to()),
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: if item.kind == SET_CODE { authorizations(item) } else { Vec::new() },
    }
}

/// Return an access list as revm takes it.
pub fn access_list(entries: &[(Address, Vec<B256>)]) -> AccessList {
    let items = entries
        .iter()
        .map(|(address, slots)| AccessListItem { address: *address, storage_keys: slots.clone() });
    AccessList(items.collect())
}

type Authorized = Either<alloy_eip7702::SignedAuthorization, RecoveredAuthorization>;

fn authorizations(item: &Transaction) -> Vec<Authorized> {
    let one = |signed: &crate::transaction::Authorization| {
        let authority = recover(signed.digest(), signed.r, signed.s, signed.y_parity);
        let authority = authority.map_or(RecoveredAuthority::Invalid, RecoveredAuthority::Valid);
        let (chain_id, address, nonce) = (signed.chain_id, signed.address, signed.nonce);
        let inner = Authorization { chain_id, address, nonce };
        Either::Right(RecoveredAuthorization::new_unchecked(inner, authority))
    };
    item.authorizations.iter().map(one).collect()
}

/// How a transaction or call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Success,
    Revert,
    Halt,
}

/// What one transaction or call did.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub status: Status,
    pub gas_used: u64,
    pub logs: Vec<alloy_primitives::Log>,
    pub output: alloy_primitives::Bytes,
    pub created: Option<Address>,
    /// Why it halted, in revm's words.
    pub reason: String,
}

/// Return revm's result in our terms.
pub fn outcome(result: ExecutionResult<HaltReason>) -> Outcome {
    let gas_used = result.tx_gas_used();
    let failed = |status, output, reason| Outcome {
        status,
        gas_used,
        logs: Vec::new(),
        output,
        created: None,
        reason,
    };
    match result {
        ExecutionResult::Success { logs, output, .. } => {
            let created = match output {
                Output::Create(_, created) => created,
                Output::Call(_) => None,
            };
            let output = output.into_data();
            let (status, reason) = (Status::Success, String::new());
            Outcome { status, gas_used, logs, output, created, reason }
        }
        ExecutionResult::Revert { output, .. } => failed(Status::Revert, output, "reverted".into()),
        ExecutionResult::Halt { reason, .. } => {
            failed(Status::Halt, Default::default(), format!("{reason:?}"))
        }
    }
}

/// Return revm's error in our terms: ours, since all that a transaction can do wrong was judged.
pub fn fault(error: EVMError<Fault>) -> Fault {
    match error {
        EVMError::Database(fault) => fault,
        EVMError::Custom(text) if text == ABANDONED => Fault::Abandoned(text),
        other => Fault::Engine(format!("revm failed on a valid transaction: {other:?}")),
    }
}
