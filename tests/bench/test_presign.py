"""A presigned file must be the same work each time: right nonces, no id twice, whole chunks."""

from pathlib import Path

from node.spec.crypto import address_of, keccak256
from node.spec.transaction import decode_transaction, recover_sender
from scripts.bench import presign
from scripts.loads import SENDERS


def test_a_record_is_its_senders_next_transaction() -> None:
    raw, _, transaction_hash = presign.record(SENDERS * 3 + 7).rstrip("\n").partition(" ")
    transaction = decode_transaction(bytes.fromhex(raw[2:]))
    assert transaction.nonce == 3
    assert recover_sender(transaction) == address_of(presign._keys()[7])
    assert transaction.to == presign.contract()
    assert transaction_hash == "0x" + keccak256(bytes.fromhex(raw[2:])).hex()
    assert presign.record_id(7) != presign.record_id(8)


def test_an_unfinished_chunk_is_signed_again(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    whole = "raw hash\n" * presign.CHUNK
    path.write_text(whole + "raw hash\nraw ha", encoding="ascii")
    assert presign.whole_chunks(path) == presign.CHUNK
    assert path.read_text(encoding="ascii") == whole


def test_whole_chunks_stay(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    assert presign.whole_chunks(path) == 0
    path.write_text("raw hash\n" * 2 * presign.CHUNK, encoding="ascii")
    assert presign.whole_chunks(path) == 2 * presign.CHUNK


def test_what_is_there_is_not_signed_again(tmp_path: Path) -> None:
    path = presign.presigned(0, tmp_path)
    path.write_text("raw hash\n" * presign.CHUNK, encoding="ascii")
    assert presign.presigned(presign.CHUNK, tmp_path) == path
    assert path.read_text(encoding="ascii") == "raw hash\n" * presign.CHUNK


def test_a_span_of_lines_keeps_the_files_indices(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_text("".join(f"r{i} h{i}\n" for i in range(5)), encoding="ascii")
    assert list(presign.lines(path, range(1, 3))) == [(1, "r1", "h1"), (2, "r2", "h2")]
