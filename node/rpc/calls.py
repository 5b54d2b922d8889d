"""eth_call, eth_estimateGas and eth_createAccessList: messages run and forgotten, off the loop."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import eth_abi

from node.execution.engine import Cancel, Message, Outcome, PreState, Status
from node.execution.memory_state import OverriddenState, Override
from node.rpc.backend import Backend
from node.rpc.dispatch import INVALID_PARAMS, REVERTED, SERVER_ERROR, Method, Params, RpcError
from node.rpc.params import argument, optional, to_address, to_data, to_object, to_quantity
from node.rpc.shapes import Json, data, quantity
from node.spec.crypto import keccak256
from node.spec.transaction import AccessList
from node.spec.transaction_rules import TRANSACTION_GAS
from node.spec.types import ZERO_ADDRESS, Address

CALL_GAS_MAX: Final = 50_000_000
CALLS_MAX: Final = 4
"""Calls in work at once; more wait."""

CALL_SECONDS_MAX: Final = 5.0
OVERRIDES_MAX: Final = 1_024
_PRECOMPILES: Final = frozenset(Address(number.to_bytes(20, "big")) for number in range(1, 18))
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
        message = _message(params, CALL_GAS_MAX)
        return data(_succeeded(await self._run(message, params)).return_data)

    async def estimate_gas(self, params: Params) -> str:
        """Return gas with which the message succeeds, found by bisection from above."""
        limit = min(_message(params, CALL_GAS_MAX).gas, CALL_GAS_MAX)
        first = _succeeded(await self._run(_message(params, limit), params))
        low, high = max(first.gas_used, TRANSACTION_GAS) - 1, limit
        # Mostly what was used is enough; else a call within kept back its 64th part (EIP-150).
        for guess in (first.gas_used, min(limit, first.gas_used * 64 // 63 + 2_300)):
            if (await self._run(_message(params, guess, exact=True), params)).succeeded:
                high = guess
                break
        while high - low > max(1, high // 64):
            middle = (low + high) // 2
            outcome = await self._run(_message(params, middle, exact=True), params)
            low, high = (low, middle) if outcome.succeeded else (middle, high)
        return quantity(high)

    async def create_access_list(self, params: Params) -> Json:
        """Return what a message touches, and its gas when that is declared (EIP-2930).

        Sender, recipient, coinbase and precompiles are warm anyway: their bare addresses are left
        out.
        """
        message = _message(params, CALL_GAS_MAX)
        _, touched = await self._trace(message, params)
        coinbase = self._backend.header(optional(params, 1, "latest")).coinbase
        warm = {message.sender, message.to, coinbase, *_PRECOMPILES}
        listed = tuple((place, slots) for place, slots in touched if slots or place not in warm)
        outcome, _ = await self._trace(replace(message, access_list=listed), params)
        shape: Json = {
            "accessList": [
                {"address": data(place), "storageKeys": [f"0x{slot:064x}" for slot in slots]}
                for place, slots in listed
            ],
            "gasUsed": quantity(outcome.gas_used),
        }
        return shape if outcome.succeeded else shape | {"error": outcome.reason or "reverted"}

    async def _run(self, message: Message, params: Params) -> Outcome:
        return (await self._trace(message, params))[0]

    async def _trace(self, message: Message, params: Params) -> tuple[Outcome, AccessList]:
        if optional(params, 3):
            raise RpcError(INVALID_PARAMS, "block overrides are not supported")
        header = self._backend.header(optional(params, 1, "latest"))
        state: PreState = self._backend.store.state_at(header.state_root)
        overrides = parse_overrides(optional(params, 2, {}))
        if overrides:
            state = OverriddenState(state, overrides)
        environment = self._backend.environment(header)
        async with self._slots:
            cancel: Cancel = self._deadline(CALL_SECONDS_MAX)
            return await asyncio.to_thread(
                self._backend.engine.trace, environment, message, state, cancel=cancel
            )


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


def _message(params: Params, gas_max: int, *, exact: bool = False) -> Message:
    """Return the message a client's object describes; `exact` replaces its gas."""
    fields = to_object(argument(params, 0, "transaction"), "transaction")
    given, older_name = fields.get("input"), fields.get("data")
    if given is None:
        given = older_name
    elif older_name is not None and older_name != given:
        raise RpcError(INVALID_PARAMS, '"data" and "input" are set and not equal')
    gas = to_quantity(fields["gas"], "gas") if fields.get("gas") and not exact else gas_max
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
