//! What native work asks Python for while it runs: reads, trie nodes, whether to go on, the time.
//!
//! Each callback takes the GIL for itself, with no lock of ours held. The first error that one raises
//! ends the work and is raised again.

use std::sync::Mutex;

use alloy_primitives::{Address, B256, Bytes, U256};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use super::convert::{bytes, fixed};
use super::{Abandoned, Fault_, Invalid};
use crate::fault::{Fault, guarded};
use crate::reads::Source;
use crate::state_trie::{Account, Place, decode_account};

/// The first error that a callback raised, to be raised again when the work has ended.
#[derive(Default)]
pub struct Raised(Mutex<Option<PyErr>>);

impl Raised {
    pub fn keep(&self, error: PyErr) -> Fault {
        if let Ok(mut held) = self.0.lock() {
            held.get_or_insert(error);
        }
        Fault::Read
    }

    pub fn error(&self, fault: Fault) -> PyErr {
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
pub fn work<T: Send>(
    py: Python<'_>,
    raised: &Raised,
    task: impl FnOnce() -> Result<T, Fault> + Send,
) -> PyResult<T> {
    py.detach(|| guarded(task)).map_err(|fault| raised.error(fault))
}
/// A `PreState` by its four readers, each taking and returning bytes.
pub struct PythonSource<'a> {
    pub reads: &'a Py<PyAny>,
    pub raised: &'a Raised,
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
pub fn nodes(
    get_nodes: &Py<PyAny>,
    places: Vec<Place>,
    raised: &Raised,
) -> Result<Vec<Bytes>, Fault> {
    Python::attach(|py| {
        let given: Vec<_> = places
            .iter()
            .map(|(owner, path, hash)| {
                (owner.map(|owner| bytes(py, owner)), bytes(py, path), bytes(py, hash))
            })
            .collect();
        let found =
            get_nodes.call1(py, (given,)).and_then(|found| found.extract::<Vec<PyBackedBytes>>(py));
        found.map(|found| found.iter().map(|node| Bytes::copy_from_slice(node)).collect())
    })
    .map_err(|error| raised.keep(error))
}

/// Whether the caller gives up; an error in asking gives up too, and is raised afterwards.
pub fn asked(cancel: &Py<PyAny>, raised: &Raised) -> bool {
    Python::attach(|py| {
        let answer = cancel.call0(py).and_then(|answer| answer.is_truthy(py));
        answer.unwrap_or_else(|error| raised.keep(error) == Fault::Read)
    })
}

pub fn time(clock: &Py<PyAny>, raised: &Raised) -> f64 {
    Python::attach(|py| {
        let now = clock.call0(py).and_then(|now| now.extract::<f64>(py));
        now.unwrap_or_else(|error| {
            raised.keep(error);
            f64::INFINITY
        })
    })
}
