"""What processes have used, as Linux' /proc tells: CPU by kind, memory, and bytes in folders.

A node may have worker processes, so a process is counted with all that descend from it. What a
worker used that has ended is in its parent's account once the parent has taken note of it.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PARENT, _USER, _SYSTEM, _ENDED_USER, _ENDED_SYSTEM = 1, 11, 12, 13, 14
"""Places in /proc/PID/stat, counted from the process' state (proc(5), fields 3, 4, 14 to 17)."""


@dataclass(frozen=True, slots=True)
class Cpu:
    """Seconds of CPU."""

    user: float = 0.0
    system: float = 0.0

    def __add__(self, other: "Cpu") -> "Cpu":
        return Cpu(self.user + other.user, self.system + other.system)

    def __sub__(self, other: "Cpu") -> "Cpu":
        return Cpu(self.user - other.user, self.system - other.system)

    @property
    def total(self) -> float:
        """Both kinds."""
        return self.user + self.system


def own_cpu() -> Cpu:
    """Return what this process has used."""
    times = os.times()
    return Cpu(times.user, times.system)


def children() -> dict[int, list[int]]:
    """Return the processes of this machine by their parents."""
    found = defaultdict(list)
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := _stat(int(entry))):
            found[int(fields[_PARENT])].append(int(entry))
    return found


def family(process: int, below: Mapping[int, list[int]]) -> list[int]:
    """Return a process and all that descend from it."""
    found = [process]
    for member in found:  # grows while it is walked
        found += below.get(member, [])
    return found


def cpu(processes: Iterable[int]) -> Cpu:
    """Return what these processes and their descendants have used, summed."""
    used, below = Cpu(), children()
    for process in processes:
        for member in family(process, below):
            used += _cpu(member)
    return used


def _cpu(process: int) -> Cpu:
    fields = _stat(process)
    if not fields:
        return Cpu()
    user = int(fields[_USER]) + int(fields[_ENDED_USER])
    system = int(fields[_SYSTEM]) + int(fields[_ENDED_SYSTEM])
    return Cpu(user / _TICKS, system / _TICKS)


def _stat(process: int) -> list[str]:
    """Return a process' account after its name; empty where it has ended."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def resident(processes: Iterable[int]) -> list[int]:
    """Return the bytes of memory that each process and its descendants hold now."""
    below = children()
    return [
        sum(_memory(member, "VmRSS") for member in family(process, below)) for process in processes
    ]


def resident_peak(process: int) -> int:
    """Return the most bytes that a process, without descendants, ever held."""
    return _memory(process, "VmHWM")


def _memory(process: int, name: str) -> int:
    try:
        text = Path(f"/proc/{process}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    found = [line.split()[1] for line in text.splitlines() if line.startswith(f"{name}:")]
    return int(found[0]) * 1024 if found else 0


def disk(folder: Path) -> int:
    """Return the bytes of all files in a folder; those that vanish meanwhile do not count."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(place, name)).st_size
            except FileNotFoundError:
                continue
    return total
