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

COMPACTOR_NICENESS: Final = 10
"""All validators write the same, so all compact at the same moment; none is in a hurry to."""


def prepare_process() -> None:
    """Settle the process of a node, before it has threads."""
    sys.setswitchinterval(SWITCH_SECONDS)
    _limit_arenas()
    _start_compactor_behind_others()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_AFTER)


def _limit_arenas() -> None:
    """Bound glibc's arenas; another C library has no such thing, and no need of it."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, ARENAS_MAX)


def _start_compactor_behind_others() -> None:
    """Let LevelDB's one background thread begin in a thread that yields to all others."""

    def begin() -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), COMPACTOR_NICENESS)
        with tempfile.TemporaryDirectory(prefix="dataccord-") as folder:
            start_compactor(Path(folder))

    thread = threading.Thread(target=begin, name="nice")
    thread.start()
    thread.join()
