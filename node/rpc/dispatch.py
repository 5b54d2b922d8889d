"""From a JSON-RPC 2.0 body to an answer: parsing, batches, the method table, errors to codes."""

import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from copy import copy
from itertools import groupby
from typing import Any, Final

import orjson
import structlog

from node.errors import DataccordError, DecodeError, InvalidTransaction, SignatureError
from node.rpc.turns import Turns
from node.telemetry import Metrics

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
SERVER_ERROR: Final = -32000
NOT_FOUND: Final = -32001
LIMIT_EXCEEDED: Final = -32005
REVERTED: Final = 3

BATCH_MAX: Final = 1_000
ANSWER_BYTES_MAX: Final = 25 * 1024 * 1024
DEPTH_MAX: Final = 64
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\(?:.|\Z))*+(?:"|\Z)', re.DOTALL)
"""A string, or what an unclosed quote begins: so a scan passes every byte once."""
_OTHER_BYTES: Final = bytes(value for value in range(256) if value not in b"[]{}")

Params = list[Any]
Method = Callable[[Params], Awaitable[Any]]
Many = Callable[[Sequence[Params]], Awaitable[Sequence[Any]]]
"""Many calls of one method together; a call that fails is answered by its `RpcError`."""
log = structlog.get_logger()


class RpcError(DataccordError):
    """An error that a client receives: JSON-RPC code, message, and data where there is any."""

    def __init__(self, number: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.number = number
        self.data = data


class Dispatcher:
    """Answers bodies by a table of methods."""

    def __init__(
        self,
        methods: Mapping[str, Method],
        refused: Mapping[str, str],
        metrics: Metrics,
        many: Mapping[str, Many] | None = None,
    ) -> None:
        self.methods = methods
        self.refused = refused
        self.metrics = metrics
        self.many = many or {}
        self._turns = Turns()

    def with_methods(self, methods: Mapping[str, Method]) -> "Dispatcher":
        """Return a dispatcher that knows more methods and shares everything else."""
        wider = copy(self)
        wider.methods = {**self.methods, **methods}
        return wider

    async def answer(self, body: bytes) -> bytes:
        """Return the response to one request or batch; empty where only notifications came."""
        try:
            request = parse(body)
        except RpcError as error:
            return orjson.dumps(_failure(None, error))
        if isinstance(request, list):
            return await self._answer_batch(request)
        response = await self.call(request)
        return b"" if response is None else _encode(response)

    async def _answer_batch(self, requests: list[Any]) -> bytes:
        if not requests or len(requests) > BATCH_MAX:
            text = "empty batch" if not requests else "batch too large"
            return orjson.dumps(_failure(None, RpcError(INVALID_REQUEST, text)))
        parts: list[bytes] = []
        size = 0
        async for identifier, part in self._answers(requests):
            size += len(part)
            if size > ANSWER_BYTES_MAX:
                too_large = RpcError(LIMIT_EXCEEDED, "response too large")
                part = orjson.dumps(_failure(identifier, too_large))
            parts.append(part)
        return b"[" + b",".join(parts) + b"]" if parts else b""

    async def _answers(self, requests: list[Any]) -> AsyncIterator[tuple[Any, bytes]]:
        """Yield each answer's id and bytes, in the order of the requests."""
        turn_ends = await self._turns.begin()
        for name, run in groupby(requests, self._many_name):
            if name:
                for answer in await self._call_many(name, list(run)):
                    yield answer
                continue
            for request in run:
                turn_ends = await self._turns.pass_on(turn_ends)
                response = await self.call(request)
                if response is not None:
                    yield response["id"], _encode(response)

    def _many_name(self, request: Any) -> str:
        """Return the request's method where a batch calls it together with its neighbours."""
        if not isinstance(request, dict) or not isinstance(request.get("params"), list):
            return ""
        name = request.get("method")
        return name if isinstance(name, str) and name in self.many else ""

    async def _call_many(self, name: str, requests: list[Any]) -> list[tuple[Any, bytes]]:
        """Return ids and bytes of the answers to calls of one method, made together."""
        started = time.perf_counter()
        try:
            answers = await _guarded(name, self.many[name], [item["params"] for item in requests])
        except RpcError as error:
            answers = [error] * len(requests)
        parts = []
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, RpcError):
                self.metrics.rpc_errors.inc()
            if "id" in request:
                identifier = _id_of(request)
                parts.append((identifier, _encode(_response(identifier, answer))))
        self.metrics.rpc_seconds.observe(time.perf_counter() - started)
        return parts

    async def call(self, request: Any) -> dict[str, Any] | None:
        """Return the response object to one request; None to a notification."""
        started = time.perf_counter()
        identifier = _id_of(request)
        try:
            response = _response(identifier, await self._invoke(request))
        except RpcError as error:
            self.metrics.rpc_errors.inc()
            response = _failure(identifier, error)
        self.metrics.rpc_seconds.observe(time.perf_counter() - started)
        is_notification = isinstance(request, dict) and "id" not in request and "method" in request
        return None if is_notification else response

    async def _invoke(self, request: Any) -> Any:
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            raise RpcError(INVALID_REQUEST, "invalid request")
        name, params = request["method"], request.get("params")
        if not isinstance(params, list | None):
            raise RpcError(INVALID_PARAMS, "non-array args")
        method = self.methods.get(name)
        if method is None:
            why = self.refused.get(name) or self.refused.get(name.split("_")[0] + "_*")
            text = f"the method {name} does not exist/is not available"
            raise RpcError(METHOD_NOT_FOUND, f"{text}: {why}" if why else text)
        return await _guarded(name, method, params or [])


def refusal(error: DataccordError) -> RpcError:
    """Return what a client is told of an error that is no fault of ours."""
    if isinstance(error, RpcError):
        return error
    tells_why = isinstance(error, InvalidTransaction | DecodeError | SignatureError) and error.why
    return RpcError(SERVER_ERROR, f"{error.what}: {error.why}" if tells_why else error.what)


async def _guarded(name: str, method: Callable[[Any], Awaitable[Any]], params: Any) -> Any:
    """Run a method; whatever it raises on purpose becomes a client's error, the rest is ours."""
    try:
        return await method(params)
    except DataccordError as error:
        raise refusal(error) from error
    except Exception as error:
        log.exception("rpc_method_failed", method=name)
        raise RpcError(INTERNAL_ERROR, "internal error") from error


def parse(body: bytes) -> Any:
    """Return the JSON value of a body, its depth bounded before it is parsed.

    The depth is how often innermost pairs of brackets, outside strings, can be taken away; all of
    it runs in C, so a hostile body costs what reading it costs.
    """
    brackets = _STRING.sub(b"", body).translate(None, _OTHER_BYTES)
    for _ in range(DEPTH_MAX):
        fewer = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if fewer == brackets:
            break
        brackets = fewer
    if brackets:
        raise RpcError(PARSE_ERROR, "parse error: malformed, or nested too deep")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RpcError(PARSE_ERROR, "parse error") from error


def _encode(response: dict[str, Any]) -> bytes:
    data = orjson.dumps(response)
    if len(data) <= ANSWER_BYTES_MAX:
        return data
    return orjson.dumps(_failure(response["id"], RpcError(LIMIT_EXCEEDED, "response too large")))


def _id_of(request: Any) -> Any:
    identifier = request.get("id") if isinstance(request, dict) else None
    return identifier if isinstance(identifier, str | int | float | None) else None


def _response(identifier: Any, answer: Any) -> dict[str, Any]:
    if isinstance(answer, RpcError):
        return _failure(identifier, answer)
    return {"jsonrpc": "2.0", "id": identifier, "result": answer}


def _failure(identifier: Any, error: RpcError) -> dict[str, Any]:
    body: dict[str, Any] = {"code": error.number, "message": error.what}
    if error.data is not None:
        body["data"] = error.data
    return {"jsonrpc": "2.0", "id": identifier, "error": body}
