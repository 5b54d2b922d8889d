"""What a node asks of its own process: of the interpreter, the C library and the kernel.

Each line here answers something measured on four validators under load, where a block waits for
whichever of them pauses last. The values are for a process that runs one node and nothing else;
tests and clients do without.
"""

import ctypes
import gc
import os
import sys
import tempfile
import threading
from pathlib import Path
from typing import Final

from node.execution.engine import Engine
from node.storage.leveldb import start_compactor

SWITCH_SECONDS: Final = 0.0005
"""How long a thread that computes in Python may keep the event loop waiting; CPython's own 5 ms
made a vote late by several times that."""

COLLECTED_AFTER: Final = (20_000, 20, 50)
"""Allocations, young and middle collections before the next. Almost nothing here is a cycle, and a
collection of the oldest stopped the node for up to 0.4 s."""

ARENAS_MAX: Final = 2
"""glibc keeps an arena for each thread, and what one thread takes another gives back: 190 MB of
300 were free memory in ten arenas."""
_M_ARENA_MAX: Final = -8

SHARED_OUT: Final = 64
"""Transactions, here of nothing, that an engine surely shares out among its workers."""

WORKERS_NICENESS: Final = 5
COMPACTOR_NICENESS: Final = 10
"""Votes and answers go before what computes natively, and that before tidying the store."""


def prepare_process(engine: Engine) -> None:
    """Settle the process of a node on an engine, before it has threads."""
    sys.setswitchinterval(SWITCH_SECONDS)
    _limit_arenas()
    _start_workers_behind_the_loop(engine)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_AFTER)


def _limit_arenas() -> None:
    """Bound glibc's arenas; another C library has no such thing, and no need of it."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, ARENAS_MAX)


def _start_workers_behind_the_loop(engine: Engine) -> None:
    """Let native threads begin in a thread that yields to all others, which they take after.

    Neither the engine's workers nor LevelDB's one ever hold the interpreter, so none that yields
    keeps another from it.
    """

    def begin() -> None:
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, WORKERS_NICENESS)
        engine.recover([b""] * SHARED_OUT)
        os.setpriority(os.PRIO_PROCESS, thread, COMPACTOR_NICENESS)
        with tempfile.TemporaryDirectory(prefix="dataccord-") as folder:
            start_compactor(Path(folder))

    thread = threading.Thread(target=begin, name="nice")
    thread.start()
    thread.join()
