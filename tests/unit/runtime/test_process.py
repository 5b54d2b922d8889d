"""A node's process is settled once, before its threads: what is settled must really hold."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from node.execution.choice import NATIVE
from tests.engines import NAMES

PROGRAM = """
import gc, json, os, sys, time
from node.execution.choice import load_engine
from node.runtime.process import prepare_process
prepare_process(load_engine(sys.argv[1]).engine)
# A thread that is over for Python may still be leaving the kernel.
until = time.monotonic() + 10
while len(os.listdir("/proc/self/task")) > int(sys.argv[2]) and time.monotonic() < until:
    os.sched_yield()
tasks = [int(name) for name in os.listdir("/proc/self/task")]
threads = {task: os.getpriority(os.PRIO_PROCESS, task) for task in tasks}
print(json.dumps({
    "main": threads.pop(os.getpid()),
    "others": list(threads.values()),
    "frozen": gc.get_freeze_count(),
    "collected_after": gc.get_threshold(),
    "switch": sys.getswitchinterval(),
}))
"""


@pytest.mark.parametrize("name", NAMES)
def test_native_threads_yield_and_what_lives_long_is_not_collected(
    tmp_path: Path, name: str
) -> None:
    workers = [5] * (os.cpu_count() or 1) if name == NATIVE else []
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, name, str(len(workers) + 2)],
        env={"PYTHONPATH": ":".join(sys.path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found["main"] == 0
    assert sorted(found["others"]) == [*workers, 10]
    assert found["frozen"] > 10_000
    assert found["collected_after"] == [20_000, 20, 50]
    assert found["switch"] == 0.0005
    assert list(tmp_path.iterdir()) == []
