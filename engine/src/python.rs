//! The one module that knows of Python: arguments in, plain tuples out, errors as three exceptions.
//!
//! All work runs without the GIL and guarded against panics. `callbacks` is what work asks Python for,
//! `convert` how values cross. `engine/dataccord_engine.pyi` is this module's face, checked by
//! stubtest.

mod callbacks;
mod convert;

use std::sync::Arc;
use std::time::Instant;

use alloy_primitives::{Address, B256};
use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};

use self::callbacks::{PythonSource, Raised, asked, nodes, time, work};
use self::convert::{
    Call, Env, Given, GivenOverride, Touched, Write, address, bytes, call_message, change,
    environment, fixed, int, outcome, overrides, system_writes, transaction,
};
use crate::call;
use crate::diff::Diff;
use crate::evm::{Environment, tx_env};
use crate::execute::{Executed, Work, decode_all, fill, run_all};
use crate::fault::{Fault, Refusal};
use crate::reads::{HeadCache, Override, Reads, Source};
use crate::recover::recover_all;
use crate::state_trie::StateTrie;
use crate::tracing::{self, Item};
use crate::watch::Watch;

create_exception!(dataccord_engine, Invalid, PyException, "A transaction: (index, what, why).");
create_exception!(dataccord_engine, Abandoned, PyException, "The caller did not want the result.");
create_exception!(dataccord_engine, Fault_, PyException, "The engine failed.");

/// Decode raw transactions and recover their senders.
#[pyfunction]
fn recover<'py>(py: Python<'py>, raws: Vec<PyBackedBytes>) -> PyResult<Bound<'py, PyList>> {
    let found = work(py, &Raised::default(), || {
        Ok(recover_all(&raws.iter().map(|raw| &raw[..]).collect::<Vec<_>>()))
    })?;
    let mut items = Vec::with_capacity(raws.len());
    for (raw, found) in raws.into_iter().zip(found) {
        items.push(match found {
            Ok(found) => transaction(py, raw, found)?,
            Err(Refusal { what, why }) => (py.None(), what, why).into_pyobject(py)?.into_any(),
        });
    }
    PyList::new(py, items)
}
/// All that a block writes.
#[pyclass(frozen, name = "Diff", module = "dataccord_engine")]
struct PyDiff(Arc<Executed>);

#[pymethods]
impl PyDiff {
    /// Return (address, None or (nonce, balance, code hash, slots, storage cleared)), ascending.
    fn accounts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let items = PyList::empty(py);
        for (place, change) in &self.0.diff.accounts {
            let Some(change) = change else {
                items.append((bytes(py, place), py.None()))?;
                continue;
            };
            let slots = PyDict::new(py);
            for (slot, value) in &change.slots {
                slots.set_item(int(py, *slot)?, int(py, *value)?)?;
            }
            let (balance, code_hash) = (int(py, change.balance)?, bytes(py, change.code_hash));
            let parts = (change.nonce, balance, code_hash, slots, change.storage_cleared);
            items.append((bytes(py, place), parts))?;
        }
        Ok(items)
    }

    /// Return (code hash, code) of what is new.
    fn codes<'py>(&self, py: Python<'py>) -> Vec<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        self.0.diff.codes.iter().map(|(hash, code)| (bytes(py, hash), bytes(py, code))).collect()
    }
}

/// What a block's transactions did.
#[pyclass(frozen, name = "Executed", module = "dataccord_engine")]
struct PyExecuted(Arc<Executed>);

#[pymethods]
impl PyExecuted {
    #[getter]
    fn diff(&self) -> PyDiff {
        PyDiff(Arc::clone(&self.0))
    }

    /// Return which of the transactions given ran, by index.
    #[getter]
    fn chosen(&self) -> Vec<usize> {
        self.0.chosen.clone()
    }

    /// Return (index, what, why) of candidates that can not run.
    #[getter]
    fn refused(&self) -> Vec<(usize, String, String)> {
        let one = |(index, item): &(usize, Refusal)| (*index, item.what.clone(), item.why.clone());
        self.0.refused.iter().map(one).collect()
    }

    #[getter]
    fn gas_used(&self) -> u64 {
        self.0.gas_used
    }

    #[getter]
    fn bloom<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, self.0.bloom)
    }

    #[getter]
    fn transactions_root<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, self.0.transactions_root)
    }

    #[getter]
    fn receipts_root<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, self.0.receipts_root)
    }

    /// Return seconds by phase: decode, run, diff, receipts.
    #[getter]
    fn timings(&self) -> (f64, f64, f64, f64) {
        let spent = self.0.timings;
        (spent.decode, spent.run, spent.diff, spent.receipts)
    }

    /// Return the receipts' envelopes.
    fn receipts<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyBytes>> {
        self.0.receipts.iter().map(|receipt| bytes(py, receipt)).collect()
    }

    /// Return each distinct emitter (place 0) and topic (by its place from 1), ascending.
    fn log_index<'py>(&self, py: Python<'py>) -> Vec<(u8, Bound<'py, PyBytes>)> {
        self.0.log_index.iter().map(|(place, value)| (*place, bytes(py, value))).collect()
    }

    /// Return (status, gas used, logs, output, created, reason) of one that ran.
    fn outcome<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyTuple>> {
        let done = self.0.outcomes.get(index);
        outcome(py, done.ok_or_else(|| PyValueError::new_err("no such transaction"))?)
    }

    fn __len__(&self) -> usize {
        self.0.outcomes.len()
    }
}
/// A state that calls read: its readers, its root where that is known, and replacements in it.
#[pyclass(frozen, name = "State", module = "dataccord_engine")]
struct State {
    reads: Py<PyAny>,
    root: Option<B256>,
    overrides: Vec<(Address, Override)>,
}

#[pymethods]
impl State {
    #[new]
    #[pyo3(signature = (reads, root, replaced=Vec::new()))]
    fn new(
        reads: Py<PyAny>,
        root: Option<PyBackedBytes>,
        replaced: Vec<GivenOverride>,
    ) -> PyResult<Self> {
        let root = root.map(|root| fixed::<32>(&root)).transpose()?;
        Ok(Self { reads, root, overrides: overrides(replaced)? })
    }
}

/// The engine: caches, and work upon them. Any thread may call.
#[pyclass(frozen, name = "Engine", module = "dataccord_engine")]
struct PyEngine {
    cache: HeadCache,
    trie: StateTrie,
}

#[pymethods]
impl PyEngine {
    #[new]
    fn new(entries_max: usize, node_bytes_max: usize) -> Self {
        Self { cache: HeadCache::new(entries_max), trie: StateTrie::new(node_bytes_max) }
    }

    /// Run a whole block, or with `seconds` fill one from candidates.
    #[allow(clippy::too_many_arguments, reason = "each is one thing that a block is run with")]
    #[pyo3(signature = (env, raws, senders, reads, root, system, cancel, clock=None, seconds=None))]
    fn execute(
        &self,
        py: Python<'_>,
        env: Env,
        raws: Vec<PyBackedBytes>,
        senders: Vec<PyBackedBytes>,
        reads: Py<PyAny>,
        root: Option<PyBackedBytes>,
        system: Vec<Write>,
        cancel: Py<PyAny>,
        clock: Option<Py<PyAny>>,
        seconds: Option<f64>,
    ) -> PyResult<PyExecuted> {
        let (raised, begun) = (Raised::default(), Instant::now());
        let (env, system) = (environment(env)?, system_writes(&system)?);
        let root = root.map(|root| fixed::<32>(&root)).transpose()?;
        let senders = senders.iter().map(|data| address(data)).collect::<PyResult<Vec<_>>>()?;
        if senders.len() != raws.len() {
            return Err(PyValueError::new_err("not a sender for each transaction"));
        }
        let executed = work(py, &raised, || {
            let source = PythonSource { reads: &reads, raised: &raised };
            let cancelled = || asked(&cancel, &raised);
            let now = || {
                clock
                    .as_ref()
                    .map_or_else(|| begun.elapsed().as_secs_f64(), |clock| time(clock, &raised))
            };
            let (raws, watch) =
                (raws.iter().map(|raw| &raw[..]).collect::<Vec<_>>(), Watch::new(&cancelled, &now));
            let (source, cache) = (&source as &dyn Source, &self.cache);
            let work = Work {
                env,
                raws: &raws,
                senders: &senders,
                source,
                cache,
                root,
                system: &system,
                watch,
            };
            match seconds {
                Some(seconds) => fill(work, seconds),
                None => run_all(work),
            }
        })?;
        Ok(PyExecuted(Arc::new(executed)))
    }

    /// Run a message; return its outcome's parts and what it touched as (address, slots).
    fn trace<'py>(
        &self,
        py: Python<'py>,
        env: Env,
        message: Call,
        state: &State,
        cancel: Py<PyAny>,
    ) -> PyResult<(Bound<'py, PyTuple>, Vec<Touched<'py>>)> {
        let message = call_message(message)?;
        let (done, touched) = self.on_state(py, env, state, &cancel, |env, reads, watch| {
            call::trace(env, &message, reads, watch)
        })?;
        let mut listed = Vec::with_capacity(touched.len());
        for (place, slots) in touched {
            let slots = slots.into_iter().map(|slot| int(py, slot)).collect::<PyResult<_>>()?;
            listed.push((bytes(py, place), slots));
        }
        Ok((outcome(py, &done)?, listed))
    }

    /// Return the least gas, within a 64th, for a message to succeed; or its outcome's parts.
    fn estimate<'py>(
        &self,
        py: Python<'py>,
        env: Env,
        message: Call,
        least: u64,
        state: &State,
        cancel: Py<PyAny>,
    ) -> PyResult<(Option<u64>, Option<Bound<'py, PyTuple>>)> {
        let message = call_message(message)?;
        let done = self.on_state(py, env, state, &cancel, |env, reads, watch| {
            call::estimate(env, &message, least, reads, watch)
        })?;
        Ok(match done {
            Ok(gas) => (Some(gas), None),
            Err(failed) => (None, Some(outcome(py, &failed)?)),
        })
    }

    /// Trace a call by geth's options; return JSON.
    fn debug_call(
        &self,
        py: Python<'_>,
        env: Env,
        message: Call,
        state: &State,
        options: &str,
        cancel: Py<PyAny>,
    ) -> PyResult<Vec<String>> {
        let message = call_message(message)?;
        self.on_state(py, env, state, &cancel, |env, reads, watch| {
            let item = Item { tx: message.tx_env(env.chain_id), hash: None, traced: true };
            tracing::trace(env, vec![item], options, true, reads, watch)
        })
    }

    /// Run a block's transactions and trace those from `first` to `last`; return JSON for each.
    #[allow(clippy::too_many_arguments, reason = "each is one thing that a block is traced with")]
    fn debug_block(
        &self,
        py: Python<'_>,
        env: Env,
        raws: Vec<PyBackedBytes>,
        senders: Vec<PyBackedBytes>,
        state: &State,
        system: Vec<Write>,
        options: &str,
        first: usize,
        last: usize,
        cancel: Py<PyAny>,
    ) -> PyResult<Vec<String>> {
        let system = system_writes(&system)?;
        let senders = senders.iter().map(|data| address(data)).collect::<PyResult<Vec<_>>>()?;
        self.on_state(py, env, state, &cancel, |env, mut reads, watch| {
            reads.system = system.iter().map(|(at, slot, value)| ((*at, *slot), *value)).collect();
            let raws: Vec<_> = raws.iter().take(last + 1).map(|raw| &raw[..]).collect();
            let mut items = Vec::with_capacity(raws.len());
            for (index, item) in decode_all(&raws).into_iter().enumerate() {
                let item = item.map_err(|refusal| Fault::Invalid(index, refusal))?;
                let sender = senders.get(index).copied().unwrap_or(Address::ZERO);
                let (tx, traced) = (tx_env(&item, sender), index >= first);
                items.push(Item { tx, hash: Some(item.hash), traced });
            }
            tracing::trace(env, items, options, false, reads, watch)
        })
    }

    /// Follow the ledger: the state under `root` is what `diff` made of that under `parent`.
    fn committed(
        &self,
        py: Python<'_>,
        parent: PyBackedBytes,
        root: PyBackedBytes,
        diff: &PyDiff,
    ) -> PyResult<()> {
        let (parent, root) = (fixed::<32>(&parent)?, fixed::<32>(&root)?);
        py.detach(|| self.cache.follow(parent, root, &diff.0.diff));
        Ok(())
    }

    /// Return the state root after a diff that an execution made, and the nodes that changed.
    fn update<'py>(
        &self,
        py: Python<'py>,
        root: PyBackedBytes,
        diff: &PyDiff,
        get_nodes: Py<PyAny>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        self.update_by(py, fixed::<32>(&root)?, &diff.0.diff, &get_nodes)
    }

    /// Return the same for a diff given as (address, None or change): ascending, words as 32 bytes.
    fn update_given<'py>(
        &self,
        py: Python<'py>,
        root: PyBackedBytes,
        accounts: Vec<(PyBackedBytes, Option<Given>)>,
        get_nodes: Py<PyAny>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let mut diff = Diff::default();
        for (place, given) in accounts {
            diff.accounts.push((address(&place)?, given.map(change).transpose()?));
        }
        self.update_by(py, fixed::<32>(&root)?, &diff, &get_nodes)
    }
}

impl PyEngine {
    /// Do work that reads a state, without the GIL.
    fn on_state<T: Send>(
        &self,
        py: Python<'_>,
        env: Env,
        state: &State,
        cancel: &Py<PyAny>,
        task: impl FnOnce(&Environment, Reads<'_>, Watch<'_>) -> Result<T, Fault> + Send,
    ) -> PyResult<T> {
        let (raised, env) = (Raised::default(), environment(env)?);
        work(py, &raised, || {
            let source = PythonSource { reads: &state.reads, raised: &raised };
            let cancelled = || asked(cancel, &raised);
            let mut reads = Reads::new(&source, &self.cache, state.root);
            reads.overrides = state.overrides.iter().cloned().collect();
            task(&env, reads, Watch::new(&cancelled, &|| 0.0))
        })
    }

    fn update_by<'py>(
        &self,
        py: Python<'py>,
        root: B256,
        diff: &Diff,
        get_nodes: &Py<PyAny>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let raised = Raised::default();
        let done = work(py, &raised, || {
            self.trie.update(root, diff, &|places| nodes(get_nodes, places, &raised))
        })?;
        let owner = |owner: Option<B256>| owner.map(|owner| bytes(py, owner));
        let made = done.made.iter().map(|(of, (path, hash, data))| {
            (owner(*of), bytes(py, path), bytes(py, hash), bytes(py, data))
        });
        let obsolete = done
            .obsolete
            .iter()
            .map(|(of, (path, hash))| (owner(*of), bytes(py, path), bytes(py, hash)));
        let leaves = PyDict::new(py);
        for (place, leaf) in &done.leaves {
            leaves.set_item(bytes(py, place), bytes(py, leaf))?;
        }
        let (made, obsolete): (Vec<_>, Vec<_>) = (made.collect(), obsolete.collect());
        (bytes(py, done.root), made, obsolete, leaves).into_pyobject(py)
    }
}
/// Native execution for `node.execution.native`.
#[pymodule]
fn dataccord_engine(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("Invalid", module.py().get_type::<Invalid>())?;
    module.add("Abandoned", module.py().get_type::<Abandoned>())?;
    module.add("Fault", module.py().get_type::<Fault_>())?;
    module.add_class::<PyDiff>()?;
    module.add_class::<PyExecuted>()?;
    module.add_class::<State>()?;
    module.add_class::<PyEngine>()?;
    module.add_function(wrap_pyfunction!(recover, module)?)
}
