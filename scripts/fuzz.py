"""Mutates real bytes at every decoder for a while: `make fuzz SECONDS=60 SEED=1`.

A decoder may answer a value or one error of the tree, and nothing else; and what it accepts it must
encode to the same bytes again. Anything else prints the target, the seed and the input that
repeats it, and exits 1. Each run is decided by its seed and its number of rounds alone.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.audit.bundle import decode_bundle, encode_bundle
from node.chain.genesis import parse_genesis
from node.consensus.encoding import decode_message, encode_message
from node.errors import DataccordError
from node.p2p.identity import read_certificate
from node.p2p.wire import Consensus, GetBlocks, Status, Transactions, decode_frame, encode_frame
from node.rpc.dispatch import parse
from node.sdk import fee_file
from node.sdk.query import Measure, aggregate_query, parse_query
from node.spec.block import Block, decode_block, encode_block
from node.spec.codec import decode, encode
from node.spec.crypto import recover
from node.spec.fees import FeeLine, Fees, decode_fees, encode_fees
from node.spec.header import decode_header, encode_header
from node.spec.pricing import PricePlan, Tier, decode_plan, encode_plan, plan_hash
from node.spec.receipt import Log, Receipt, decode_receipt, encode_receipt
from node.spec.seal import decode_extra_data
from node.spec.transaction import decode_transaction, sign_dynamic_fee
from node.spec.types import Address, Hash32
from node.spec.vocabulary import PriceClass

VECTORS: Final = Path(__file__).parent.parent / "tests" / "vectors" / "qbft.json"
ROUNDS_A_TURN: Final = 200
SLOW_SECONDS: Final = 1.0
ADDRESS: Final = Address(b"\1" * 20)
_PLAN: Final = PricePlan(PriceClass.TIERED, "CNY", (Tier(5, 2), Tier(0, 1)), 10)
_LINE: Final = FeeLine(Hash32(b"\1" * 32), 1, plan_hash(_PLAN), "CNY", 3, 1, -200, -10)
_FEES: Final = Fees(1, 2, 3, 0, 86_400, (_LINE,))
_FEE_FILE: Final = fee_file.encode(fee_file.FeeFile(1, bytes(32), _FEES, (_PLAN,))).encode()
HASH: Final = Hash32(b"\2" * 32)


@dataclass(frozen=True, slots=True)
class Target:
    """A decoder with samples to start from; `again` re-encodes what it accepted, where it must."""

    name: str
    samples: tuple[bytes, ...]
    decode: Callable[[bytes], object]
    again: Callable[[object], bytes] | None = None


def targets() -> tuple[Target, ...]:
    """Return every decoder that a stranger's bytes reach."""
    vectors = json.loads(VECTORS.read_text(encoding="utf-8"))
    headers = tuple(bytes.fromhex(v["header_rlp"][2:]) for v in vectors["headers"])
    raw = sign_dynamic_fee(b"\7" * 32, chain_id=1, nonce=1, gas=50_000, to=ADDRESS, data=b"ab")
    receipt = Receipt(2, True, 50_000, (Log(ADDRESS, (HASH,), b"data"),))
    block = encode_block(Block(decode_header(headers[5]), (raw,)))
    frames = (Status(7, HASH), Transactions((raw,)), GetBlocks(1, 2, 3), Consensus(18, raw))
    query = aggregate_query("CreditScoreEvaluation", ["a"], [Measure("share", "b", "2")])
    genesis = json.dumps(vectors["genesis"][0]["genesis"]).encode()
    found = [
        Target("rlp", (encode([b"a", [b"b" * 60]]), *headers), decode, encode),  # type: ignore[arg-type]
        Target("transaction", (raw,), decode_transaction, lambda t: t.raw),  # type: ignore[attr-defined]
        Target("header", headers, decode_header, encode_header),  # type: ignore[arg-type]
        Target("block", (block,), decode_block, encode_block),  # type: ignore[arg-type]
        Target("receipt", (encode_receipt(receipt),), decode_receipt, encode_receipt),  # type: ignore[arg-type]
        Target(
            "extra data",
            tuple(decode_header(header).extra_data for header in headers),
            decode_extra_data,
        ),
        Target(
            "frame",
            tuple(encode_frame(frame) for frame in frames),
            decode_frame,
            encode_frame,  # type: ignore[arg-type]
        ),
        Target("json-rpc", (b'{"jsonrpc":"2.0","id":1,"method":"m","params":[[]]}',), parse),
        Target("query", (query.text.encode(),), lambda data: parse_query(data.decode("latin-1"))),
        Target("genesis", (genesis,), lambda data: parse_genesis(data.decode("latin-1"))),
        Target("certificate", (b"\x30\x82\x01\x00" + bytes(256),), read_certificate),
        Target("bundle", (encode([b"dataccord-evidence-3", 1]),), decode_bundle, encode_bundle),  # type: ignore[arg-type]
        Target("price plan", (encode_plan(_PLAN),), decode_plan, encode_plan),  # type: ignore[arg-type]
        Target("fees", (encode_fees(_FEES),), decode_fees, encode_fees),  # type: ignore[arg-type]
        Target("fee file", (_FEE_FILE,), lambda data: fee_file.decode(data.decode("latin-1"))),
    ]
    for message in vectors["messages_derived"]["messages"]:
        code, data = int(message["code"], 16), bytes.fromhex(message["rlp"][2:])
        found.append(_message_target(message["name"].split("(")[0], code, data))
    return tuple(found)


def _message_target(name: str, code: int, data: bytes) -> Target:
    return Target(
        f"qbft {name}",
        (data,),
        lambda mutated: decode_message(code, mutated, recover),
        encode_message,  # type: ignore[arg-type]
    )


def mutate(sample: bytes, chance: random.Random) -> bytes:
    """Return a sample with one to four small changes."""
    data = bytearray(sample)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0 if place < len(data):
                data[place] ^= 1 << chance.randrange(8)
            case 1 if place < len(data):
                data[place] = chance.choice((0, 1, 0x7F, 0x80, 0xB7, 0xBF, 0xC0, 0xF7, 0xFF))
            case 2:
                data[place:place] = chance.randbytes(chance.randint(1, 9))
            case 3:
                del data[place : place + chance.randint(1, 9)]
            case _:
                data[place:place] = data[chance.randrange(len(data) + 1) :][:40]
    return bytes(data)


def fault_of(target: Target, data: bytes) -> str | None:
    """Return what a decoder did wrong with these bytes, None if nothing."""
    began = time.perf_counter()
    try:
        value = target.decode(data)
    except DataccordError:
        value = None
    except Exception as error:
        return f"raised {type(error).__name__}: {error}"
    if time.perf_counter() - began > SLOW_SECONDS:
        return f"took {time.perf_counter() - began:.1f} s"
    if value is not None and target.again is not None and target.again(value) != data:
        return "accepted bytes that it would not write"
    return None


def main() -> int:
    """Fuzz all targets by turns."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    every, rounds = targets(), 0
    end = time.monotonic() + arguments.seconds
    while time.monotonic() < end:
        for target in every:
            for _ in range(ROUNDS_A_TURN):
                data = mutate(chance.choice(target.samples), chance)
                rounds += 1
                fault = fault_of(target, data)
                if fault is not None:
                    print(f"FAILED seed {arguments.seed} round {rounds}: {target.name} {fault}")
                    print(f"input: {data.hex()}")
                    return 1
    print(f"{rounds} inputs to {len(every)} decoders, seed {arguments.seed}: no fault")
    return 0


if __name__ == "__main__":
    sys.exit(main())
