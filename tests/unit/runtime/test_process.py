"""A node's process is settled once, before its threads: what is settled must really hold."""

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import gc, json, os, sys
from node.runtime.process import prepare_process
prepare_process()
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


def test_compaction_yields_and_what_lives_long_is_not_collected(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={"PYTHONPATH": ":".join(sys.path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found["main"] == 0
    assert found["others"] == [10]
    assert found["frozen"] > 10_000
    assert found["collected_after"] == [20_000, 20, 50]
    assert found["switch"] == 0.0005
    assert list(tmp_path.iterdir()) == []
