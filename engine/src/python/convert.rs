//! Values between Python and us: plain bytes, integers and tuples, checked as they come in.

use alloy_primitives::{Address, Bytes, FixedBytes, U256};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyInt, PyTuple};
use revm::bytecode::Bytecode;

use crate::call::Message;
use crate::diff::Change;
use crate::evm::{Environment, Outcome, Status};
use crate::reads::Override;
use crate::recover::Recovered;

pub fn fixed<const N: usize>(data: &[u8]) -> PyResult<FixedBytes<N>> {
    FixedBytes::try_from(data).map_err(|_| PyValueError::new_err(format!("not {N} bytes")))
}

pub fn address(data: &[u8]) -> PyResult<Address> {
    fixed::<20>(data).map(Address)
}

pub fn bytes<'py>(py: Python<'py>, data: impl AsRef<[u8]>) -> Bound<'py, PyBytes> {
    PyBytes::new(py, data.as_ref())
}

pub fn int<'py>(py: Python<'py>, value: U256) -> PyResult<Bound<'py, PyAny>> {
    match u64::try_from(value) {
        Ok(small) => Ok(small.into_pyobject(py)?.into_any()),
        Err(_) => py
            .get_type::<PyInt>()
            .call_method1("from_bytes", (bytes(py, value.to_be_bytes::<32>()), "big")),
    }
}
pub fn transaction<'py>(
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
pub fn outcome<'py>(py: Python<'py>, done: &Outcome) -> PyResult<Bound<'py, PyTuple>> {
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
pub type Given = (u64, PyBackedBytes, PyBackedBytes, Vec<(PyBackedBytes, PyBackedBytes)>, bool);

pub fn change(given: Given) -> PyResult<Change> {
    let (nonce, balance, code_hash, slots, storage_cleared) = given;
    let mut slots = words(&slots)?;
    slots.sort_unstable();
    let (balance, code_hash) = (word(&balance)?, fixed::<32>(&code_hash)?);
    Ok(Change { nonce, balance, code_hash, slots, storage_cleared })
}
/// A block's environment: number, timestamp, coinbase, gas limit, randao, chain id, base fee.
pub type Env = (u64, u64, PyBackedBytes, u64, PyBackedBytes, u64, u64);

pub fn environment(env: Env) -> PyResult<Environment> {
    let (number, timestamp, coinbase, gas_limit, prev_randao, chain_id, base_fee) = env;
    let (coinbase, prev_randao) = (address(&coinbase)?, fixed::<32>(&prev_randao)?);
    Ok(Environment { number, timestamp, coinbase, gas_limit, prev_randao, chain_id, base_fee })
}

/// A message: sender, recipient, data, value, gas, access list.
pub type Call = (
    PyBackedBytes,
    Option<PyBackedBytes>,
    PyBackedBytes,
    PyBackedBytes,
    u64,
    Vec<(PyBackedBytes, Vec<PyBackedBytes>)>,
);
pub type Touched<'py> = (Bound<'py, PyBytes>, Vec<Bound<'py, PyAny>>);

pub fn call_message(given: Call) -> PyResult<Message> {
    let (sender, to, data, value, gas, listed) = given;
    let mut access_list = Vec::with_capacity(listed.len());
    for (place, slots) in &listed {
        let slots = slots.iter().map(|slot| fixed::<32>(slot)).collect::<PyResult<Vec<_>>>()?;
        access_list.push((address(place)?, slots));
    }
    let to = to.map(|to| address(&to)).transpose()?;
    let (sender, value) = (address(&sender)?, word(&value)?);
    Ok(Message { sender, to, data: Bytes::copy_from_slice(&data), value, gas, access_list })
}

pub type Write = (PyBackedBytes, PyBackedBytes, PyBackedBytes);

pub fn system_writes(given: &[Write]) -> PyResult<Vec<(Address, U256, U256)>> {
    let one = |(place, slot, value): &Write| {
        Ok((address(place)?, fixed::<32>(slot)?.into(), fixed::<32>(value)?.into()))
    };
    given.iter().map(one).collect()
}

/// An account's replacements: address, nonce, balance, code, all its slots, some of them.
pub type GivenOverride = (
    PyBackedBytes,
    Option<u64>,
    Option<PyBackedBytes>,
    Option<PyBackedBytes>,
    Option<Slots>,
    Option<Slots>,
);
pub type Slots = Vec<(PyBackedBytes, PyBackedBytes)>;

pub fn overrides(given: Vec<GivenOverride>) -> PyResult<Vec<(Address, Override)>> {
    let mut made = Vec::with_capacity(given.len());
    for (place, nonce, balance, code, state, diff) in given {
        let code = code.map(|code| {
            // What begins like a delegation and is none runs as the code of an invalid opcode.
            let bytes = Bytes::copy_from_slice(&code);
            let code = Bytecode::new_raw_checked(bytes.clone());
            let code = code.unwrap_or_else(|_| Bytecode::new_legacy(bytes));
            (code.hash_slow(), code)
        });
        let change = Override {
            nonce,
            balance: balance.map(|balance| word(&balance)).transpose()?,
            code,
            state: state
                .map(|state| words(&state))
                .transpose()?
                .map(Vec::into_iter)
                .map(Iterator::collect),
            state_diff: words(&diff.unwrap_or_default())?.into_iter().collect(),
        };
        made.push((address(&place)?, change));
    }
    Ok(made)
}

fn word(data: &[u8]) -> PyResult<U256> {
    fixed::<32>(data).map(|word| U256::from_be_bytes(word.0))
}

fn words(pairs: &Slots) -> PyResult<Vec<(U256, U256)>> {
    pairs.iter().map(|(slot, value)| Ok((word(slot)?, word(value)?))).collect()
}
