"""eth_call, eth_estimateGas and eth_createAccessList: messages run and forgotten, off the loop."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, TypeVar

import eth_abi

from node.execution.engine import BlockEnvironment, Cancel, Message, Outcome, PreState, Status
from node.execution.memory_state import OverriddenState, Override
from node.rpc.backend import Backend
from node.rpc.dispatch import INVALID_PARAMS, REVERTED, SERVER_ERROR, Method, Params, RpcError
from node.rpc.params import (
    argument,
    optional,
    to_address,
    to_data,
    to_hash,
    to_object,
    to_quantity,
)
from node.rpc.shapes import Json, data, quantity
from node.spec.crypto import keccak256
from node.spec.types import UINT64_MAX, ZERO_ADDRESS, Address

T = TypeVar("T")

CALL_GAS_MAX: Final = 50_000_000
CALLS_MAX: Final = 4
"""Calls in work at once; more wait."""

CALL_SECONDS_MAX: Final = 5.0
OVERRIDES_MAX: Final = 1_024
_ERROR_SELECTOR: Final = keccak256(b"Error(string)")[:4]


class CallMethods:
    """Methods that execute without a block."""

    def __init__(self, backend: Backend, deadline: Callable[[float], Cancel]) -> None:
        self._backend = backend
        self._slots = asyncio.Semaphore(CALLS_MAX)
        self._deadline = deadline

    def methods(self) -> dict[str, Method]:
        """Return the method table."""
        return {
            "eth_call": self.call,
            "eth_estimateGas": self.estimate_gas,
            "eth_createAccessList": self.create_access_list,
        }

    async def call(self, params: Params) -> str:
        """Return what a call returns; a revert is error 3 with its data."""
        message = message_of(params, CALL_GAS_MAX)
        outcome = await self._work(self._backend.engine.call, message, params)
        return data(_succeeded(outcome).return_data)

    async def estimate_gas(self, params: Params) -> str:
        """Return gas with which the message succeeds, within a 64th of the least."""
        message = message_of(params, CALL_GAS_MAX)
        found = await self._work(self._backend.engine.estimate, message, params)
        return quantity(found if isinstance(found, int) else _succeeded(found).gas_used)

    async def create_access_list(self, params: Params) -> Json:
        """Return what a message touches, and its gas when that is declared (EIP-2930)."""
        message = message_of(params, CALL_GAS_MAX)
        _, listed = await self._work(self._backend.engine.trace, message, params)
        declared = replace(message, access_list=listed)
        outcome, _ = await self._work(self._backend.engine.trace, declared, params)
        shape: Json = {
            "accessList": [
                {"address": data(place), "storageKeys": [f"0x{slot:064x}" for slot in slots]}
                for place, slots in listed
            ],
            "gasUsed": quantity(outcome.gas_used),
        }
        return shape if outcome.succeeded else shape | {"error": outcome.reason or "reverted"}

    async def _work(self, run: Callable[..., T], message: Message, params: Params) -> T:
        """Run a message on the state and block that the parameters name, off the loop."""
        number = self._backend.number(optional(params, 1, "latest"))
        environment = self._backend.environment(self._backend.header(number))
        state = overridden(self._backend.state(number), optional(params, 2, {}))
        environment = block_overridden(environment, optional(params, 3, {}))
        async with self._slots:
            cancel: Cancel = self._deadline(CALL_SECONDS_MAX)
            return await asyncio.to_thread(run, environment, message, state, cancel=cancel)


def overridden(state: PreState, value: Any) -> PreState:
    """Return a state with a call's replacements (its third parameter) in it."""
    overrides = parse_overrides(value)
    return OverriddenState(state, overrides) if overrides else state


_BLOCK_NUMBERS: Final = {
    "number": "number",
    "time": "timestamp",
    "gasLimit": "gas_limit",
    "baseFeePerGas": "base_fee",
}


def block_overridden(environment: BlockEnvironment, value: Any) -> BlockEnvironment:
    """Return a block's environment with a call's replacements (its fourth parameter) in it."""
    changes: dict[str, Any] = {}
    for name, part in to_object(value, "block overrides").items():
        if name in _BLOCK_NUMBERS:
            changes[_BLOCK_NUMBERS[name]] = to_quantity(part, name, UINT64_MAX)
        elif name in ("feeRecipient", "coinbase"):
            changes["coinbase"] = to_address(part, name)
        elif name in ("prevRandao", "random"):
            changes["prev_randao"] = to_hash(part, name)
        else:
            raise RpcError(INVALID_PARAMS, f"invalid argument: unknown block override {name}")
    return replace(environment, **changes)


def parse_overrides(value: Any) -> dict[Address, Override]:
    """Return the accounts that a call's third parameter replaces."""
    fields = to_object(value, "state overrides")
    if len(fields) > OVERRIDES_MAX:
        raise RpcError(INVALID_PARAMS, f"more than {OVERRIDES_MAX} accounts overridden")
    return {to_address(key): _override(to_object(part, key)) for key, part in fields.items()}


def _override(fields: dict[str, Any]) -> Override:
    unknown = set(fields) - {"nonce", "balance", "code", "state", "stateDiff"}
    if unknown or ("state" in fields and "stateDiff" in fields):
        raise RpcError(INVALID_PARAMS, "invalid argument: unknown or conflicting state override")
    return Override(
        nonce=to_quantity(fields["nonce"], "nonce") if "nonce" in fields else None,
        balance=to_quantity(fields["balance"], "balance") if "balance" in fields else None,
        code=to_data(fields["code"], "code") if "code" in fields else None,
        state=_slots(fields["state"]) if "state" in fields else None,
        state_diff=_slots(fields["stateDiff"]) if "stateDiff" in fields else None,
    )


def _slots(value: Any) -> dict[int, int]:
    fields = to_object(value, "state override slots")
    if len(fields) > OVERRIDES_MAX:
        raise RpcError(INVALID_PARAMS, f"more than {OVERRIDES_MAX} slots overridden")
    return {to_quantity(key, "slot"): to_quantity(word, "word") for key, word in fields.items()}


def message_of(params: Params, gas_max: int) -> Message:
    """Return the message a client's object describes."""
    fields = to_object(argument(params, 0, "transaction"), "transaction")
    given, older_name = fields.get("input"), fields.get("data")
    if given is None:
        given = older_name
    elif older_name is not None and older_name != given:
        raise RpcError(INVALID_PARAMS, '"data" and "input" are set and not equal')
    gas = to_quantity(fields["gas"], "gas") if fields.get("gas") else gas_max
    return Message(
        sender=to_address(fields["from"], "from") if fields.get("from") else ZERO_ADDRESS,
        to=to_address(fields["to"], "to") if fields.get("to") else None,
        data=to_data(given, "input") if given is not None else b"",
        value=to_quantity(fields["value"], "value") if fields.get("value") else 0,
        gas=min(gas, gas_max),
        access_list=_access_list(fields.get("accessList") or []),
    )


def _access_list(value: Any) -> tuple[tuple[Address, tuple[int, ...]], ...]:
    if not isinstance(value, list):
        raise RpcError(INVALID_PARAMS, "invalid argument: accessList is no list")
    found = []
    for part in value:
        fields = to_object(part, "access list entry")
        keys = fields.get("storageKeys") or []
        if not isinstance(keys, list):
            raise RpcError(INVALID_PARAMS, "invalid argument: storageKeys is no list")
        slots = tuple(to_quantity(slot, "slot") for slot in keys)
        found.append((to_address(fields.get("address"), "address"), slots))
    return tuple(found)


def _succeeded(outcome: Outcome) -> Outcome:
    if outcome.succeeded:
        return outcome
    if outcome.status is Status.REVERT:
        reason = _reason(outcome.return_data)
        text = f"execution reverted: {reason}" if reason else "execution reverted"
        raise RpcError(REVERTED, text, data(outcome.return_data))
    raise RpcError(SERVER_ERROR, outcome.reason or "execution halted")


def _reason(revert: bytes) -> str:
    if revert[:4] != _ERROR_SELECTOR:
        return ""
    try:
        return str(eth_abi.decode(["string"], revert[4:])[0])
    except (eth_abi.exceptions.DecodingError, ValueError):
        return ""
