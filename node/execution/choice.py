"""Which engine runs: the native one where its library is there and fits, else py-evm.

`DATACCORD_ENGINE` may name one (`native` or `py-evm`). A library that is missing, of another
version or broken is no error unless it was asked for by name: one line says so, and the reference
engine runs, with the same bytes.
"""

import os
from dataclasses import dataclass
from typing import Final

from node.errors import ConfigError
from node.execution.engine import Engine, StateTrie

VARIABLE: Final = "DATACCORD_ENGINE"
NATIVE: Final = "native"
PY_EVM: Final = "py-evm"
NATIVE_VERSION: Final = "0.1.0"
"""The version of `engine/` whose seam this code speaks."""


@dataclass(frozen=True, slots=True)
class Engines:
    """The engine and trie that run, and a line for people that says which and why."""

    engine: Engine
    trie: StateTrie
    line: str


def load_engine(wanted: str | None = None) -> Engines:
    """Return the engine that `wanted`, or else the environment, names; by default the fastest.

    Raises:
        ConfigError: there is no engine of that name, or it was named and cannot run.
    """
    name = os.environ.get(VARIABLE, "") if wanted is None else wanted
    if name not in ("", NATIVE, PY_EVM):
        raise ConfigError(
            f"{VARIABLE}: no engine is called {name!r}",
            why=f"{NATIVE} and {PY_EVM} are",
            next_command=f"unset {VARIABLE}",
        )
    if name == PY_EVM:
        return _reference(f"{PY_EVM}, as {VARIABLE} says")
    found = _native()
    if isinstance(found, Engines):
        return found
    if name == NATIVE:
        raise ConfigError(
            "the native engine was asked for and cannot run", why=found, next_command="make engine"
        )
    return _reference(f"{PY_EVM}: {found}")


def _reference(line: str) -> Engines:
    # Here, because a node on the native engine does without py-evm's 17 MB and second of imports.
    from node.execution.pyevm import PyEvmEngine
    from node.execution.state_trie import PythonStateTrie

    return Engines(PyEvmEngine(), PythonStateTrie(), f"engine: {line}")


def _native() -> Engines | str:
    """Return the native engine, or why it cannot run."""
    try:
        import dataccord_engine as library
    except ModuleNotFoundError:
        return "the native engine is not installed (make engine builds it)"
    except ImportError as error:
        return f"the native engine's library is broken ({error}); make engine builds it anew"
    version = getattr(library, "__version__", "unknown")
    if version != NATIVE_VERSION:
        return f"the native engine is version {version}, {NATIVE_VERSION} is needed (make engine)"
    from node.execution.native import NativeEngine, NativeStateTrie

    engine = NativeEngine()
    return Engines(engine, NativeStateTrie(engine), f"engine: {NATIVE} {version} (revm)")
