"""The native engine's face: plain bytes, integers and tuples. `node.execution.native` wraps it."""

from collections.abc import Callable, Sequence
from typing import Any, final

__all__ = [
    "Abandoned",
    "Diff",
    "Engine",
    "Executed",
    "Fault",
    "Invalid",
    "State",
    "__version__",
    "recover",
]

__version__: str

_Environment = tuple[int, int, bytes, int, bytes, int, int]
_RecoveredItem = tuple[Any, ...]
_OutcomeParts = tuple[
    str, int, Sequence[tuple[bytes, tuple[bytes, ...], bytes]], bytes, bytes | None, str
]
_ChangeParts = tuple[int, int, bytes, dict[int, int], bool]
_GivenChange = tuple[int, bytes, bytes, list[tuple[bytes, bytes]], bool]
_GivenAccount = tuple[bytes, _GivenChange | None]
_CallParts = tuple[bytes, bytes | None, bytes, bytes, int, list[tuple[bytes, list[bytes]]]]
_Slots = list[tuple[bytes, bytes]]
_GivenOverride = tuple[bytes, int | None, bytes | None, bytes | None, _Slots | None, _Slots | None]
_Place = tuple[bytes | None, bytes, bytes]
_Node = tuple[bytes | None, bytes, bytes, bytes]
_UpdateParts = tuple[bytes, list[_Node], list[_Place], dict[bytes, bytes]]
_GetNodes = Callable[[Any], Sequence[bytes]]

class Invalid(Exception): ...
class Abandoned(Exception): ...
class Fault(Exception): ...

def recover(raws: list[bytes]) -> list[_RecoveredItem]: ...

@final
class Diff:
    def accounts(self) -> list[tuple[bytes, _ChangeParts | None]]: ...
    def codes(self) -> list[tuple[bytes, bytes]]: ...

@final
class Executed:
    def __len__(self) -> int: ...
    @property
    def diff(self) -> Diff: ...
    @property
    def chosen(self) -> list[int]: ...
    @property
    def refused(self) -> list[tuple[int, str, str]]: ...
    @property
    def gas_used(self) -> int: ...
    @property
    def bloom(self) -> bytes: ...
    @property
    def transactions_root(self) -> bytes: ...
    @property
    def receipts_root(self) -> bytes: ...
    @property
    def timings(self) -> tuple[float, float, float, float]: ...
    def receipts(self) -> list[bytes]: ...
    def log_index(self) -> list[tuple[int, bytes]]: ...
    def outcome(self, index: int) -> _OutcomeParts: ...

@final
class State:
    def __new__(
        cls, reads: object, root: bytes | None, replaced: list[_GivenOverride] = ...
    ) -> State: ...

@final
class Engine:
    def __new__(cls, entries_max: int, node_bytes_max: int) -> Engine: ...
    def execute(
        self,
        env: _Environment,
        raws: list[bytes],
        senders: list[bytes],
        reads: object,
        root: bytes | None,
        system: list[tuple[bytes, bytes, bytes]],
        cancel: Callable[[], bool],
        clock: Callable[[], float] | None = None,
        seconds: float | None = None,
    ) -> Executed: ...
    def trace(
        self, env: _Environment, message: _CallParts, state: State, cancel: Callable[[], bool]
    ) -> tuple[_OutcomeParts, list[tuple[bytes, list[int]]]]: ...
    def estimate(
        self,
        env: _Environment,
        message: _CallParts,
        least: int,
        state: State,
        cancel: Callable[[], bool],
    ) -> tuple[int | None, _OutcomeParts | None]: ...
    def debug_call(
        self,
        env: _Environment,
        message: _CallParts,
        state: State,
        options: str,
        cancel: Callable[[], bool],
    ) -> list[str]: ...
    def debug_block(
        self,
        env: _Environment,
        raws: list[bytes],
        senders: list[bytes],
        state: State,
        system: list[tuple[bytes, bytes, bytes]],
        options: str,
        first: int,
        last: int,
        cancel: Callable[[], bool],
    ) -> list[str]: ...
    def committed(self, parent: bytes, root: bytes, diff: Diff) -> None: ...
    def update(self, root: bytes, diff: Diff, get_nodes: _GetNodes) -> _UpdateParts: ...
    def update_given(
        self, root: bytes, accounts: list[_GivenAccount], get_nodes: _GetNodes
    ) -> _UpdateParts: ...
