"""Filters that are polled: eth_newFilter and its kin, bounded in number and forgotten when idle."""

import asyncio
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from node.rpc.dispatch import SERVER_ERROR, Method, Params, RpcError
from node.rpc.eth import EthMethods
from node.rpc.filters import LogRequest, parse_log_request
from node.rpc.params import argument
from node.spec.types import Hash32

FILTERS_MAX: Final = 1_000
IDLE_SECONDS_MAX: Final = 300.0
PENDING_MAX: Final = 10_000
"""Transactions kept for one filter between two polls; the oldest go first."""

PENDING_FILTERS_MAX: Final = 32
"""Filters of pending transactions: each keeps its own list."""


@dataclass(slots=True)
class _Filter:
    kind: str
    next_block: int
    request: LogRequest | None = None
    used_at: float = field(default_factory=time.monotonic)
    pending: deque[str] = field(default_factory=lambda: deque(maxlen=PENDING_MAX))


class PollingMethods:
    """All polled filters of one node."""

    def __init__(self, eth: EthMethods, head: Callable[[], int], hash_of: Any) -> None:
        self._eth = eth
        self._head = head
        self._hash_of = hash_of
        self._filters: OrderedDict[str, _Filter] = OrderedDict()
        self._pending: OrderedDict[str, _Filter] = OrderedDict()

    def methods(self) -> dict[str, Method]:
        """Return the method table."""
        return {
            "eth_newFilter": self.new_filter,
            "eth_newBlockFilter": self.new_block_filter,
            "eth_newPendingTransactionFilter": self.new_pending_filter,
            "eth_getFilterChanges": self.changes,
            "eth_getFilterLogs": self.all_logs,
            "eth_uninstallFilter": self.uninstall,
        }

    def announce_pending(self, transaction_hash: Hash32) -> None:
        """Tell pending filters of a transaction."""
        text = "0x" + transaction_hash.hex()
        for polled in self._pending.values():
            polled.pending.append(text)

    async def new_filter(self, params: Params) -> str:
        """Install a log filter."""
        request = parse_log_request(argument(params, 0, "filter"))
        return self._install(_Filter("logs", self._head() + 1, request))

    async def new_block_filter(self, _params: Params) -> str:
        """Install a filter of new blocks."""
        return self._install(_Filter("blocks", self._head() + 1))

    async def new_pending_filter(self, _params: Params) -> str:
        """Install a filter of pending transactions."""
        polled = _Filter("pending", 0)
        identifier = self._install(polled)
        self._pending[identifier] = polled
        if len(self._pending) > PENDING_FILTERS_MAX:
            self._forget(next(iter(self._pending)))
        return identifier

    async def changes(self, params: Params) -> list[Any]:
        """Return what came since the last poll."""
        polled = self._find(params)
        if polled.kind == "pending":
            found, polled.pending = list(polled.pending), deque(maxlen=PENDING_MAX)
            return found
        first, last = polled.next_block, self._head()
        polled.next_block = last + 1
        if polled.request is None:
            return ["0x" + self._hash_of(number).hex() for number in range(first, last + 1)]
        return await asyncio.to_thread(self._eth.find_logs, polled.request, first, last)

    async def all_logs(self, params: Params) -> list[Any]:
        """Return all logs of a log filter's whole range."""
        polled = self._find(params)
        if polled.request is None:
            raise RpcError(SERVER_ERROR, "filter not found")
        first, last = self._eth.log_range(polled.request)
        return await asyncio.to_thread(self._eth.find_logs, polled.request, first, last)

    async def uninstall(self, params: Params) -> bool:
        """Forget a filter."""
        return self._forget(str(argument(params, 0, "filter id")))

    def _forget(self, identifier: str) -> bool:
        self._pending.pop(identifier, None)
        return self._filters.pop(identifier, None) is not None

    def forget_idle(self) -> None:
        """Forget filters that nobody asked for a while."""
        now = time.monotonic()
        idle = [key for key, old in self._filters.items() if now - old.used_at > IDLE_SECONDS_MAX]
        for identifier in idle:
            self._forget(identifier)

    def _install(self, polled: _Filter) -> str:
        self.forget_idle()
        if len(self._filters) >= FILTERS_MAX:
            self._forget(next(iter(self._filters)))
        identifier = "0x" + secrets.token_hex(16)
        self._filters[identifier] = polled
        return identifier

    def _find(self, params: Params) -> _Filter:
        polled = self._filters.get(str(argument(params, 0, "filter id")))
        if polled is None:
            raise RpcError(SERVER_ERROR, "filter not found")
        polled.used_at = time.monotonic()
        return polled
