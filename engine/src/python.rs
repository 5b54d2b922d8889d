//! The one file that knows of Python: arguments in, plain tuples out, errors as three exceptions.
//!
//! All work runs without the GIL and guarded against panics. Callbacks take the GIL for themselves and
//! are made with no lock held. `engine/dataccord_engine.pyi` is this module's face, checked by
//! stubtest.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use alloy_primitives::{Address, B256, Bytes, FixedBytes, U256};
use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyInt, PyList, PyTuple};

use crate::call::{self, Message};
use crate::diff::{Change, Diff};
use crate::evm::{Environment, Outcome, Status};
use crate::execute::{Executed, Work, fill, run_all};
use crate::fault::{Fault, Refusal, guarded};
use crate::reads::{HeadCache, Reads, Source};
use crate::recover::{Recovered, recover_all};
use crate::state_trie::{Account, Place, StateTrie, decode_account};
use crate::watch::Watch;

create_exception!(dataccord_engine, Invalid, PyException, "A transaction: (index, what, why).");
create_exception!(dataccord_engine, Abandoned, PyException, "The caller did not want the result.");
create_exception!(dataccord_engine, Fault_, PyException, "The engine failed.");

/// The first error that a callback raised, to be raised again when the work has ended.
#[derive(Default)]
struct Raised(Mutex<Option<PyErr>>);

impl Raised {
    fn keep(&self, error: PyErr) -> Fault {
        if let Ok(mut held) = self.0.lock() {
            held.get_or_insert(error);
        }
        Fault::Read
    }

    fn error(&self, fault: Fault) -> PyErr {
        let held = self.0.lock().ok().and_then(|mut held| held.take());
        match (held, fault) {
            (Some(error), _) => error,
            (None, Fault::Invalid(index, item)) => Invalid::new_err((index, item.what, item.why)),
            (None, Fault::Abandoned(text)) => Abandoned::new_err(text),
            (None, fault) => Fault_::new_err(fault.to_string()),
        }
    }
}

/// Do work without the GIL; a panic becomes a fault.
fn work<T: Send>(
    py: Python<'_>,
    raised: &Raised,
    task: impl FnOnce() -> Result<T, Fault> + Send,
) -> PyResult<T> {
    py.detach(|| guarded(task)).map_err(|fault| raised.error(fault))
}

fn fixed<const N: usize>(data: &[u8]) -> PyResult<FixedBytes<N>> {
    FixedBytes::try_from(data).map_err(|_| PyValueError::new_err(format!("not {N} bytes")))
}

fn address(data: &[u8]) -> PyResult<Address> {
    fixed::<20>(data).map(Address)
}

fn bytes<'py>(py: Python<'py>, data: impl AsRef<[u8]>) -> Bound<'py, PyBytes> {
    PyBytes::new(py, data.as_ref())
}

fn int<'py>(py: Python<'py>, value: U256) -> PyResult<Bound<'py, PyAny>> {
    match u64::try_from(value) {
        Ok(small) => Ok(small.into_pyobject(py)?.into_any()),
        Err(_) => py
            .get_type::<PyInt>()
            .call_method1("from_bytes", (bytes(py, value.to_be_bytes::<32>()), "big")),
    }
}

/// A `PreState` by its four readers, each taking and returning bytes.
struct PythonSource<'a> {
    reads: &'a Py<PyAny>,
    raised: &'a Raised,
}

impl PythonSource<'_> {
    fn ask<T>(&self, ask: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T>) -> Result<T, Fault> {
        Python::attach(|py| ask(self.reads.bind(py)).map_err(|error| self.raised.keep(error)))
    }
}

impl Source for PythonSource<'_> {
    fn account(&self, place: Address) -> Result<Option<Account>, Fault> {
        let found: Option<PyBackedBytes> = self.ask(|reads| {
            let key = bytes(reads.py(), place);
            Ok(reads.call_method1(pyo3::intern!(reads.py(), "account_bytes"), (key,))?.extract()?)
        })?;
        found.map(|data| decode_account(&data)).transpose()
    }

    fn storage(&self, place: Address, slot: U256) -> Result<U256, Fault> {
        let found: PyBackedBytes = self.ask(|reads| {
            let key = (bytes(reads.py(), place), bytes(reads.py(), slot.to_be_bytes::<32>()));
            Ok(reads.call_method1(pyo3::intern!(reads.py(), "slot_bytes"), key)?.extract()?)
        })?;
        U256::try_from_be_slice(&found).ok_or_else(|| Fault::Engine("a slot above 256 bits".into()))
    }

    fn code(&self, code_hash: B256) -> Result<Bytes, Fault> {
        let found: PyBackedBytes = self.ask(|reads| {
            let key = bytes(reads.py(), code_hash);
            Ok(reads.call_method1(pyo3::intern!(reads.py(), "code"), (key,))?.extract()?)
        })?;
        Ok(Bytes::copy_from_slice(&found))
    }

    fn block_hash(&self, number: u64) -> Result<B256, Fault> {
        self.ask(|reads| {
            let name = pyo3::intern!(reads.py(), "block_hash");
            let found: PyBackedBytes = reads.call_method1(name, (number,))?.extract()?;
            fixed::<32>(&found)
        })
    }
}

fn transaction<'py>(
    py: Python<'py>,
    raw: PyBackedBytes,
    found: Recovered,
) -> PyResult<Bound<'py, PyAny>> {
    let (item, sender) = found;
    let mut listed = Vec::with_capacity(item.access_list.len());
    for (place, slots) in &item.access_list {
        let slots =
            slots.iter().map(|slot| int(py, (*slot).into())).collect::<PyResult<Vec<_>>>()?;
        listed.push((bytes(py, place), PyTuple::new(py, slots)?));
    }
    let mut authorizations = Vec::with_capacity(item.authorizations.len());
    for signed in &item.authorizations {
        let (chain_id, r, s) = (int(py, signed.chain_id)?, int(py, signed.r)?, int(py, signed.s)?);
        let place = bytes(py, signed.address);
        authorizations.push((chain_id, place, signed.nonce, signed.y_parity, r, s));
    }
    let fields = [
        item.kind.into_pyobject(py)?.into_any(),
        item.chain_id.into_pyobject(py)?.into_any(),
        item.nonce.into_pyobject(py)?.into_any(),
        int(py, item.max_priority_fee)?,
        int(py, item.max_fee)?,
        item.gas.into_pyobject(py)?.into_any(),
        item.to.map(|to| bytes(py, to)).into_pyobject(py)?.into_any(),
        int(py, item.value)?,
        bytes(py, &item.data).into_any(),
        PyTuple::new(py, listed)?.into_any(),
        PyTuple::new(py, authorizations)?.into_any(),
        item.y_parity.into_pyobject(py)?.into_any(),
        int(py, item.r)?,
        int(py, item.s)?,
        bytes(py, item.signing_hash).into_any(),
        bytes(py, item.hash).into_any(),
        raw.into_pyobject(py)?.into_any(),
    ];
    let sender = sender.map(|sender| bytes(py, sender));
    Ok((PyTuple::new(py, fields)?, sender).into_pyobject(py)?.into_any())
}

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

fn outcome<'py>(py: Python<'py>, done: &Outcome) -> PyResult<Bound<'py, PyTuple>> {
    let status = match done.status {
        Status::Success => "success",
        Status::Revert => "revert",
        Status::Halt => "halt",
    };
    let mut logs = Vec::with_capacity(done.logs.len());
    for log in &done.logs {
        let topics = log.topics().iter().map(|topic| bytes(py, topic));
        logs.push((bytes(py, log.address), PyTuple::new(py, topics)?, bytes(py, &log.data.data)));
    }
    let created = done.created.map(|created| bytes(py, created));
    let output = bytes(py, &done.output);
    (status, done.gas_used, PyTuple::new(py, logs)?, output, created, &done.reason)
        .into_pyobject(py)
}

/// An account's change as Python gives it: nonce, balance, code hash, slots, storage cleared.
type Given = (u64, PyBackedBytes, PyBackedBytes, Vec<(PyBackedBytes, PyBackedBytes)>, bool);

fn change(given: Given) -> PyResult<Change> {
    let word = |data: &PyBackedBytes| fixed::<32>(data).map(|word| U256::from_be_bytes(word.0));
    let (nonce, balance, code_hash, slots, storage_cleared) = given;
    let mut slots = slots
        .iter()
        .map(|(slot, value)| Ok((word(slot)?, word(value)?)))
        .collect::<PyResult<Vec<_>>>()?;
    slots.sort_unstable();
    let (balance, code_hash) = (word(&balance)?, fixed::<32>(&code_hash)?);
    Ok(Change { nonce, balance, code_hash, slots, storage_cleared })
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

/// A block's environment: number, timestamp, coinbase, gas limit, randao, chain id, base fee.
type Env = (u64, u64, PyBackedBytes, u64, PyBackedBytes, u64, u64);

fn environment(env: Env) -> PyResult<Environment> {
    let (number, timestamp, coinbase, gas_limit, prev_randao, chain_id, base_fee) = env;
    let (coinbase, prev_randao) = (address(&coinbase)?, fixed::<32>(&prev_randao)?);
    Ok(Environment { number, timestamp, coinbase, gas_limit, prev_randao, chain_id, base_fee })
}

/// A message: sender, recipient, data, value, gas, access list.
type Call = (
    PyBackedBytes,
    Option<PyBackedBytes>,
    PyBackedBytes,
    PyBackedBytes,
    u64,
    Vec<(PyBackedBytes, Vec<PyBackedBytes>)>,
);
type Touched<'py> = (Bound<'py, PyBytes>, Vec<Bound<'py, PyAny>>);

fn call_message(given: Call) -> PyResult<Message> {
    let (sender, to, data, value, gas, listed) = given;
    let mut access_list = Vec::with_capacity(listed.len());
    for (place, slots) in &listed {
        let slots = slots.iter().map(|slot| fixed::<32>(slot)).collect::<PyResult<Vec<_>>>()?;
        access_list.push((address(place)?, slots));
    }
    let to = to.map(|to| address(&to)).transpose()?;
    let (sender, value) = (address(&sender)?, U256::from_be_bytes(fixed::<32>(&value)?.0));
    Ok(Message { sender, to, data: Bytes::copy_from_slice(&data), value, gas, access_list })
}

type Write = (PyBackedBytes, PyBackedBytes, PyBackedBytes);

fn system_writes(given: &[Write]) -> PyResult<Vec<(Address, U256, U256)>> {
    let one = |(place, slot, value): &Write| {
        Ok((address(place)?, fixed::<32>(slot)?.into(), fixed::<32>(value)?.into()))
    };
    given.iter().map(one).collect()
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
    #[allow(clippy::too_many_arguments, reason = "each is one thing that a call is run with")]
    fn trace<'py>(
        &self,
        py: Python<'py>,
        env: Env,
        message: Call,
        reads: Py<PyAny>,
        root: Option<PyBackedBytes>,
        cancel: Py<PyAny>,
    ) -> PyResult<(Bound<'py, PyTuple>, Vec<Touched<'py>>)> {
        let (raised, env, message) = (Raised::default(), environment(env)?, call_message(message)?);
        let root = root.map(|root| fixed::<32>(&root)).transpose()?;
        let (done, touched) = work(py, &raised, || {
            let source = PythonSource { reads: &reads, raised: &raised };
            let cancelled = || asked(&cancel, &raised);
            let watch = Watch::new(&cancelled, &|| 0.0);
            call::trace(&env, &message, Reads::new(&source, &self.cache, root), watch)
        })?;
        let mut listed = Vec::with_capacity(touched.len());
        for (place, slots) in touched {
            let slots = slots.into_iter().map(|slot| int(py, slot)).collect::<PyResult<_>>()?;
            listed.push((bytes(py, place), slots));
        }
        Ok((outcome(py, &done)?, listed))
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

fn nodes(
    get_nodes: &Py<PyAny>,
    places: Vec<Place>,
    raised: &Raised,
) -> Result<Vec<Vec<u8>>, Fault> {
    Python::attach(|py| {
        let given: Vec<_> = places
            .iter()
            .map(|(owner, path, hash)| {
                (owner.map(|owner| bytes(py, owner)), bytes(py, path), bytes(py, hash))
            })
            .collect();
        let found =
            get_nodes.call1(py, (given,)).and_then(|found| found.extract::<Vec<PyBackedBytes>>(py));
        found.map(|found| found.iter().map(|node| node.to_vec()).collect())
    })
    .map_err(|error| raised.keep(error))
}

/// Whether the caller gives up; an error in asking gives up too, and is raised afterwards.
fn asked(cancel: &Py<PyAny>, raised: &Raised) -> bool {
    Python::attach(|py| {
        let answer = cancel.call0(py).and_then(|answer| answer.is_truthy(py));
        answer.unwrap_or_else(|error| raised.keep(error) == Fault::Read)
    })
}

fn time(clock: &Py<PyAny>, raised: &Raised) -> f64 {
    Python::attach(|py| {
        let now = clock.call0(py).and_then(|now| now.extract::<f64>(py));
        now.unwrap_or_else(|error| {
            raised.keep(error);
            f64::INFINITY
        })
    })
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
    module.add_class::<PyEngine>()?;
    module.add_function(wrap_pyfunction!(recover, module)?)
}
