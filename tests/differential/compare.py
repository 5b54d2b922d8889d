"""One block on both engines, everything compared; the first difference is named with its seed."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from node.errors import DecodeError, InvalidTransaction
from node.execution.engine import (
    BlockEnvironment,
    Budget,
    Engine,
    Execution,
    Message,
    PreState,
    StateTrie,
)
from node.execution.memory_state import MemoryState, OverriddenState
from node.spec.receipt import Receipt, encode_receipt
from node.spec.transaction import Transaction
from node.spec.trie import root_of_list
from node.spec.types import EMPTY_ROOT, Address, Hash32, NodeReference
from tests.differential.blocks import World, candidates, environment, new_world
from tests.differential.calls import call, replacements
from tests.engines import load

REFERENCE, NATIVE = "py-evm", "native"
BLOCKS_A_CHAPTER = 25
BLOCK_TRANSACTIONS = 44
CALLS_A_BLOCK = 4

Plant = Callable[[str, Execution], Execution]
"""Changes what an engine, by name, says it did; the test's own sabotage."""


class Difference(Exception):
    """The engines disagree."""


def one_gas_more(planted: str) -> Plant:
    """Return a plant that has an engine charge the first transaction of a block one gas more."""

    def plant(name: str, execution: Execution) -> Execution:
        if name != planted or not execution.transactions:
            return execution
        outcomes = list(execution.outcomes)
        outcomes[0] = replace(outcomes[0], gas_used=outcomes[0].gas_used + 1)
        receipts = [_later(receipt) for receipt in execution.receipts]
        envelopes = [encode_receipt(receipt) for receipt in receipts]
        return replace(
            execution,
            outcomes=outcomes,
            receipts=receipts,
            receipt_envelopes=envelopes,
            receipts_root=root_of_list(envelopes),
            gas_used=execution.gas_used + 1,
        )

    return plant


def _later(receipt: Receipt) -> Receipt:
    return replace(receipt, cumulative_gas=receipt.cumulative_gas + 1)


def no_plant(_name: str, execution: Execution) -> Execution:
    """Change nothing."""
    return execution


class Rooted:
    """A state that says which root it is, as the head's does: engines may remember it."""

    def __init__(self, state: MemoryState, root: Hash32) -> None:
        self.root = root
        self.account, self.storage = state.account, state.storage
        self.code, self.block_hash = state.code, state.block_hash


@dataclass(slots=True)
class Side:
    """One engine with the state that it believes in."""

    name: str
    engine: Engine
    trie: StateTrie
    root: Hash32 = EMPTY_ROOT
    nodes: dict[Hash32, bytes] = field(default_factory=dict)

    def get_nodes(self, places: Sequence[NodeReference]) -> list[bytes]:
        """Return nodes of this side's own tries."""
        return [self.nodes[node_hash] for _, _, node_hash in places]


@dataclass(slots=True)
class Chapter:
    """Some blocks in a world of their own."""

    seed: str
    plant: Plant = no_plant
    counts: Counter[str] = field(default_factory=Counter)
    world: World = field(init=False)
    sides: tuple[Side, Side] = field(init=False)

    def __post_init__(self) -> None:
        self.world = new_world(self.seed)
        self.sides = (_side(REFERENCE), _side(NATIVE))
        self._tries(self.world.state.whole_diff())

    def run(self, blocks: int = BLOCKS_A_CHAPTER) -> Counter[str]:
        """Run blocks; return how many transactions of each kind and type ran.

        Raises:
            Difference: the engines disagree.
        """
        for _ in range(blocks):
            self._block()
        return self.counts

    def _same(self, what: str, make: Callable[[Side], Any]) -> Any:
        """Return what both sides say; raise `Difference` where they do not say the same."""
        ours, theirs = (make(side) for side in self.sides)
        if ours != theirs:
            raise Difference(
                f"seed {self.seed!r}, block {self.world.number}: {what} differ\n"
                f"  {REFERENCE}: {_brief(ours)}\n  {NATIVE}: {_brief(theirs)}"
            )
        return ours

    def _block(self) -> None:
        env = environment(self.world)
        made = candidates(self.world, env.base_fee, BLOCK_TRANSACTIONS)
        self._decoding([item.raw for _, item in made])
        senders = self._senders([item for _, item in made])
        kinds = {item.raw: kind for kind, item in made}
        self._calls(env)
        built = self._building(env, [item for _, item in made], senders)
        self._execution(env, built)
        for item in built.transactions:
            self.counts[kinds[item.raw]] += 1
            self.counts[f"type {item.type}"] += 1
        self.counts["refused"] += len(built.refused)

    def _decoding(self, raws: list[bytes]) -> None:
        """Bytes that are no transactions are refused in the same words."""
        chance = self.world.chance
        damaged = []
        for raw in chance.sample(raws, 6):
            place = chance.randrange(min(len(raw), 12) if chance.random() < 0.5 else len(raw))
            damaged.append(raw[:place] + bytes([chance.randrange(256)]) + raw[place + 1 :])
            damaged.append(raw[:place])
        for raw in damaged:
            self._same("decodings", lambda side, raw=raw: _decoded(side.engine, raw))

    def _calls(self, env: BlockEnvironment) -> None:
        """Messages outside any block, upon replaced state, give and touch and need the same."""
        chance = self.world.chance
        for _ in range(CALLS_A_BLOCK):
            message, replaced = call(chance), replacements(chance)
            state: PreState = self._state()
            if replaced:
                state = OverriddenState(state, replaced)
            self._same("calls", lambda side, m=message, s=state: _called(side.engine, env, m, s))
        self.counts["calls"] += CALLS_A_BLOCK

    def _senders(self, items: list[Transaction]) -> list[Address]:
        raws = [item.raw for item in items]
        found = self._same("senders", lambda side: list(side.engine.recover(raws)))
        return [sender for _, sender in found]

    def _building(
        self, env: BlockEnvironment, items: list[Transaction], senders: list[Address]
    ) -> Execution:
        budget = Budget(1.0, lambda: 0.0)
        state = self._state()
        built = [
            side.engine.build(env, items, senders, state, budget=budget) for side in self.sides
        ]
        by_name = dict(zip((REFERENCE, NATIVE), built, strict=True))
        self._same("refusals", lambda side: _refusals(by_name[side.name]))
        self._same("choices", lambda side: [i.hash for i in by_name[side.name].transactions])
        self._same("built diffs", lambda side: by_name[side.name].diff)
        return built[0]

    def _execution(self, env: BlockEnvironment, built: Execution) -> None:
        items, senders, state = built.transactions, built.senders, self._state()
        done = {
            side.name: self.plant(side.name, side.engine.execute(env, items, senders, state))
            for side in self.sides
        }
        for index in range(len(items)):
            self._same(
                f"outcomes of transaction {index} (0x{items[index].hash.hex()})",
                lambda side, index=index: _plain(done[side.name].outcomes[index]),
            )
        for what in _PARTS:
            self._same(what, lambda side, what=what: _part(getattr(done[side.name], what)))
        self._tries(done[REFERENCE].diff, done[NATIVE].diff)
        self.world.state.apply(done[REFERENCE].diff)

    def _state(self) -> Rooted:
        return Rooted(self.world.state, self.sides[0].root)

    def _tries(self, diff: Any, native: Any = None) -> None:
        updates = {}
        for side in self.sides:
            given = native if native is not None and side.name == NATIVE else diff
            updates[side.name] = side.trie.update(side.root, given, side.get_nodes)
        self._same("state roots", lambda side: updates[side.name].root)
        self._same("nodes made", lambda side: sorted(updates[side.name].made, key=_place))
        self._same("obsolete nodes", lambda side: list(updates[side.name].obsolete))
        self._same("leaves", lambda side: dict(updates[side.name].leaves))
        for side in self.sides:
            side.engine.committed(side.root, updates[side.name].root, given)
            side.root = updates[side.name].root
            side.nodes.update((item[2], item[3]) for item in updates[side.name].made)


def run_chapter(seed: str, plant: str = "") -> Counter[str] | str:
    """Run one chapter, one engine sabotaged where `plant` names it; return counts or difference."""
    try:
        return Chapter(seed, one_gas_more(plant) if plant else no_plant).run()
    except Difference as error:
        return str(error)


_PARTS = (
    *("gas_used", "bloom", "receipts", "receipt_envelopes", "log_index", "receipts_root"),
    *("transactions_root", "diff"),
)


def _side(name: str) -> Side:
    found = load(name)
    return Side(name, found.engine, found.trie)


def _place(node: tuple[Hash32 | None, bytes, Hash32, bytes]) -> tuple[bytes, bytes]:
    return node[0] or b"", node[1]


def _plain(outcome: Any) -> tuple[object, ...]:
    """Return all of an outcome but its reason, which is for people."""
    return (
        *(outcome.status, outcome.gas_used, outcome.logs),
        *(outcome.return_data, outcome.created),
    )


def _part(value: Any) -> Any:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, bytes) else value


def _called(engine: Engine, env: BlockEnvironment, message: Message, state: PreState) -> object:
    try:
        outcome, touched = engine.trace(env, message, state)
        needed = engine.estimate(env, message, state)
    except InvalidTransaction as error:
        return error.what, error.why
    return _plain(outcome), touched, needed if isinstance(needed, int) else _plain(needed)


def _refusals(built: Execution) -> dict[Hash32, tuple[str, str]]:
    return {key: (error.what, error.why) for key, error in built.refused.items()}


def _decoded(engine: Engine, raw: bytes) -> object:
    (found,) = engine.recover([raw])
    return (found.what, found.why) if isinstance(found, DecodeError) else found


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) < 2_000 else f"{text[:2_000]} ..."
