"""The pool of transactions that wait for a block: pure, time is passed in.

Each sender's transactions stand by nonce. Those that follow the account's nonce without gap are
*executable*, the others *queued*. Candidates for a block come by price, then by turns of senders
(each sender's first before anyone's second), then by arrival: at price zero nobody can crowd the
others out. Order within a sender is always that of nonces.

Admission judges static validity (N2), the account as `look_up` shows it, and the pool's own limits.
A transaction of the same sender and nonce replaces the older one for 10 % more, or at an equal
price at most once every 5 s (N8). When the pool is full, the member with the most transactions
gives way. Texts are geth's, because client libraries match on them.

`head_changed` must be told which accounts a new block changed; nothing else moves the pool's view
of accounts. A change of the Members contract makes it look at every sender again. Permission is
read in the head's state, as blocks do in their parent's (N9).
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from node.errors import InvalidTransaction
from node.spec.registry import MEMBERS
from node.spec.transaction import TRANSACTION_LENGTH_MAX, Transaction
from node.spec.transaction_rules import TransactionRules, check_funds, check_transaction, cost
from node.spec.types import Account, Address, Hash32

POOL_MAX: Final = 32_768
SENDER_MAX: Final = 4_096
"""Transactions of one sender, and how far ahead of the account a nonce may be."""
GAS_MAX: Final = 30_000_000
"""Gas of one transaction (N5)."""
HEAVY_GAS_MAX: Final = 2_000_000
"""Gas of a direct call to a precompile that py-evm computes slowly (N5)."""
BYTES_MAX: Final = 64 * 1024 * 1024
"""Raw bytes of all transactions."""

PRICE_BUMP_PERCENT: Final = 10
EQUAL_PRICE_REPLACEMENT_MS: Final = 5_000
QUEUED_LIFETIME_MS: Final = 3 * 3_600_000
"""A transaction that stays queued this long is dropped, as in geth."""
EXPIRE_EVERY_MS: Final = 60_000
"""How often the pool looks for such."""

_HEAVY: Final = frozenset(Address(n.to_bytes(20, "big")) for n in range(0x06, 0x12))


@dataclass(frozen=True, slots=True)
class Standing:
    """What the head's state says of a sender."""

    account: Account
    code: bytes = b""
    may_send: bool = True
    member: int = 0
    """The member it belongs to: whose share it counts against when the pool is full."""


LookUp = Callable[[Address], Standing]


@dataclass(frozen=True, slots=True)
class PoolRules:
    """What a pool demands beside validity."""

    transaction: TransactionRules
    block_gas_limit: int
    pool_max: int = POOL_MAX
    sender_max: int = SENDER_MAX
    bytes_max: int = BYTES_MAX
    gas_max: int = GAS_MAX
    heavy_gas_max: int | None = HEAVY_GAS_MAX
    """None where the engine is native."""


class Entry(NamedTuple):
    """A transaction in the pool."""

    transaction: Transaction
    sender: Address
    price: int
    """What the proposer earns per gas, in wei."""
    cost: int
    """The most it can take from its sender, in wei."""
    arrival: int
    """Counts up; a replacement takes its own place in the order of arrival."""
    placed_ms: int


class Added(NamedTuple):
    """What an admission did."""

    entry: Entry
    executable: bool
    replaced: Hash32 | None = None
    evicted: tuple[Hash32, ...] = ()


class _Account:
    """A sender's transactions and the nonce its account has at the head."""

    __slots__ = ("_highest", "by_nonce", "cost_max", "gap", "member", "next_nonce")

    def __init__(self, next_nonce: int, member: int) -> None:
        self.next_nonce = next_nonce
        self.gap = next_nonce
        """The first nonce, from the account's on, that no transaction here has."""
        self.member = member
        self.by_nonce: dict[int, Entry] = {}
        self.cost_max = 0
        """At least what the dearest of them may cost."""
        self._highest = next_nonce

    def executable(self) -> Iterator[Entry]:
        """Yield transactions from the account's nonce up to the first gap."""
        return (self.by_nonce[nonce] for nonce in range(self.next_nonce, self.gap))

    @property
    def executable_count(self) -> int:
        """How many transactions stand before the first gap."""
        return self.gap - self.next_nonce

    def last(self) -> Entry:
        """Return the transaction of the highest nonce; there is one."""
        if self._highest not in self.by_nonce:
            self._highest = max(self.by_nonce)
        return self.by_nonce[self._highest]

    def put(self, entry: Entry) -> None:
        """Place a transaction at its nonce."""
        self.by_nonce[entry.transaction.nonce] = entry
        self._highest = max(self._highest, entry.transaction.nonce)
        if entry.cost > self.cost_max:
            self.cost_max = entry.cost
        self._close_gap()

    def take(self, nonce: int) -> None:
        """Remove the transaction at a nonce; those after it wait for another."""
        del self.by_nonce[nonce]
        if self.next_nonce <= nonce < self.gap:
            self.gap = nonce

    def advance(self, nonce: int) -> None:
        """Begin at the account's new nonce."""
        self.next_nonce = nonce
        self.gap = max(self.gap, nonce)
        self._close_gap()

    def _close_gap(self) -> None:
        while self.gap in self.by_nonce:
            self.gap += 1


class Pool:
    """Transactions by sender and nonce."""

    def __init__(self, rules: PoolRules, look_up: LookUp) -> None:
        self.rules = rules
        self._look_up = look_up
        self._accounts: dict[Address, _Account] = {}
        self._by_hash: dict[Hash32, Entry] = {}
        self._ready: set[Address] = set()
        self._by_member: dict[int, dict[Hash32, Entry]] = {}
        self._bytes = 0
        self._arrivals = 0
        self._expire_at_ms = 0

    def __len__(self) -> int:
        return len(self._by_hash)

    # Reading -------------------------------------------------------------------------------------

    @property
    def has_executable(self) -> bool:
        """Whether a block could hold any of the transactions (N7)."""
        return bool(self._ready)

    def get(self, transaction_hash: Hash32) -> Transaction | None:
        """Return a waiting transaction."""
        entry = self._by_hash.get(transaction_hash)
        return None if entry is None else entry.transaction

    def next_nonce(self, sender: Address) -> int | None:
        """Return the nonce after the sender's executable ones, None where it has none here."""
        held = self._accounts.get(sender)
        return None if held is None else held.gap

    def sizes(self) -> tuple[int, int]:
        """Return how many transactions are executable, and how many are queued."""
        executable = sum(held.executable_count for held in self._accounts.values())
        return executable, len(self._by_hash) - executable

    def content(self) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
        """Return all (executable, queued) entries, by sender and nonce."""
        executable: list[Entry] = []
        queued: list[Entry] = []
        for sender in sorted(self._accounts):
            held = self._accounts[sender]
            executable += held.executable()
            queued += [held.by_nonce[nonce] for nonce in sorted(held.by_nonce) if nonce > held.gap]
        return tuple(executable), tuple(queued)

    def candidates(self, count_max: int) -> list[Transaction]:
        """Return up to `count_max` executable transactions in the order a block takes them."""
        heap: list[tuple[int, int, int, Entry, Iterator[Entry]]] = []
        for sender in self._ready:
            line = self._accounts[sender].executable()
            first = next(line)
            heap.append((-first.price, 0, first.arrival, first, line))
        heapq.heapify(heap)
        chosen: list[Transaction] = []
        while heap and len(chosen) < count_max:
            _, turn, _, entry, line = heap[0]  # arrivals differ, so entries are never compared
            chosen.append(entry.transaction)
            following = next(line, None)
            if following is None:
                heapq.heappop(heap)
            else:
                key = (-following.price, turn + 1, following.arrival, following, line)
                heapq.heapreplace(heap, key)
        return chosen

    # Admission -----------------------------------------------------------------------------------

    def add(self, transaction: Transaction, sender: Address, now_ms: int) -> Added:
        """Admit a transaction whose sender was recovered.

        Raises:
            InvalidTransaction: it is invalid, not permitted, known, underpriced, or finds no room.
        """
        if transaction.hash in self._by_hash:
            raise InvalidTransaction("already known")
        self._check_limits(transaction)
        check_transaction(transaction, self.rules.transaction)
        standing = self._look_up(sender)
        self._check_standing(transaction, standing)
        held = self._accounts.get(sender)
        older = held.by_nonce.get(transaction.nonce) if held else None
        entry = self._entry(transaction, sender, now_ms)
        if older is not None:
            _check_replacement(entry, older)
            evicted: tuple[Hash32, ...] = ()
        else:
            if held is not None and len(held.by_nonce) >= self.rules.sender_max:
                raise InvalidTransaction("txpool: too many transactions of this account")
            evicted = self._make_room(entry, standing.member)
        self._place(entry, standing)
        executable = transaction.nonce < self._accounts[sender].gap
        replaced = None if older is None else older.transaction.hash
        return Added(entry, executable, replaced, evicted)

    def _check_limits(self, transaction: Transaction) -> None:
        rules = self.rules
        if len(transaction.raw) > TRANSACTION_LENGTH_MAX:
            raise InvalidTransaction("oversized data")
        if transaction.gas > rules.block_gas_limit:
            raise InvalidTransaction("exceeds block gas limit")
        if transaction.gas > rules.gas_max:
            raise _gas_too_high(rules.gas_max, transaction.gas)
        heavy = rules.heavy_gas_max
        if heavy is not None and transaction.to in _HEAVY and transaction.gas > heavy:
            raise _gas_too_high(heavy, transaction.gas)

    def _check_standing(self, transaction: Transaction, standing: Standing) -> None:
        account = standing.account
        if transaction.nonce < account.nonce:
            raise InvalidTransaction(
                "nonce too low",
                why=f"next nonce {account.nonce}, tx nonce {transaction.nonce}",
            )
        if transaction.nonce >= account.nonce + self.rules.sender_max:
            raise InvalidTransaction(
                "nonce too high",
                why=f"next nonce {account.nonce}, tx nonce {transaction.nonce}",
            )
        if not standing.may_send:
            raise InvalidTransaction("sender is not permitted to send transactions")
        check_funds(transaction, account, standing.code)

    def _entry(self, transaction: Transaction, sender: Address, now_ms: int) -> Entry:
        above_base = transaction.max_fee - self.rules.transaction.base_fee
        price = min(transaction.max_priority_fee, above_base)
        return Entry(transaction, sender, price, cost(transaction), self._arrivals, now_ms)

    def _place(self, entry: Entry, standing: Standing) -> None:
        self._arrivals += 1
        held = self._accounts.get(entry.sender)
        if held is None:
            held = _Account(standing.account.nonce, standing.member)
            self._accounts[entry.sender] = held
        older = held.by_nonce.get(entry.transaction.nonce)
        if older is not None:
            self._forget(older)
        held.put(entry)
        self._by_hash[entry.transaction.hash] = entry
        self._by_member.setdefault(held.member, {})[entry.transaction.hash] = entry
        self._bytes += len(entry.transaction.raw)
        self._note_ready(entry.sender)

    # Room ----------------------------------------------------------------------------------------

    def _make_room(self, entry: Entry, member: int) -> tuple[Hash32, ...]:
        """Evict until the transaction fits; raise where nobody has to give way to it."""
        evicted = []
        while self._is_full(len(entry.transaction.raw)):
            victim = self._victim(entry, member)
            if victim is None:
                raise InvalidTransaction("txpool is full")
            evicted.append(victim.transaction.hash)
            self._remove(victim)
        return tuple(evicted)

    def _is_full(self, length: int) -> bool:
        too_many = len(self._by_hash) >= self.rules.pool_max
        return bool(self._by_hash) and (too_many or self._bytes + length > self.rules.bytes_max)

    def _victim(self, entry: Entry, member: int) -> Entry | None:
        """Return what gives way: of the largest member's newest sender, the last transaction.

        Within one member only a higher price takes another's place; a member with fewer
        transactions than the largest takes one of its.
        """
        largest = max(self._by_member, key=lambda index: (len(self._by_member[index]), -index))
        newest = self._by_member[largest][next(reversed(self._by_member[largest]))]
        victim = self._accounts[newest.sender].last()
        if victim.sender == entry.sender:
            return None
        smaller = len(self._by_member.get(member, ())) + 1 < len(self._by_member[largest])
        return victim if smaller or entry.price > victim.price else None

    # Leaving -------------------------------------------------------------------------------------

    def head_changed(self, changed: Iterable[Address]) -> None:
        """Look again at senders among the accounts that a new block changed.

        What the chain has taken, or the account can no longer send, leaves.
        """
        senders = set(changed)
        if MEMBERS in senders:
            senders = set(self._accounts)
        for sender in senders & self._accounts.keys():
            self._look_again(self._accounts[sender], self._look_up(sender))
            self._note_ready(sender)

    def _look_again(self, held: _Account, standing: Standing) -> None:
        account, gap = standing.account, held.gap
        for nonce in range(held.next_nonce, min(account.nonce, gap)):
            self._forget(held.by_nonce.pop(nonce))
        held.advance(account.nonce)
        # Most often the chain took the first few and the rest may stay: then none is looked at.
        poorer = standing.code or not standing.may_send or account.balance < held.cost_max
        if poorer or account.nonce > gap:
            for entry in [item for item in held.by_nonce.values() if not _stays(item, standing)]:
                self._remove(entry)

    def drop(self, transaction_hash: Hash32) -> bool:
        """Remove a transaction that a build found unable to run; its successors become queued."""
        entry = self._by_hash.get(transaction_hash)
        if entry is None:
            return False
        self._remove(entry)
        return True

    def expire(self, now_ms: int) -> tuple[Hash32, ...]:
        """Remove what has been queued too long, and return it; looks at most once a minute."""
        if now_ms < self._expire_at_ms:
            return ()
        self._expire_at_ms = now_ms + EXPIRE_EVERY_MS
        _, queued = self.content()
        old = [item for item in queued if now_ms - item.placed_ms >= QUEUED_LIFETIME_MS]
        for entry in old:
            self._remove(entry)
        return tuple(entry.transaction.hash for entry in old)

    def _remove(self, entry: Entry) -> None:
        held = self._accounts[entry.sender]
        held.take(entry.transaction.nonce)
        self._forget(entry)
        if not held.by_nonce:
            del self._accounts[entry.sender]
        self._note_ready(entry.sender)

    def _forget(self, entry: Entry) -> None:
        del self._by_hash[entry.transaction.hash]
        member = self._accounts[entry.sender].member
        del self._by_member[member][entry.transaction.hash]
        if not self._by_member[member]:
            del self._by_member[member]
        self._bytes -= len(entry.transaction.raw)

    def _note_ready(self, sender: Address) -> None:
        held = self._accounts.get(sender)
        if held is not None and held.executable_count:
            self._ready.add(sender)
        else:
            self._ready.discard(sender)
            if held is not None and not held.by_nonce:
                del self._accounts[sender]


def _stays(entry: Entry, standing: Standing) -> bool:
    if entry.transaction.nonce < standing.account.nonce or not standing.may_send:
        return False
    try:
        check_funds(entry.transaction, standing.account, standing.code)
    except InvalidTransaction:
        return False
    return True


def _check_replacement(entry: Entry, older: Entry) -> None:
    """Raise `InvalidTransaction` unless `entry` may take the place of `older` (N8)."""
    new, old = entry.transaction, older.transaction
    pairs = ((new.max_fee, old.max_fee), (new.max_priority_fee, old.max_priority_fee))
    if all(a > b and a * 100 >= b * (100 + PRICE_BUMP_PERCENT) for a, b in pairs):
        return
    waited = entry.placed_ms - older.placed_ms >= EQUAL_PRICE_REPLACEMENT_MS
    if waited and all(a >= b for a, b in pairs):
        return
    raise InvalidTransaction(
        "replacement transaction underpriced",
        why=f"{PRICE_BUMP_PERCENT} % more, or an equal price after "
        f"{EQUAL_PRICE_REPLACEMENT_MS // 1000} s, replaces it",
    )


def _gas_too_high(limit: int, gas: int) -> InvalidTransaction:
    return InvalidTransaction("transaction gas limit too high", why=f"cap {limit}, tx {gas}")
