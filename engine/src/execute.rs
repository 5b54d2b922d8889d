//! The loop over a block's transactions, as `node.execution.transition` has it.
//!
//! `run_all` takes a block as it is, `fill` chooses from candidates; both judge each transaction by
//! `rules` on the account as it stands at that point, so a block that was built is one that checks.

use std::time::Instant;

use alloy_primitives::{Address, B256, Bloom, KECCAK256_EMPTY, U256, map::HashMap, map::HashSet};
use rayon::prelude::*;
use revm::context_interface::JournalTr;
use revm::state::{Account, EvmState};
use revm::{Database, ExecuteEvm};

use crate::diff::{Change, Diff};
use crate::evm::{self, Environment, Evm, Outcome, Status, tx_env};
use crate::fault::{Fault, Refusal};
use crate::reads::{HeadCache, Reads, Source};
use crate::receipts::{Receipt, encode_all, root_of_list};
use crate::rules::{Standing, check_against_account, check_block_gas, check_transaction};
use crate::transaction::{Transaction, decode};
use crate::watch::Watch;

/// What a block's transactions did, with every root but the state's.
#[derive(Debug)]
pub struct Executed {
    /// Which of those given ran.
    pub chosen: Vec<usize>,
    pub outcomes: Vec<Outcome>,
    pub receipts: Vec<Vec<u8>>,
    /// Each distinct emitter (place 0) and topic (by its place from 1), ascending.
    pub log_index: Vec<(u8, Vec<u8>)>,
    pub diff: Diff,
    pub gas_used: u64,
    pub bloom: Bloom,
    pub transactions_root: B256,
    pub receipts_root: B256,
    /// Candidates of a build that can not run.
    pub refused: Vec<(usize, Refusal)>,
    /// Where the time went.
    pub timings: Timings,
}

/// Seconds on the clock: decoding, running, comparing with the state before, receipts and roots.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timings {
    pub decode: f64,
    pub run: f64,
    pub diff: f64,
    pub receipts: f64,
}

/// A block's work as it was given.
pub struct Work<'a> {
    pub env: Environment,
    pub raws: &'a [&'a [u8]],
    pub senders: &'a [Address],
    pub source: &'a dyn Source,
    pub cache: &'a HeadCache,
    /// The root of the state that `source` reads, where it is known.
    pub root: Option<B256>,
    /// What system contracts write before the first transaction: contract, slot, value.
    pub system: &'a [(Address, U256, U256)],
    pub watch: Watch<'a>,
}

/// One block in the making.
struct Progress<'a> {
    env: Environment,
    evm: Evm<'a>,
    gas_used: u64,
    chosen: Vec<usize>,
    outcomes: Vec<Outcome>,
    refused: Vec<(usize, Refusal)>,
    timings: Timings,
    mark: Instant,
}

/// Decode raw transactions, on all cores where they are many.
pub fn decode_all(raws: &[&[u8]]) -> Vec<Result<Transaction, Refusal>> {
    raws.par_iter().with_min_len(64).map(|raw| decode(raw)).collect()
}

fn begin<'a>(work: Work<'a>) -> Progress<'a> {
    let mut reads = Reads::new(work.source, work.cache, work.root);
    reads.system =
        work.system.iter().map(|(place, slot, value)| ((*place, *slot), *value)).collect();
    let evm = evm::evm(evm::machine(&work.env, reads, work.watch));
    Progress {
        env: work.env,
        evm,
        gas_used: 0,
        chosen: Vec::new(),
        outcomes: Vec::new(),
        refused: Vec::new(),
        timings: Timings::default(),
        mark: Instant::now(),
    }
}

/// Run a block's transactions as they stand.
pub fn run_all(work: Work<'_>) -> Result<Executed, Fault> {
    let (raws, senders) = (work.raws, work.senders);
    let mut progress = begin(work);
    let decoded = decode_all(raws);
    progress.timings.decode = progress.lap();
    for (index, (item, sender)) in decoded.iter().zip(senders).enumerate() {
        progress.go_on()?;
        let item = item.as_ref().map_err(|refusal| Fault::Invalid(index, refusal.clone()))?;
        let verdict = progress.judge(item, *sender)?;
        verdict.map_err(|refusal| Fault::Invalid(index, refusal))?;
        progress.run(index, item, *sender)?;
    }
    let all: Vec<Transaction> = decoded.into_iter().flatten().collect();
    progress.finish(raws, &all)
}

/// Run the candidates that fit, in order, until the block is full or `seconds` have passed.
pub fn fill(work: Work<'_>, seconds: f64) -> Result<Executed, Fault> {
    let (raws, senders) = (work.raws, work.senders);
    let mut progress = begin(work);
    let begun = progress.evm.ctx.chain.now();
    let (mut passed_over, mut ran): (HashSet<Address>, _) = (HashSet::default(), Vec::new());
    // Decoded a run at a time: most of a full pool does not fit the block.
    for (place, run) in raws.chunks(1_024).enumerate() {
        let first = place * 1_024;
        progress.timings.run += progress.lap();
        let decoded = decode_all(run);
        progress.timings.decode += progress.lap();
        for (index, item) in (first..).zip(decoded) {
            progress.go_on()?;
            if progress.evm.ctx.chain.now() - begun >= seconds || progress.is_full() {
                return progress.finish(raws, &ran);
            }
            if passed_over.contains(&senders[index]) {
                continue;
            }
            let item = match item {
                Ok(item) => item,
                Err(refusal) => {
                    progress.refused.push((index, refusal));
                    continue;
                }
            };
            if progress.attempt(index, &item, senders[index], seconds)? {
                ran.push(item);
            } else {
                passed_over.insert(senders[index]);
            }
        }
    }
    progress.finish(raws, &ran)
}

impl Progress<'_> {
    /// Return the seconds since this was last asked.
    fn lap(&mut self) -> f64 {
        std::mem::replace(&mut self.mark, Instant::now()).elapsed().as_secs_f64()
    }

    fn go_on(&mut self) -> Result<(), Fault> {
        if self.evm.ctx.chain.is_cancelled() {
            return Err(Fault::Abandoned("execution: abandoned between transactions".into()));
        }
        Ok(())
    }

    /// Whether not even a transfer fits any more.
    fn is_full(&self) -> bool {
        self.env.gas_limit - self.gas_used < 21_000
    }

    fn judge(&mut self, item: &Transaction, sender: Address) -> Result<Result<(), Refusal>, Fault> {
        let base_fee = U256::from(self.env.base_fee);
        if let Err(refusal) = check_transaction(item, self.env.chain_id, base_fee) {
            return Ok(Err(refusal));
        }
        let standing = self.standing(sender)?;
        let left = self.env.gas_limit - self.gas_used;
        Ok(check_against_account(item, standing).and_then(|()| check_block_gas(item, left)))
    }

    /// Return the sender's account as it stands, without touching it.
    fn standing(&mut self, sender: Address) -> Result<Standing, Fault> {
        let journal = &mut self.evm.ctx.journaled_state;
        let info = match journal.inner.state.get(&sender) {
            Some(account) => Some(account.info.clone()),
            None => journal.database.basic(sender)?,
        };
        let info = info.unwrap_or_default();
        let is_contract = info.code_hash != KECCAK256_EMPTY && {
            let code = match info.code {
                Some(code) => code,
                None => journal.database.code(info.code_hash)?,
            };
            !code.is_empty() && !code.is_eip7702()
        };
        Ok(Standing { nonce: info.nonce, balance: info.balance, is_contract })
    }

    fn run(&mut self, index: usize, item: &Transaction, sender: Address) -> Result<(), Fault> {
        let result = self.evm.transact_one(tx_env(item, sender)).map_err(evm::fault)?;
        let outcome = evm::outcome(result);
        self.gas_used += outcome.gas_used;
        self.chosen.push(index);
        self.outcomes.push(outcome);
        Ok(())
    }

    /// Run a candidate; whether it ran. What can not run at all is refused by name.
    fn attempt(
        &mut self,
        index: usize,
        item: &Transaction,
        sender: Address,
        seconds: f64,
    ) -> Result<bool, Fault> {
        let limit = self.env.gas_limit;
        if item.gas > limit - self.gas_used && item.gas <= limit {
            return Ok(false);
        }
        if let Err(refusal) = self.judge(item, sender)? {
            self.refused.push((index, refusal));
            return Ok(false);
        }
        self.evm.ctx.chain.deadline = Some(self.evm.ctx.chain.now() + seconds);
        match self.run(index, item, sender) {
            Err(Fault::Abandoned(text)) => {
                self.go_on()?;
                let what = "transaction exceeds the execution budget";
                self.refused.push((index, Refusal::because(what, text)));
                Ok(false)
            }
            other => other.map(|()| true),
        }
    }

    fn finish(mut self, raws: &[&[u8]], ran: &[Transaction]) -> Result<Executed, Fault> {
        self.timings.run += self.lap();
        let state = self.evm.finalize();
        let diff = diff_of(&state, self.evm.ctx.journaled_state.db_mut())?;
        self.timings.diff = self.lap();
        let mut gas = 0;
        let receipts: Vec<Receipt<'_>> = ran
            .iter()
            .zip(&self.outcomes)
            .map(|(item, outcome)| {
                gas += outcome.gas_used;
                let succeeded = outcome.status == Status::Success;
                Receipt { kind: item.kind, succeeded, cumulative_gas: gas, logs: &outcome.logs }
            })
            .collect();
        let log_index = log_index(&self.outcomes);
        let included: Vec<&[u8]> = self.chosen.iter().map(|index| raws[*index]).collect();
        let ((receipts, bloom, receipts_root), transactions_root) = rayon::join(
            || {
                let (envelopes, bloom) = encode_all(&receipts);
                let root = root_of_list(&envelopes);
                (envelopes, bloom, root)
            },
            || root_of_list(&included),
        );
        self.timings.receipts = self.lap();
        Ok(Executed {
            timings: self.timings,
            chosen: self.chosen,
            outcomes: self.outcomes,
            receipts,
            log_index,
            diff,
            gas_used: self.gas_used,
            bloom,
            transactions_root,
            receipts_root,
            refused: self.refused,
        })
    }
}

fn log_index(outcomes: &[Outcome]) -> Vec<(u8, Vec<u8>)> {
    let mut found: HashSet<(u8, &[u8])> = HashSet::default();
    for log in outcomes.iter().flat_map(|outcome| &outcome.logs) {
        found.insert((0, log.address.as_slice()));
        found.extend((1..).zip(log.topics().iter().map(|topic| topic.as_slice())));
    }
    let mut found: Vec<_> =
        found.into_iter().map(|(place, value)| (place, value.to_vec())).collect();
    found.sort_unstable();
    found
}

/// Return what the journal leaves that differs from before the block.
fn diff_of(state: &EvmState, reads: &mut Reads<'_>) -> Result<Diff, Fault> {
    let mut written: HashMap<Address, Vec<(U256, U256)>> = HashMap::default();
    for ((address, slot), value) in reads.system.clone() {
        let held = state.get(&address).and_then(|account| account.storage.get(&slot));
        let value = held.map_or(value, |held| held.present_value);
        if reads.slot_before((address, slot))? != value {
            written.entry(address).or_default().push((slot, value));
        }
    }
    let mut diff = Diff::default();
    let mut addresses: HashSet<Address> = written.keys().copied().collect();
    addresses.extend(
        state.iter().filter(|(_, account)| account.is_touched()).map(|(address, _)| *address),
    );
    let mut addresses: Vec<Address> = addresses.into_iter().collect();
    addresses.sort_unstable();
    for address in addresses {
        let slots = written.remove(&address).unwrap_or_default();
        change_of(address, state.get(&address), slots, reads, &mut diff)?;
    }
    diff.codes.sort_unstable();
    diff.codes.dedup();
    Ok(diff)
}

fn change_of(
    address: Address,
    account: Option<&Account>,
    mut slots: Vec<(U256, U256)>,
    reads: &mut Reads<'_>,
    diff: &mut Diff,
) -> Result<(), Fault> {
    let before = reads.account_before(address)?;
    let now = account.map_or(before, |account| {
        let gone = account.is_selfdestructed_locally() || account.info.is_empty();
        (!gone).then_some((account.info.nonce, account.info.balance, account.info.code_hash))
    });
    let Some((nonce, balance, code_hash)) = now else {
        if before.is_some() {
            diff.accounts.push((address, None));
        }
        return Ok(());
    };
    for (slot, held) in account.iter().flat_map(|account| &account.storage) {
        let key = (address, *slot);
        if !reads.system.contains_key(&key) && held.present_value != reads.slot_if_read(key) {
            slots.push((*slot, held.present_value));
        }
    }
    slots.sort_unstable();
    if now == before && slots.is_empty() {
        return Ok(());
    }
    if code_hash != KECCAK256_EMPTY && before.is_none_or(|before| before.2 != code_hash) {
        let code = account.and_then(|account| account.info.code.clone());
        let code = code.ok_or_else(|| Fault::Engine(format!("no code for {address}")))?;
        diff.codes.push((code_hash, code.original_bytes()));
    }
    let change = Change { nonce, balance, code_hash, slots, storage_cleared: false };
    diff.accounts.push((address, Some(change)));
    Ok(())
}
