"""What precompiles 0x01 to 0x11 are given: sound inputs, and the same with a bit turned."""

from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from random import Random

from py_ecc import optimized_bls12_381 as bls

from node.spec.crypto import keccak256, sign

_KEY = keccak256(b"differential precompile key")
LIGHT = (1, 2, 3, 4, 5, 6, 7, 9, 11, 13)
HEAVY = (8, 10, 12, 14, 15, 16, 17)
"""Those that take py-evm milliseconds to seconds."""


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def _field(value: int) -> bytes:
    return value.to_bytes(64, "big")


@lru_cache(maxsize=64)
def _g1(factor: int) -> bytes:
    """Return a multiple of the generator of BLS12-381's G1; 0 is the point at infinity."""
    if factor == 0:
        return bytes(128)
    x, y = bls.normalize(bls.multiply(bls.G1, factor))
    return _field(int(x)) + _field(int(y))


@lru_cache(maxsize=64)
def _g2(factor: int) -> bytes:
    if factor == 0:
        return bytes(256)
    x, y = bls.normalize(bls.multiply(bls.G2, factor))
    return b"".join(_field(int(part)) for part in (*x.coeffs, *y.coeffs))


def _bn_point(chance: Random) -> bytes:
    """Return bn254's generator, its negation, infinity, or a point that is none."""
    prime = 21888242871839275222246405745257275088696311157297823662689037894645226208583
    return chance.choice(
        (
            word(1) + word(2),
            word(1) + word(prime - 2),
            bytes(64),
            word(1) + word(3),
            word(prime) * 2,
        )
    )


def _bn_pairing(chance: Random) -> bytes:
    generator = (
        0x198E9393920D483A7260BFB731FB5D25F1AA493335A9E71297E485B7AEF312C2,
        0x1800DEEF121F1E76426A00665E5C4479674322D4F75EDADD46DEBD5CD992F6ED,
        0x090689D0585FF075EC9E99AD690C3395BC4B313370B38EF355ACDADCD122975B,
        0x12C85EA5DB8C6DEB4AAB71808DCB408FE3D1E7690C43D37B4CE6CC0166FA7DAA,
    )
    second = b"".join(map(word, generator))
    if chance.random() < 0.15:
        return _bn_point(chance) + second
    return chance.choice((b"", bytes(192), bytes(64) + second, b"\1"))


def _kzg(chance: Random) -> bytes:
    """Return a claim about the zero polynomial: its commitment and proof are infinity."""
    commitment = b"\xc0" + bytes(47)
    versioned = b"\x01" + sha256(commitment).digest()[1:]
    claimed = word(chance.choice((0, 0, 1)))
    return versioned + word(chance.randrange(9)) + claimed + commitment + commitment


def _ecrecover(chance: Random) -> bytes:
    digest = keccak256(bytes([chance.randrange(4)]))
    signature = sign(_KEY, digest)
    return digest + word(27 + signature[64]) + signature[:64]


def _modexp(chance: Random) -> bytes:
    lengths = [chance.randrange(1, 40) for _ in range(3)]
    return b"".join(map(word, lengths)) + chance.randbytes(sum(lengths))


def _blake2(chance: Random) -> bytes:
    rounds, final = chance.randrange(20), bytes([chance.randrange(3)])
    return rounds.to_bytes(4, "big") + chance.randbytes(208) + final


def _bls_pairing(chance: Random) -> bytes:
    if chance.random() < 0.2:
        return _g1(1) + _g2(1)
    return chance.choice((b"", _g1(0) + _g2(2), _g1(3) + _g2(0)))


_SOUND: dict[int, Callable[[Random], bytes]] = {
    1: _ecrecover,
    5: _modexp,
    6: lambda chance: _bn_point(chance) + _bn_point(chance),
    7: lambda chance: _bn_point(chance) + word(chance.choice((0, 1, 2, 9, 2**255))),
    8: _bn_pairing,
    9: _blake2,
    10: _kzg,
    11: lambda chance: _g1(chance.randrange(4)) + _g1(chance.randrange(4)),
    12: lambda chance: b"".join(
        _g1(n) + word(chance.randrange(2**32)) for n in range(chance.randrange(3))
    ),
    13: lambda chance: _g2(chance.randrange(4)) + _g2(chance.randrange(4)),
    14: lambda chance: b"".join(
        _g2(n) + word(chance.randrange(2**16)) for n in range(chance.randrange(3))
    ),
    15: _bls_pairing,
    16: lambda chance: _field(chance.randrange(2**200)),
    17: lambda chance: _field(chance.randrange(2**200)) + _field(chance.randrange(4)),
}


def _plain(chance: Random) -> bytes:
    return chance.randbytes(chance.randrange(100))


def precompile_input(number: int, chance: Random) -> bytes:
    """Return an input for the precompile at address `number`; one in three is damaged."""
    data = _SOUND.get(number, _plain)(chance)
    if not data or chance.random() < 0.67:
        return data
    place = chance.randrange(len(data))
    if chance.random() < 0.3:
        return data[:place]
    return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]
