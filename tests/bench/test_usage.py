"""CPU, memory and disk are read from the system's files; a wrong field would look plausible."""

import os
import subprocess
import sys
from pathlib import Path

from scripts.bench import usage
from scripts.bench.usage import Cpu

BURN = "import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass\n"


def test_what_this_process_uses_is_found() -> None:
    before, own = usage.cpu([os.getpid()]), usage.own_cpu()
    while (usage.own_cpu() - own).total < 0.1:
        sum(range(10_000))
    used = usage.cpu([os.getpid()]) - before
    assert 0.07 <= used.total <= 5.0
    assert used.user > 0.05


def test_a_descendant_counts_with_its_ancestor() -> None:
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN!r}]); input()"
    command = [sys.executable, "-c", f"print('up', flush=True)\n{child}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        assert process.pid in usage.family(os.getpid(), usage.children())
        while usage.cpu([process.pid]).total < 0.15:
            assert process.poll() is None
        process.stdin.close()


def test_memory_is_held_and_its_peak_is_no_less() -> None:
    [held] = usage.resident([os.getpid()])
    assert 5_000_000 < held < 64_000_000_000
    assert usage.resident_peak(os.getpid()) > 5_000_000


def test_a_process_that_is_not_there_uses_nothing() -> None:
    nobody = 2**22 + 1  # above the kernel's greatest process id
    assert usage.cpu([nobody]) == Cpu()
    assert usage.resident([nobody]) == [0]
    assert usage.resident_peak(nobody) == 0


def test_a_folder_has_the_bytes_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "a").write_bytes(bytes(100))
    (tmp_path / "deep" / "b").write_bytes(bytes(23))
    assert usage.disk(tmp_path) == 123
    assert usage.disk(tmp_path / "deep") == 23
