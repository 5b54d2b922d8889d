"""The native engine: revm behind the same seam, whole blocks without the GIL.

`dataccord_engine` (built from `engine/`) does the work; this file turns our values into its plain
bytes and integers and back, as late as it can. Validity is judged there by the same rules as here
(`node.spec.transaction_rules`, translated), and `tests/differential` holds both engines to the same
bytes. A panic in native code arrives as `EngineFault`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Final, Protocol, cast

import dataccord_engine

from node.errors import DataccordError, DecodeError, EngineFault, InvalidTransaction
from node.execution.engine import (
    BlockEnvironment,
    Budget,
    Cancel,
    Execution,
    ExecutionAbandoned,
    GetNodes,
    Message,
    Outcome,
    PreState,
    Recovered,
    Status,
    never,
)
from node.execution.lazy import LazyMapping, LazySequence
from node.execution.memory_state import OverriddenState, Override
from node.execution.messages import check_message, needed_gas
from node.execution.system import system_writes
from node.spec.account import encode_account
from node.spec.receipt import Log, Receipt, decode_receipt
from node.spec.transaction import SET_CODE, AccessList, Authorization, Transaction
from node.spec.types import Account, AccountChange, Address, BlockDiff, Hash32, StateUpdate

HEAD_ENTRIES_MAX: Final = 100_000
"""Accounts, and slots, of the head's state that are kept in memory: about 25 MB full."""

PHASES: Final = ("decode", "run", "diff", "receipts")
"""What an execution's timings are of."""

NODE_BYTES_MAX: Final = 64 * 1024 * 1024
"""Bytes of trie nodes that are kept in memory."""


class RawReads(Protocol):
    """A pre-state as the native engine reads it."""

    def account_bytes(self, address: bytes) -> bytes | None:
        """Return the account's RLP, None where there is none."""
        ...

    def slot_bytes(self, address: bytes, slot: bytes) -> bytes:
        """Return a slot's value, big-endian."""
        ...

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with this hash."""
        ...

    def block_hash(self, number: int) -> Hash32:
        """Return the hash of an earlier block."""
        ...


class PreStateReads:
    """Any `PreState` as raw reads."""

    def __init__(self, pre: PreState) -> None:
        self._pre = pre
        self.code, self.block_hash = pre.code, pre.block_hash

    def account_bytes(self, address: bytes) -> bytes | None:
        """Return the account's RLP, None where there is none."""
        account = self._pre.account(Address(address))
        return None if account is None else encode_account(account)

    def slot_bytes(self, address: bytes, slot: bytes) -> bytes:
        """Return a slot's value, big-endian."""
        value = self._pre.storage(Address(address), int.from_bytes(slot, "big"))
        return value.to_bytes(32, "big")


def raw_reads(pre: PreState) -> RawReads:
    """Return a pre-state's own raw reads where it has them (the head's flat state does)."""
    if hasattr(pre, "account_bytes"):
        return cast(RawReads, pre)
    return PreStateReads(pre)


def root_of(pre: PreState) -> Hash32 | None:
    """Return the root whose state this is, where it says so."""
    return cast("Hash32 | None", getattr(pre, "root", None))


class NativeEngine:
    """`Engine` on `dataccord_engine`."""

    name = "native"
    heavy_gas_max: int | None = None

    def __init__(self) -> None:
        self.handle = dataccord_engine.Engine(HEAD_ENTRIES_MAX, NODE_BYTES_MAX)

    def recover(self, raws: Sequence[bytes]) -> list[Recovered]:
        """Decode raw transactions and recover their senders; see `Engine.recover`."""
        return [_recovered(item) for item in dataccord_engine.recover(list(raws))]

    def execute(
        self,
        env: BlockEnvironment,
        transactions: Sequence[Transaction],
        senders: Sequence[Address],
        pre: PreState,
        *,
        cancel: Cancel = never,
    ) -> Execution:
        """Run a whole block; see `Engine.execute`."""
        return self._run(env, transactions, senders, pre, None, cancel)

    def build(
        self,
        env: BlockEnvironment,
        candidates: Sequence[Transaction],
        senders: Sequence[Address],
        pre: PreState,
        *,
        budget: Budget,
        cancel: Cancel = never,
    ) -> Execution:
        """Run as many candidates as fit; see `Engine.build`."""
        return self._run(env, candidates, senders, pre, budget, cancel)

    def _run(
        self,
        env: BlockEnvironment,
        given: Sequence[Transaction],
        senders: Sequence[Address],
        pre: PreState,
        budget: Budget | None,
        cancel: Cancel,
    ) -> Execution:
        _go_on(cancel)
        clock = None if budget is None or budget.clock is monotonic else budget.clock
        with faults(f"block {env.number}"):
            done = self.handle.execute(
                environment(env),
                [item.raw for item in given],
                list(senders),
                raw_reads(pre),
                root_of(pre),
                _system(env, pre),
                cancel,
                clock,
                None if budget is None else budget.seconds,
            )
        return _execution(done, given, senders)

    def call(
        self, env: BlockEnvironment, message: Message, pre: PreState, *, cancel: Cancel = never
    ) -> Outcome:
        """Run one message and forget what it wrote; see `Engine.call`."""
        return self.trace(env, message, pre, cancel=cancel)[0]

    def trace(
        self, env: BlockEnvironment, message: Message, pre: PreState, *, cancel: Cancel = never
    ) -> tuple[Outcome, AccessList]:
        """Run one message; return its outcome and what it touched; see `Engine.trace`."""
        _go_on(cancel)
        check_message(message, (pre.account(message.sender) or Account()).balance)
        with faults("a call"):
            parts, touched = self.handle.trace(
                environment(env), _message(message), _state(pre), cancel
            )
        listed = tuple((Address(address), tuple(slots)) for address, slots in touched)
        return outcome(parts), listed

    def estimate(
        self, env: BlockEnvironment, message: Message, pre: PreState, *, cancel: Cancel = never
    ) -> int | Outcome:
        """Return the gas that a message needs; see `Engine.estimate`."""
        _go_on(cancel)
        check_message(message, (pre.account(message.sender) or Account()).balance)
        least = needed_gas(message)
        with faults("a call"):
            gas, parts = self.handle.estimate(
                environment(env), _message(message), least, _state(pre), cancel
            )
        return gas if parts is None else outcome(parts)  # type: ignore[return-value]

    def trace_block(
        self,
        env: BlockEnvironment,
        transactions: Sequence[Transaction],
        senders: Sequence[Address],
        pre: PreState,
        options: str,
        traced: range,
        *,
        cancel: Cancel = never,
    ) -> list[str]:
        """Run a block's transactions and trace some; see `Tracer.trace_block`."""
        _go_on(cancel)
        with faults(f"block {env.number}"):
            return self.handle.debug_block(
                environment(env),
                [item.raw for item in transactions],
                list(senders),
                _state(pre),
                _system(env, pre),
                options,
                traced.start,
                traced.stop - 1,
                cancel,
            )

    def trace_call(
        self,
        env: BlockEnvironment,
        message: Message,
        pre: PreState,
        options: str,
        *,
        cancel: Cancel = never,
    ) -> str:
        """Trace one message; see `Tracer.trace_call`."""
        _go_on(cancel)
        check_message(message, (pre.account(message.sender) or Account()).balance)
        with faults("a call"):
            (trace,) = self.handle.debug_call(
                environment(env), _message(message), _state(pre), options, cancel
            )
        return trace

    def committed(self, parent_root: Hash32, root: Hash32, diff: BlockDiff) -> None:
        """Keep what the head's state has become."""
        handle = diff_handle(diff)
        if handle is not None:
            self.handle.committed(parent_root, root, handle)


class NativeStateTrie:
    """`StateTrie` on the same engine, whose node cache it shares."""

    def __init__(self, engine: NativeEngine) -> None:
        self._handle = engine.handle

    def update(self, root: Hash32, diff: BlockDiff, get_nodes: GetNodes) -> StateUpdate:
        """Return the root after `diff`, and the nodes it makes and does without."""
        handle = diff_handle(diff)
        with faults("the state trie"):
            if handle is not None:
                parts = self._handle.update(root, handle, get_nodes)
            else:
                parts = self._handle.update_given(root, _given(diff), get_nodes)
        return StateUpdate(*cast("tuple[Hash32, list[object], list[object], object]", parts))  # type: ignore[arg-type]


@contextmanager
def faults(what: str) -> Iterator[None]:
    """Raise the native engine's errors as ours; `what` says what it was working on."""
    try:
        yield
    except dataccord_engine.Invalid as error:
        _, text, why = error.args
        raise InvalidTransaction(text, why=why) from None
    except dataccord_engine.Abandoned as error:
        raise ExecutionAbandoned(str(error)) from None
    except dataccord_engine.Fault as error:
        raise EngineFault(f"the native engine failed on {what}", why=str(error)) from error
    except DataccordError:
        raise
    except Exception as error:
        raise EngineFault(
            f"the native engine failed on {what}", why=f"{type(error).__name__}: {error}"
        ) from error


def environment(env: BlockEnvironment) -> "dataccord_engine._Environment":
    """Return a block's environment as the native engine takes it."""
    return (
        *(env.number, env.timestamp, env.coinbase, env.gas_limit),
        *(env.prev_randao, env.chain_id, env.base_fee),
    )


def _go_on(cancel: Cancel) -> None:
    """Ask once before the work begins: within it, native code asks every 20 ms."""
    if cancel():
        raise ExecutionAbandoned("execution: abandoned before it began")


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def _message(message: Message) -> "dataccord_engine._CallParts":
    listed: list[tuple[bytes, list[bytes]]] = [
        (place, [_word(slot) for slot in slots]) for place, slots in message.access_list
    ]
    value, gas = _word(message.value), message.gas
    return message.sender, message.to, message.data, value, gas, listed


def _state(pre: PreState) -> dataccord_engine.State:
    """Return a state for calls; replacements in it cross whole, not read by read."""
    if not isinstance(pre, OverriddenState):
        return dataccord_engine.State(raw_reads(pre), root_of(pre))
    replaced = [_replaced(address, item) for address, item in pre.overrides.items()]
    return dataccord_engine.State(raw_reads(pre.base), root_of(pre.base), replaced)


def _replaced(address: Address, item: Override) -> "dataccord_engine._GivenOverride":
    balance = None if item.balance is None else _word(item.balance)
    return address, item.nonce, balance, item.code, _words(item.state), _words(item.state_diff)


def _words(slots: Mapping[int, int] | None) -> list[tuple[bytes, bytes]] | None:
    if slots is None:
        return None
    return [(_word(slot), _word(value)) for slot, value in slots.items()]


def _system(env: BlockEnvironment, pre: PreState) -> list[tuple[bytes, bytes, bytes]]:
    writes = system_writes(env, pre)
    return [(address, _word(slot), _word(value)) for address, slot, value in writes]


def _recovered(item: "dataccord_engine._RecoveredItem") -> Recovered:
    if item[0] is None:
        return DecodeError(item[1], why=item[2])
    fields, sender = item
    if fields[0] == SET_CODE:
        signed = tuple(Authorization(*parts) for parts in fields[10])
        fields = (*fields[:10], signed, *fields[11:])
    return Transaction(*fields), sender


def _execution(
    done: dataccord_engine.Executed, given: Sequence[Transaction], senders: Sequence[Address]
) -> Execution:
    chosen, envelopes = done.chosen, done.receipts()

    def receipt(index: int) -> Receipt:
        return decode_receipt(envelopes[index])

    refused = {
        given[index].hash: InvalidTransaction(what, why=why) for index, what, why in done.refused
    }
    return Execution(
        transactions=tuple([given[index] for index in chosen]),
        senders=tuple([senders[index] for index in chosen]),
        outcomes=LazySequence(len(done), lambda index: outcome(done.outcome(index))),
        receipts=LazySequence(len(done), receipt),
        receipt_envelopes=envelopes,
        log_index=done.log_index(),
        diff=BlockDiff(NativeAccounts(done.diff), LazyMapping(lambda: _codes(done.diff))),
        gas_used=done.gas_used,
        bloom=done.bloom,
        transactions_root=Hash32(done.transactions_root),
        receipts_root=Hash32(done.receipts_root),
        refused=refused,
        timings=dict(zip(PHASES, done.timings, strict=True)),
    )


def outcome(parts: "dataccord_engine._OutcomeParts") -> Outcome:
    """Return an outcome from its native parts."""
    status, gas_used, logs, output, created, reason = parts
    return Outcome(
        Status(status),
        gas_used,
        tuple(Log(Address(a), cast("tuple[Hash32, ...]", topics), d) for a, topics, d in logs),
        output,
        None if created is None else Address(created),
        reason,
    )


class NativeAccounts(LazyMapping[Address, AccountChange | None]):
    """A native diff's accounts; the handle stays with them, so that a trie can take it whole."""

    def __init__(self, handle: dataccord_engine.Diff) -> None:
        # Not a method of its own: in a cycle the handle would outlive its block by far.
        super().__init__(lambda: _changes(handle))
        self.handle = handle


def _changes(handle: dataccord_engine.Diff) -> dict[Address, AccountChange | None]:
    return {
        Address(address): None if parts is None else _change(*parts)
        for address, parts in handle.accounts()
    }


def _change(
    nonce: int, balance: int, code_hash: bytes, slots: Mapping[int, int], storage_cleared: bool
) -> AccountChange:
    return AccountChange(nonce, balance, Hash32(code_hash), slots, storage_cleared)


def _codes(handle: dataccord_engine.Diff) -> dict[Hash32, bytes]:
    return {Hash32(code_hash): code for code_hash, code in handle.codes()}


def diff_handle(diff: BlockDiff) -> dataccord_engine.Diff | None:
    """Return the native form of a diff that the native engine made."""
    return diff.accounts.handle if isinstance(diff.accounts, NativeAccounts) else None


def _given(diff: BlockDiff) -> "list[dataccord_engine._GivenAccount]":
    return [
        (address, None if change is None else _given_change(change))
        for address, change in sorted(diff.accounts.items())
    ]


def _given_change(change: AccountChange) -> "dataccord_engine._GivenChange":
    slots = _words(change.storage) or []
    return change.nonce, _word(change.balance), change.code_hash, slots, change.storage_cleared
