//! geth's tracers (`debug_trace*`) by revm-inspectors: callTracer, prestateTracer, struct logs.
//!
//! What precedes the traced transaction in its block is run again first. An answer is bounded in
//! steps and bytes; beyond that it is given up with words for the client.

use std::cell::RefCell;

use alloy_primitives::{Address, B256, U256};
use alloy_rpc_types_trace::geth::GethDebugTracingOptions;
use revm::bytecode::Bytecode;
use revm::context::TxEnv;
use revm::context_interface::context::ContextError;
use revm::database::CacheDB;
use revm::inspector::InspectEvm;
use revm::interpreter::Interpreter;
use revm::interpreter::interpreter::EthInterpreter;
use revm::state::AccountInfo;
use revm::{Database, DatabaseCommit, DatabaseRef, ExecuteEvm, Inspector, MainBuilder};
use revm_inspectors::tracing::{DebugInspector, TransactionContext};

use crate::call::relax;
use crate::evm::{self, Environment, Evm, Machine, fault, watch_jumps};
use crate::fault::{Fault, Refusal};
use crate::reads::Reads;
use crate::watch::Watch;

/// Steps of one transaction in struct logs: each takes memory for its stack and, asked for, memory.
const STEPS_MAX: usize = 250_000;
const STEPS_WITH_MEMORY_MAX: usize = 25_000;

/// Bytes of one answer.
const ANSWER_BYTES_MAX: usize = 24 << 20;

/// A transaction or call to run; those with `traced` are answered for.
pub struct Item {
    pub tx: TxEnv,
    pub hash: Option<B256>,
    pub traced: bool,
}

/// Reads behind a shared reference, as a database below revm's own cache wants them.
struct Shared<'a>(RefCell<Reads<'a>>);

impl DatabaseRef for Shared<'_> {
    type Error = Fault;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Fault> {
        self.0.borrow_mut().basic(address)
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, Fault> {
        self.0.borrow_mut().code_by_hash(code_hash)
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Fault> {
        self.0.borrow_mut().storage(address, slot)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Fault> {
        self.0.borrow_mut().block_hash(number)
    }
}

type State<'a> = CacheDB<Shared<'a>>;

/// Ends a transaction that takes too many steps to write down.
struct StepLimit(usize);

impl<'a> Inspector<Machine<'a, State<'a>>, EthInterpreter> for StepLimit {
    fn step(&mut self, interpreter: &mut Interpreter, machine: &mut Machine<'a, State<'a>>) {
        match self.0.checked_sub(1) {
            Some(left) => self.0 = left,
            None => {
                machine.error = Err(ContextError::Custom(evm::ABANDONED.into()));
                interpreter.halt_fatal();
            }
        }
    }
}

type Tracer<'a> = Evm<'a, (StepLimit, DebugInspector), State<'a>>;

/// Run items in order; return the traces, as JSON, of those that are to be traced.
pub fn trace(
    env: &Environment,
    items: Vec<Item>,
    options: &str,
    is_call: bool,
    reads: Reads<'_>,
    watch: Watch<'_>,
) -> Result<Vec<String>, Fault> {
    let options = parse(options)?;
    let steps = steps_max(&options);
    let inspector = DebugInspector::new(options).map_err(|error| refused(&error.to_string()))?;
    let state = CacheDB::new(Shared(RefCell::new(reads)));
    let machine = evm::machine(env, state, watch);
    let mut evm: Tracer<'_> = machine.build_mainnet_with_inspector((StepLimit(steps), inspector));
    watch_jumps(&mut evm);
    if is_call {
        relax(&mut evm);
    }
    let (mut answers, mut size) = (Vec::new(), 0);
    for (index, item) in items.into_iter().enumerate() {
        if !item.traced {
            let done = evm.transact(item.tx).map_err(fault)?;
            evm.ctx.journaled_state.database.commit(done.state);
            continue;
        }
        evm.inspector.0 = StepLimit(steps);
        let answer = trace_one(&mut evm, item, index)?;
        size += answer.len();
        if size > ANSWER_BYTES_MAX {
            let text = format!("trace: the answer takes more than {ANSWER_BYTES_MAX} bytes");
            return Err(Fault::Abandoned(text));
        }
        answers.push(answer);
    }
    Ok(answers)
}

fn trace_one(evm: &mut Tracer<'_>, item: Item, index: usize) -> Result<String, Fault> {
    evm.inspector.1.fuse().map_err(|error| refused(&error.to_string()))?;
    let done = evm.inspect_tx(item.tx.clone()).map_err(fault)?;
    let place = TransactionContext { block_hash: None, tx_index: Some(index), tx_hash: item.hash };
    let state = &mut evm.ctx.journaled_state.database;
    let traced = evm
        .inspector
        .1
        .get_result(Some(place), &item.tx, &evm.ctx.block, &done, state)
        .map_err(|error| Fault::Engine(format!("trace: {error}")))?;
    state.commit(done.state);
    serde_json::to_string(&traced).map_err(|error| Fault::Engine(format!("trace: {error}")))
}

fn parse(options: &str) -> Result<GethDebugTracingOptions, Fault> {
    serde_json::from_str(options).map_err(|error| refused(&error.to_string()))
}

fn refused(why: &str) -> Fault {
    Fault::Invalid(0, Refusal::because("invalid tracer or tracer configuration", why))
}

fn steps_max(options: &GethDebugTracingOptions) -> usize {
    let is_default = options.tracer.as_ref().is_none_or(|tracer| tracer.as_str().is_empty());
    match options.config.enable_memory {
        Some(true) if is_default => STEPS_WITH_MEMORY_MAX,
        _ if is_default => STEPS_MAX,
        _ => usize::MAX,
    }
}
