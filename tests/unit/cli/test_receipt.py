"""A side signs a correction without a network, of just the receipts in its two files."""

import json
from pathlib import Path
from typing import Any

import pytest

from node.cli import main
from node.spec.crypto import keccak256, recover
from node.spec.types import Hash32
from node.spec.usage import Correction, Receipt, correction_digest, receipt_hash
from tests.chaincode import world as w
from tests.unit.cli.test_calls import key_file

CHAIN = 31337
NAMES = (
    *("lease", "number", "previous", "requestHash", "kind", "stateBlock", "usedAt"),
    *("recordCount", "dataSince", "consent", "inputCommitment", "outputCommitment"),
)


def receipt(**changes: Any) -> Receipt:
    return w.receipt(w.World(w.MemoryState()), keccak256(b"lease"), 1, w.ZERO_HASH, **changes)


def written(path: Path, value: Receipt) -> str:
    parts = zip(NAMES, w.plain(value), strict=True)
    shown = {name: "0x" + part.hex() if isinstance(part, bytes) else part for name, part in parts}
    path.write_text(json.dumps(shown))
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str, expect: int = 0) -> Any:
    code = main(["receipt", "sign-correction", *arguments, "--chain-id", str(CHAIN), "--json"])
    printed = capsys.readouterr()
    assert code == expect, printed.err
    return json.loads(printed.out)


def test_a_correction_is_signed_as_void_or_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong, right = receipt(), receipt(record_count=1)
    key = key_file(tmp_path, w.key("a.gateway"))
    common = ("--receipt", written(tmp_path / "wrong.json", wrong), "--key", str(key))
    common += ("--cause", "recorded_in_error")
    void = run(capsys, *common)
    replaced = run(capsys, *common, "--replacement", written(tmp_path / "right.json", right))
    for told, replacement in ((void, bytes(32)), (replaced, receipt_hash(right, CHAIN))):
        correction = Correction(receipt_hash(wrong, CHAIN), Hash32(replacement), 1)
        digest = correction_digest(correction, CHAIN)
        assert told["correction"]["replacement"] == "0x" + replacement.hex()
        assert told["digest"] == "0x" + digest.hex()
        signature = bytes.fromhex(told["signature"][2:])
        assert recover(digest, signature) == w.account("a.gateway")
    elsewhere = written(tmp_path / "other.json", receipt(request_hash=keccak256(b"other")))
    told = run(capsys, *common, "--replacement", elsewhere, expect=5)
    assert "same use" in told["error"]
