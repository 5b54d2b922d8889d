"""eth_subscribe: new heads, logs and pending transactions, pushed to bounded subscribers."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson

from node.rpc.dispatch import INVALID_PARAMS, LIMIT_EXCEEDED, Method, Params, RpcError
from node.rpc.filters import parse_log_request
from node.rpc.params import argument, optional
from node.spec.receipt import Log
from node.storage.logs import LogFilter

SUBSCRIPTIONS_MAX: Final = 32
QUEUE_MAX: Final = 10_000
"""Notifications a subscriber may fall behind; then its connection is closed."""


class Subscriber:
    """One connection's subscriptions and its queue of notifications."""

    def __init__(self, send: Callable[[str], Awaitable[None]]) -> None:
        self.wants: dict[str, tuple[str, LogFilter | None]] = {}
        self.overflowed = False
        self._send = send
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(QUEUE_MAX)

    def push(self, identifier: str, result: Any) -> None:
        """Queue one notification; a full queue ends the connection."""
        body = {
            "jsonrpc": "2.0",
            "method": "eth_subscription",
            "params": {"subscription": identifier, "result": result},
        }
        try:
            self._queue.put_nowait(orjson.dumps(body))
        except asyncio.QueueFull:
            self.overflowed = True

    async def pump(self) -> None:
        """Send queued notifications until cancelled."""
        while not self.overflowed:
            await self._send((await self._queue.get()).decode())


class Subscriptions:
    """All subscribers of one node."""

    def __init__(self) -> None:
        self._subscribers: set[Subscriber] = set()

    def methods(self, subscriber: Subscriber) -> dict[str, Method]:
        """Return the two methods, bound to one connection."""

        async def subscribe(params: Params) -> str:
            return self._subscribe(subscriber, params)

        async def unsubscribe(params: Params) -> bool:
            found = subscriber.wants.pop(str(argument(params, 0, "subscription")), None)
            return found is not None

        return {"eth_subscribe": subscribe, "eth_unsubscribe": unsubscribe}

    def _subscribe(self, subscriber: Subscriber, params: Params) -> str:
        kind = argument(params, 0, "kind")
        if kind not in ("newHeads", "logs", "newPendingTransactions"):
            raise RpcError(INVALID_PARAMS, f"no {kind!r} subscription in eth namespace")
        if len(subscriber.wants) >= SUBSCRIPTIONS_MAX:
            raise RpcError(LIMIT_EXCEEDED, f"more than {SUBSCRIPTIONS_MAX} subscriptions")
        wanted = parse_log_request(optional(params, 1, {})).wanted if kind == "logs" else None
        identifier = "0x" + secrets.token_hex(16)
        subscriber.wants[identifier] = (kind, wanted)
        self._subscribers.add(subscriber)
        return identifier

    def forget(self, subscriber: Subscriber) -> None:
        """Drop a connection that has ended."""
        self._subscribers.discard(subscriber)

    @property
    def wanted(self) -> frozenset[str]:
        """Return the kinds that anyone waits for, so that nothing is shaped for nobody."""
        return frozenset(
            kind for subscriber in self._subscribers for kind, _ in subscriber.wants.values()
        )

    def announce(self, kind: str, result: Any, log: Log | None = None) -> None:
        """Push one result to all who want its kind; with a log, to those whose filter fits it."""
        for subscriber in self._subscribers:
            for identifier, (wanted, log_filter) in subscriber.wants.items():
                fits = log_filter is None or (log is not None and log_filter.matches(log))
                if wanted == kind and fits:
                    subscriber.push(identifier, result)
