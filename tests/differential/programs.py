"""Random code: mostly sound, sometimes not, and always showing in storage what it saw.

A program is a row of snippets. Many write what they computed, or the gas that is left, into a slot:
an engine that charges one gas more or less in one opcode leaves another state.
"""

from collections.abc import Callable, Sequence
from random import Random

from node.spec.types import Address
from tests.differential.inputs import precompile_input

_BINARY = (
    *range(0x01, 0x08),
    *(0x0A, 0x0B),
    *range(0x10, 0x15),
    *range(0x16, 0x19),
    *range(0x1A, 0x1E),
)
_TERNARY = (0x08, 0x09)
_VALUES = (
    *(0x30, 0x32, 0x33, 0x34, 0x36, 0x38, 0x3A, 0x3D, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47),
    *(0x48, 0x4A, 0x58, 0x59, 0x5A, 0x5A, 0x5A),
)
_OF_ACCOUNT = (0x31, 0x3B, 0x3F)
_CALLS = (0xF1, 0xF1, 0xF2, 0xF4, 0xFA)
WORDS = (0, 1, 2, 3, 31, 32, 255, 2**64, 2**255, 2**256 - 1)


def push(value: int | bytes) -> bytes:
    """Return the instruction that pushes a value in its shortest form."""
    data = value if isinstance(value, bytes) else value.to_bytes(-(-value.bit_length() // 8), "big")
    return bytes([0x5F + len(data)]) + data


def initcode(runtime: bytes, constructor: bytes = b"") -> bytes:
    """Return initcode that runs `constructor` and leaves `runtime`."""
    size = len(runtime).to_bytes(2, "big")
    copy = push(size) + push((len(constructor) + 13).to_bytes(2, "big")) + b"\x5f\x39"
    return constructor + copy + push(size) + b"\x5f\xf3" + runtime


def child(chance: Random) -> bytes:
    """Return the initcode of a small contract, or of a failure."""
    store = push(chance.randrange(4)) + push(chance.randrange(4)) + b"\x55"
    clear = push(0) + push(chance.randrange(4)) + b"\x55"
    runtimes = (
        b"",
        b"\x33\xff",
        store + b"\x00",
        store + push(7) + b"\x5f\x5f\xa1" + b"\x33\xff",
        clear + store + b"\x30\xff",
        b"\xef\x00\x01",
        b"\xfe",
        b"\x5b" * 40,
    )
    constructors = (
        b"",
        b"",
        store,
        store + clear,
        store + b"\x33\xff",
        b"\x5f\x5f\xfd",
        b"\x30\xff",
    )
    return initcode(chance.choice(runtimes), chance.choice(constructors))


class Writer:
    """One program in the making."""

    def __init__(self, chance: Random, targets: Sequence[Address]) -> None:
        self._chance = chance
        self._targets = targets
        self.code = bytearray()

    def program(self, length: int) -> bytes:
        """Return a program of so many snippets."""
        snippets: tuple[Callable[[], None], ...] = (
            *(self.arithmetic, self.value, self.value, self.account, self.memory, self.store),
            *(self.store, self.store, self.load, self.transient, self.log, self.log, self.call),
            *(self.call, self.call, self.returned, self.create, self.branch, self.loop),
            *(self.precompile, self.hash, self.block_hash),
        )
        for _ in range(length):
            self._chance.choice(snippets)()
        self.end()
        return bytes(self.code)

    def _put(self, *parts: int | bytes) -> None:
        for part in parts:
            self.code += bytes([part]) if isinstance(part, int) else part

    def _slot(self) -> bytes:
        return push(self._chance.randrange(6))

    def _keep(self) -> None:
        """Store or drop what is on the stack."""
        if self._chance.random() < 0.7:
            self._put(self._slot(), 0x55)
        else:
            self._put(0x50)

    def _word(self) -> bytes:
        if self._chance.random() < 0.3:
            return push(self._chance.choice((0, 32))) + b"\x35"
        return push(self._chance.choice(WORDS))

    def _place(self) -> bytes:
        return push(self._chance.choice((0, 0, 1, 32, 64, 96, 200)))

    def _target(self) -> bytes:
        if self._chance.random() < 0.15:
            return push(0) + b"\x35"
        return push(bytes(self._chance.choice(self._targets)))

    def arithmetic(self) -> None:
        if self._chance.random() < 0.15:
            self._put(self._word(), self._word(), self._word(), self._chance.choice(_TERNARY))
        else:
            self._put(self._word(), self._word(), self._chance.choice(_BINARY))
        self._keep()

    def value(self) -> None:
        self._put(self._chance.choice(_VALUES))
        self._keep()

    def account(self) -> None:
        if self._chance.random() < 0.2:
            self._put(push(40), push(0), self._place(), self._target(), 0x3C)
            return
        self._put(self._target(), self._chance.choice(_OF_ACCOUNT))
        self._keep()

    def memory(self) -> None:
        match self._chance.randrange(4):
            case 0:
                self._put(self._word(), self._place(), 0x52)
            case 1:
                self._put(self._word(), self._place(), 0x53)
            case 2:
                self._put(push(self._chance.randrange(70)), self._place(), self._place(), 0x5E)
            case _:
                self._put(self._place(), 0x51)
                self._keep()

    def store(self) -> None:
        self._put(push(self._chance.randrange(3)), self._slot(), 0x55)

    def load(self) -> None:
        self._put(self._slot(), 0x54)
        self._keep()

    def transient(self) -> None:
        self._put(self._word(), self._slot(), 0x5D, self._slot(), 0x5C)
        self._keep()

    def log(self) -> None:
        topics = self._chance.randrange(5)
        self._put(*(self._word() for _ in range(topics)))
        self._put(push(self._chance.choice((0, 1, 32, 77))), self._place(), 0xA0 + topics)

    def _gas(self) -> bytes:
        if self._chance.random() < 0.6:
            return b"\x5a"
        return push(self._chance.choice((0, 100, 2_300, 9_000, 30_000)))

    def call(self) -> None:
        kind = self._chance.choice(_CALLS)
        size = push(self._chance.choice((0, 32, 64)))
        self._put(size, self._place(), push(self._chance.choice((0, 32, 64))), self._place())
        if kind in (0xF1, 0xF2):
            self._put(push(self._chance.choice((0, 0, 0, 1, 2**200))))
        self._put(self._target(), self._gas(), kind)
        self._keep()

    def precompile(self) -> None:
        number = self._chance.choice((1, 2, 3, 4, 5, 6, 9, 11))
        data = precompile_input(number, self._chance)[:320]
        for offset in range(0, len(data), 32):
            self._put(push(data[offset : offset + 32].ljust(32, b"\0")), push(offset), 0x52)
        self._put(push(64), push(0), push(len(data)), push(0), push(number), self._gas(), 0xFA)
        self._keep()
        self._put(push(0), 0x51)
        self._keep()

    def returned(self) -> None:
        size = b"\x3d" if self._chance.random() < 0.8 else push(self._chance.choice((1, 32)))
        self._put(size, push(0), self._place(), 0x3E)

    def create(self) -> None:
        code = child(self._chance)
        for offset in range(0, len(code), 32):
            self._put(push(code[offset : offset + 32].ljust(32, b"\0")), push(offset), 0x52)
        kind = self._chance.choice((0xF0, 0xF5))
        if kind == 0xF5:
            self._put(push(self._chance.randrange(2)))
        self._put(push(len(code)), push(0), push(self._chance.choice((0, 0, 1))), kind)
        if self._chance.random() < 0.5:
            self._put(0x5F, 0x5F, 0x5F, 0x5F, 0x5F, 0x85, 0x5A, 0xF1, 0x50)
        self._keep()

    def branch(self) -> None:
        self._put(push(0), 0x35, b"\x61\0\0", 0x57)
        hole = len(self.code) - 3
        self.store()
        self.code[hole : hole + 2] = len(self.code).to_bytes(2, "big")
        self._put(0x5B)

    def loop(self) -> None:
        self._put(push(self._chance.randrange(1, 12)))
        start = len(self.code)
        self._put(0x5B, push(1), 0x90, 0x03, 0x80, push(start.to_bytes(2, "big")), 0x57, 0x50)

    def hash(self) -> None:
        self._put(push(self._chance.randrange(90)), self._place(), 0x20)
        self._keep()

    def block_hash(self) -> None:
        self._put(push(self._chance.randrange(1, 4)), 0x43, 0x03, 0x40)
        self._keep()

    def end(self) -> None:
        match self._chance.randrange(9):
            case 0:
                self._put(push(self._chance.choice((0, 4, 64))), self._place(), 0xFD)
            case 1:
                self._put(self._target(), 0xFF)
            case 2:
                self._put(0xFE)
            case 3 | 4 | 5:
                self._put(push(64), self._place(), 0xF3)
            case _:
                self._put(0x00)
