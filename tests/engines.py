"""Which engines the tests run on: both where the native library is there, else py-evm alone.

`DATACCORD_ENGINE` may name one of them. Fixtures parametrized by `NAMES` choose the engine that
`engine` and `trie` then return; the session's header says which there are, and why not both.
"""

import os
from functools import lru_cache

import pytest

from node.errors import ConfigError
from node.execution.choice import NATIVE, PY_EVM, VARIABLE, Engines, load_engine
from node.execution.engine import Engine, StateTrie

BEST = load_engine()
"""What a node would run on."""


def _names() -> tuple[str, ...]:
    if os.environ.get(VARIABLE):
        return (BEST.engine.name,)
    return (PY_EVM, NATIVE) if BEST.engine.name == NATIVE else (PY_EVM,)


NAMES = _names()


def _native_missing() -> str:
    try:
        load_engine(NATIVE)
    except ConfigError as error:
        return error.why
    return ""


NATIVE_MISSING = _native_missing()
"""Why the native engine cannot run, whatever `DATACCORD_ENGINE` asks for; empty where it can."""

needs_native = pytest.mark.skipif(bool(NATIVE_MISSING), reason=NATIVE_MISSING)
"""For what only the native engine has, or what compares the two."""

_chosen = NAMES[0]


def choose(name: str) -> None:
    """Have `engine` and `trie` return those of this name from now on."""
    global _chosen
    _chosen = name


@lru_cache(maxsize=2)
def load(name: str) -> Engines:
    """Return the engine of a name; an error where it cannot run."""
    return load_engine(name)


def engine() -> Engine:
    """Return the engine under test."""
    return load(_chosen).engine


def trie() -> StateTrie:
    """Return the trie under test."""
    return load(_chosen).trie
