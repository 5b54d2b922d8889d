"""Tampers with an evidence file in many small ways and counts which check catches each.

Run as `python -m scripts.tamper BUNDLE --genesis-hash 0x… --seed N`. The first set flips one bit
anywhere in the file: that tests the digest. The second changes one value inside, with encoding and
digest made right again: that tests the proofs (N17). Headers and their extra data are opened, so
that each field of theirs is a value too; proof nodes are values as a whole. Values are drawn in
turn from the file's parts (genesis, sets, blocks, state and so on). Every change must end in exit
code 5 with check and object named; the seed is the test.
"""

import argparse
import hashlib
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.audit.bundle import DIGEST_LENGTH
from node.audit.verify import verify
from node.errors import DecodeError, IntegrityError
from node.spec.codec import Item, decode, encode, join_list, to_list
from node.spec.header import decode_header
from node.spec.seal import decode_extra_data
from node.spec.types import Hash32

CHECKS_MIN: Final = 6
"""Different checks, beside that of form, that the second set must set off."""

PARTS: Final = (
    *("magic", "chain", "genesis", "first set", "sets", "blocks", "state", "trails"),
    *("past", "openings", "plans"),
)


@dataclass(slots=True)
class Opened:
    """A byte string that holds a list, shown as that list."""

    items: list["Tree"]


Tree = bytes | list["Tree"] | Opened
Path_ = tuple[int, ...]


def main(given: list[str] | None = None) -> int:
    """Run both sets; return 0 where every change was caught by enough different checks."""
    arguments = _parser().parse_args(given)
    data = arguments.bundle.read_bytes()
    genesis = _trusted(arguments.genesis_hash, data)
    if verify(data, genesis).exit_code != 0:
        print("the file itself does not prove: nothing to tamper with", file=sys.stderr)
        return 1
    started, chance = time.monotonic(), random.Random(arguments.seed)
    print(f"{arguments.bundle}: {len(data)} bytes, seed {arguments.seed}")
    flips = [(where, changed) for where, changed in _flips(data, arguments.flips, chance)]
    caught = _run("byte flips", flips, genesis)
    values = list(_values(data, arguments.values, chance))
    by_proofs = _run("changed values", values, genesis)
    proofs = set(by_proofs) - {"form", ""}
    print(f"{len(proofs)} checks beside form; {time.monotonic() - started:.1f} s")
    escaped = caught[""] + by_proofs[""]
    if escaped or (arguments.values and len(proofs) < CHECKS_MIN):
        print(f"FAILED: {escaped} escaped, {len(proofs)} checks of {CHECKS_MIN}")
        return 1
    print("every change was caught")
    return 0


def _trusted(given: str | None, data: bytes) -> Hash32:
    """Return the genesis hash to trust: the one given, else the one of the untampered file."""
    if given is not None:
        return Hash32(bytes.fromhex(given.removeprefix("0x")))
    return verify(data, None).genesis_hash or Hash32(bytes(32))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.tamper", description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--genesis-hash", help="default: that of the file before tampering")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--flips", type=int, default=200)
    parser.add_argument("--values", type=int, default=200)
    return parser


def _run(name: str, changes: list[tuple[str, bytes]], genesis: Hash32) -> Counter[str]:
    """Verify each changed file; return how many fell to each check, under "" those that escaped."""
    found: Counter[str] = Counter()
    for where, data in changes:
        check = _caught_by(data, genesis)
        if not check:
            print(f"  ESCAPED: {where}")
        found[check] += 1
    print(f"{name}: {len(changes)}, caught {len(changes) - found['']}")
    for check, count in sorted(found.items(), key=lambda pair: (-pair[1], pair[0])):
        print(f"  {check or 'escaped':16} {count}")
    return found


def _caught_by(data: bytes, genesis: Hash32) -> str:
    """Return the first check that fails, "" where none does or none says on what object."""
    try:
        report = verify(data, genesis)
    except Exception:
        traceback.print_exc()
        return ""
    if report.exit_code != IntegrityError.code or not all(f.subject for f in report.failures):
        return ""
    return report.failures[0].check


def _flips(data: bytes, count: int, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    for _ in range(count):
        position, bit = chance.randrange(len(data)), chance.randrange(8)
        changed = bytearray(data)
        changed[position] ^= 1 << bit
        yield f"byte {position}, bit {bit}", bytes(changed)


def _values(data: bytes, count: int, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Yield files with one value changed, drawn in turn from the parts of the file."""
    tree = opened(decode(data[:-DIGEST_LENGTH]))
    pools: dict[int, list[Path_]] = {}
    while count:
        pools = {part: pool for part, pool in pools.items() if pool} or _pools(tree, chance)
        for pool in [pool for pool in pools.values() if pool]:
            if not count:
                return
            path, count = pool.pop(), count - 1
            change = chance.choice(CHANGES)
            body = encoded(replaced(tree, path, change, chance))
            part = PARTS[path[0]] + "".join(f"[{index}]" for index in path[1:])
            yield f"{part}, {change.__name__}", body + hashlib.sha256(body).digest()


def _pools(tree: Tree, chance: random.Random) -> dict[int, list[Path_]]:
    pools: dict[int, list[Path_]] = {}
    for path in leaves(tree):
        pools.setdefault(path[0], []).append(path)
    for pool in pools.values():
        chance.shuffle(pool)
    return pools


def opened(item: Item) -> Tree:
    """Return an item's tree with headers, and the extra data inside them, as lists."""
    if isinstance(item, list):
        return [opened(part) for part in item]
    for is_one in (decode_header, decode_extra_data):
        try:
            is_one(item)
            inner = to_list(decode(item), "opened value")
        except DecodeError:
            continue
        return Opened([opened(part) for part in inner])
    return item


def leaves(tree: Tree, path: Path_ = ()) -> Iterator[Path_]:
    """Yield the path of each value."""
    if isinstance(tree, bytes):
        yield path
        return
    for index, part in enumerate(tree.items if isinstance(tree, Opened) else tree):
        yield from leaves(part, (*path, index))


def encoded(tree: Tree) -> bytes:
    """Return the encoding of a tree."""
    if isinstance(tree, Opened):
        return encode(join_list([encoded(part) for part in tree.items]))
    if isinstance(tree, list):
        return join_list([encoded(part) for part in tree])
    return encode(tree)


Change = Callable[[bytes, random.Random], bytes]


def replaced(tree: Tree, path: Path_, change: Change, chance: random.Random) -> Tree:
    """Return the tree with the value at `path` changed."""
    if isinstance(tree, bytes):
        return change(tree, chance)
    parts = list(tree.items if isinstance(tree, Opened) else tree)
    parts[path[0]] = replaced(parts[path[0]], path[1:], change, chance)
    return Opened(parts) if isinstance(tree, Opened) else parts


def flip_bit(value: bytes, chance: random.Random) -> bytes:
    """Flip a bit; an empty value becomes a byte."""
    if not value:
        return bytes([1 << chance.randrange(8)])
    changed = bytearray(value)
    changed[chance.randrange(len(value))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def add_one(value: bytes, chance: random.Random) -> bytes:
    """Add one to the value as a number, keeping its length; an empty value becomes 1."""
    if not value:
        return b"\1"
    number = (int.from_bytes(value, "big") + 1) % (1 << 8 * len(value))
    del chance
    return number.to_bytes(len(value), "big")


def change_length(value: bytes, chance: random.Random) -> bytes:
    """Drop the last byte or add one."""
    if value and chance.randrange(2):
        return value[:-1]
    return value + bytes([chance.randrange(1, 256)])


def empty(value: bytes, chance: random.Random) -> bytes:
    """Take the value away; an empty one becomes as long as a signature."""
    return b"" if value else chance.randbytes(65)


CHANGES: Final[tuple[Change, ...]] = (
    *(flip_bit, flip_bit, flip_bit, add_one, add_one, add_one),
    *(change_length, empty),
)

if __name__ == "__main__":
    sys.exit(main())
