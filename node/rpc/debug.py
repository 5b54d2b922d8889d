"""debug_trace*: how a transaction came to its outcome, by geth's tracers.

Only an engine that traces natively serves them (callTracer, prestateTracer with diffMode, struct
logs); on another they answer with one clear error. A block is run again over its parent's state, so
that state must still be kept. Time, steps and bytes of an answer are bounded.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson

from node.execution.engine import Cancel, Tracer
from node.rpc.backend import Backend
from node.rpc.calls import CALL_GAS_MAX, block_overridden, message_of, overridden
from node.rpc.dispatch import INVALID_PARAMS, SERVER_ERROR, Method, Params, RpcError
from node.rpc.params import argument, optional, to_hash, to_object, to_quantity
from node.rpc.shapes import Json, data
from node.spec.block import Block
from node.spec.types import Address

TRACES_MAX: Final = 1
"""Traces in work at once; more wait."""

TRACE_SECONDS_MAX: Final = 20.0

_OPTIONS: Final = frozenset(
    {"tracer", "tracerConfig", "enableMemory", "disableStack", "disableStorage"}
    | {"enableReturnData", "disableMemory", "disableReturnData"}
)
"""What of a client's options reaches the tracer; limits and time are ours."""


class DebugMethods:
    """Methods that run what was run, and tell."""

    def __init__(self, backend: Backend, deadline: Callable[[float], Cancel]) -> None:
        self._backend = backend
        self._deadline = deadline
        self._turn = asyncio.Semaphore(TRACES_MAX)

    def methods(self) -> dict[str, Method]:
        """Return the method table."""
        return {
            "debug_traceTransaction": self.trace_transaction,
            "debug_traceCall": self.trace_call,
            "debug_traceBlockByNumber": self.trace_block_by_number,
            "debug_traceBlockByHash": self.trace_block_by_hash,
        }

    async def trace_transaction(self, params: Params) -> Any:
        """Return the trace of a transaction of the chain."""
        wanted = to_hash(argument(params, 0, "transaction hash"), "transaction hash")
        place = self._backend.store.blocks.place_of(wanted)
        if place is None:
            raise RpcError(SERVER_ERROR, "transaction not found")
        traced = range(place.index, place.index + 1)
        (trace,) = await self._block(place.number, _options(params, 1), traced)
        return orjson.Fragment(trace)

    async def trace_block_by_number(self, params: Params) -> list[Json]:
        """Return the traces of a block's transactions."""
        return await self._whole_block(params)

    async def trace_block_by_hash(self, params: Params) -> list[Json]:
        """Return the traces of the block with a hash."""
        to_hash(argument(params, 0, "block hash"), "block hash")
        return await self._whole_block(params)

    async def trace_call(self, params: Params) -> Any:
        """Return the trace of a call that nobody sent."""
        tracer, message = self._tracer(), message_of(params, CALL_GAS_MAX)
        fields, options = to_object(optional(params, 2, {}), "options"), _options(params, 2)
        number = self._backend.number(optional(params, 1, "latest"))
        header = self._backend.header(number)
        state = overridden(self._backend.state(number), fields.get("stateOverrides") or {})
        environment = block_overridden(
            self._backend.environment(header), fields.get("blockOverrides") or {}
        )
        async with self._turn:
            cancel = self._deadline(TRACE_SECONDS_MAX)
            trace = await asyncio.to_thread(
                tracer.trace_call, environment, message, state, options, cancel=cancel
            )
        return orjson.Fragment(trace)

    def _tracer(self) -> Tracer:
        engine = self._backend.engine
        if not isinstance(engine, Tracer):
            text = f"traces need the native engine, this node runs {engine.name}"
            raise RpcError(SERVER_ERROR, text)
        return engine

    async def _whole_block(self, params: Params) -> list[Json]:
        number = self._backend.number(argument(params, 0, "block"))
        found = self._backend.block(number)
        if found is None:
            raise RpcError(SERVER_ERROR, f"block #{number} not found")
        if number == 0:
            raise RpcError(SERVER_ERROR, "genesis is not traceable")
        resolved = self._backend.resolve(found[0].transactions)
        traced = range(len(resolved))
        traces = await self._block(number, _options(params, 1), traced) if resolved else []
        return [
            {"txHash": data(item.hash), "result": orjson.Fragment(trace)}
            for (item, _), trace in zip(resolved, traces, strict=True)
        ]

    async def _block(self, number: int, options: str, traced: range) -> Sequence[str]:
        tracer = self._tracer()
        found = self._backend.block(number)
        if found is None or number == 0:
            raise RpcError(SERVER_ERROR, "genesis is not traceable")
        async with self._turn:
            cancel = self._deadline(TRACE_SECONDS_MAX)
            return await asyncio.to_thread(self._run, tracer, found[0], options, traced, cancel)

    def _run(
        self, tracer: Tracer, block: Block, options: str, traced: range, cancel: Cancel
    ) -> list[str]:
        resolved = self._backend.resolve(block.transactions)
        senders = [Address(sender or b"") for _, sender in resolved]
        environment = self._backend.environment(block.header)
        parent = self._backend.state(block.header.number - 1)
        items = [item for item, _ in resolved]
        return tracer.trace_block(
            environment, items, senders, parent, options, traced, cancel=cancel
        )


def _options(params: Params, index: int) -> str:
    """Return the tracer's options as JSON, without what we decide ourselves."""
    fields = to_object(optional(params, index, {}), "options")
    kept = {name: value for name, value in fields.items() if name in _OPTIONS}
    if not isinstance(kept.get("tracer", ""), str):
        raise RpcError(INVALID_PARAMS, "invalid argument: tracer is no text")
    if fields.get("limit"):
        kept["limit"] = to_quantity(fields["limit"], "limit", 2**31)
    return orjson.dumps(kept).decode()
