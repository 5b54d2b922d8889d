"""A node says which engine runs and why, and no library that it did not ask for stops it."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from node.errors import ConfigError
from node.execution.choice import NATIVE, NATIVE_VERSION, PY_EVM, VARIABLE, load_engine
from node.execution.pyevm import PyEvmEngine
from tests import engines

LIBRARY = "dataccord_engine"


def test_the_reference_runs_where_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, PY_EVM)
    found = load_engine()
    assert isinstance(found.engine, PyEvmEngine)
    assert found.line == "engine: py-evm, as DATACCORD_ENGINE says"


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="geth"):
        load_engine("geth")


def test_a_missing_library_is_one_line_or_an_error_where_it_was_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setitem(sys.modules, LIBRARY, None)
    found = load_engine()
    assert isinstance(found.engine, PyEvmEngine)
    assert "not installed" in found.line
    assert "\n" not in found.line
    with pytest.raises(ConfigError) as caught:
        load_engine(NATIVE)
    assert caught.value.next_command == "make engine"


def test_another_version_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    library = ModuleType(LIBRARY)
    monkeypatch.setitem(sys.modules, LIBRARY, library)
    assert "version unknown" in load_engine().line
    library.__version__ = "0.0.9"  # type: ignore[attr-defined]
    found = load_engine()
    assert isinstance(found.engine, PyEvmEngine)
    assert f"version 0.0.9, {NATIVE_VERSION} is needed" in found.line


def test_a_broken_library_is_named(tmp_path: Path) -> None:
    (tmp_path / f"{LIBRARY}.abi3.so").write_bytes(b"\x7fELF no more")
    program = "from node.execution.choice import load_engine; print(load_engine('').line)"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {program}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("engine: py-evm: the native engine's library is broken")
    assert done.stdout.count("\n") == 1


@engines.needs_native
def test_the_native_engine_runs_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    found = load_engine()
    assert found.engine.name == NATIVE
    assert found.line == f"engine: native {NATIVE_VERSION} (revm)"
    assert found.engine.heavy_gas_max is None
