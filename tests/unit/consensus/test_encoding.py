"""QBFT's bytes must be Besu's, or the two cannot share a network: checked against byte vectors."""

import pytest

from node.consensus.encoding import (
    MESSAGE_LENGTH_MAX,
    decode_certificate,
    decode_message,
    encode_certificate,
    encode_message,
    signing_hash,
)
from node.consensus.messages import Commit, Kind, Proposal, RoundChange
from node.errors import DecodeError, SignatureError
from node.spec.codec import decode, encode
from node.spec.crypto import recover
from tests.unit.consensus.kit import (
    HEIGHT,
    KEYS,
    MESSAGES,
    VALIDATORS,
    VECTORS,
    block,
    certificate,
    commit,
    prepare,
    proposal,
    round_change,
)

UPSTREAM = VECTORS["messages_upstream"]
CODES = {"prepare": Kind.PREPARE, "commit": Kind.COMMIT, "roundChange": Kind.ROUND_CHANGE}


def raw(entry: dict[str, str]) -> bytes:
    return bytes.fromhex(entry["rlp"][2:])


def named(name: str) -> tuple[int, bytes]:
    entry = next(entry for entry in MESSAGES if entry["name"].startswith(name))
    return int(entry["code"], 16), raw(entry)


@pytest.mark.parametrize("entry", MESSAGES, ids=lambda entry: entry["name"])
def test_vector_decodes_to_its_author_and_encodes_to_itself(entry: dict[str, str]) -> None:
    message = decode_message(int(entry["code"], 16), raw(entry), recover)
    assert encode_message(message) == raw(entry)
    assert f"0x{message.author.hex()}" == entry["author"]
    if "sign_hash" in entry:
        assert f"0x{signing_hash(message.signed.payload).hex()}" == entry["sign_hash"]
    if "digest" in entry:
        assert not isinstance(message, RoundChange)
        assert f"0x{message.digest.hex()}" == entry["digest"]
    if "commit_seal" in entry:
        assert isinstance(message, Commit)
        assert f"0x{message.signed.payload.seal.hex()}" == entry["commit_seal"]
        assert message.sealer == message.author


@pytest.mark.parametrize("entry", UPSTREAM, ids=lambda entry: entry["name"])
def test_other_clients_layouts_are_read_and_kept(entry: dict[str, str]) -> None:
    code = CODES.get(entry["name"].split("_")[0], Kind.PROPOSAL)
    assert encode_message(decode_message(code, raw(entry), recover)) == raw(entry)


def test_legacy_and_current_proposals_are_different_signatures_of_one_block() -> None:
    legacy = decode_message(*named("proposal_r0_legacy"), recover)
    current = decode_message(*named("proposal_r0_current"), recover)
    assert isinstance(legacy, Proposal)
    assert isinstance(current, Proposal)
    assert legacy.digest == current.digest
    assert legacy.author == current.author
    assert legacy.signed.signature != current.signed.signature


def test_what_we_make_decodes_to_what_we_made() -> None:
    prepared = certificate(block())
    changes = tuple(round_change(index, 2, prepared) for index in (0, 1, 2))
    made = [
        proposal(2, block(2), 2, changes, prepared.prepares),
        prepare(0, prepared.digest),
        commit(1, prepared.digest, 3),
        round_change(3, 1),
        changes[0],
    ]
    for message in made:
        assert decode_message(message.kind, encode_message(message), recover) == message


def test_rounds_reach_to_the_last_of_31_bits_and_no_further() -> None:
    highest = round_change(0, 2**31 - 1)
    decoded = decode_message(Kind.ROUND_CHANGE, encode_message(highest), recover)
    assert decoded.round == 2**31 - 1
    with pytest.raises(DecodeError, match="31 bits"):
        decode_message(Kind.ROUND_CHANGE, encode_message(round_change(0, 2**31)), recover)


def test_a_seal_by_nobody_is_a_vote_without_sealer() -> None:
    vote = commit(0, certificate(block()).digest)
    items = decode(encode_message(vote))
    assert isinstance(items, list)
    assert isinstance(items[0], list)
    items[0][3] = b"\xff" * 65
    message = decode_message(Kind.COMMIT, encode(items), recover)
    assert isinstance(message, Commit)
    assert message.sealer is None


def altered(name: str, *path: int, value: object) -> tuple[int, bytes]:
    """Return a vector with one item replaced."""
    code, data = named(name)
    top = decode(data)
    item = top
    for index in path[:-1]:
        assert isinstance(item, list)
        item = item[index]
    assert isinstance(item, list)
    item[path[-1]] = value  # type: ignore[call-overload]
    return code, encode(top)


@pytest.mark.parametrize(
    ("code", "data", "why"),
    [
        (0x11, named("prepare_r0_v0")[1], "unknown code"),
        (0x13, b"", "no bytes"),
        (0x13, b"\xc0", "expected 2 items"),
        (0x13, named("commit_r0_v0")[1], "expected 3 items"),
        (0x14, named("prepare_r0_v0")[1], "expected 4 items"),
        (*altered("prepare_r0_v0", 0, 1, value=b"\0"), "leading zero"),
        (*altered("prepare_r0_v0", 0, 2, value=b"a" * 31), "expected 32 bytes"),
        (*altered("prepare_r0_v0", 1, value=b"a" * 64), "expected 65 bytes"),
        (*altered("commit_r0_v0", 0, 3, value=b"a" * 64), "expected 65 bytes"),
        (*altered("round_change_r1_unprepared_current_v0", 2, value=b"\x01"), "access list"),
        (*altered("round_change_r1_unprepared_current_v0", 0, 0, 2, value=[b"\1"]), "digest"),
        (*altered("round_change_r1_unprepared_current_v0", 3, value=[[]] * 101), "more than 100"),
        (*altered("proposal_r0_current", 0, 0, 3, value=[]), "access list"),
        (*altered("proposal_r0_current", 1, 0, value=[[]] * 101), "more than 100"),
        (*altered("proposal_r0_current", 1, 1, value=[[]] * 101), "more than 100"),
        (*altered("proposal_r0_current", 0, 0, 2, 0, 12, value=b"\xc0"), "extra data"),
        (*altered("round_change_r1_prepared_current_v0", 1, 0, 12, value=b"\xc0"), "extra data"),
        (0x15, encode([[[1, 1, []], b"a" * 65], []]), "fewer than three"),
        (0x12, encode([[[1, 0], b"a" * 65], [[], []]]), "fewer than three"),
        (0x13, bytes(MESSAGE_LENGTH_MAX + 1), "more than"),
    ],
)
def test_malformed_bytes_are_one_kind_of_error(code: int, data: bytes, why: str) -> None:
    with pytest.raises(DecodeError, match=why):
        decode_message(code, data, recover)


def test_a_signature_by_nobody_is_refused() -> None:
    code, data = altered("prepare_r0_v0", 1, value=b"\xff" * 65)
    with pytest.raises(SignatureError):
        decode_message(code, data, recover)


def test_a_certificate_survives_the_sign_state() -> None:
    made = certificate(block(), 3)
    assert decode_certificate(encode_certificate(made), recover) == made
    with pytest.raises(DecodeError, match="no prepares"):
        decode_certificate(encode_certificate(made)[:0] + _without_prepares(made), recover)


def _without_prepares(made: object) -> bytes:
    items = decode(encode_certificate(made))  # type: ignore[arg-type]
    assert isinstance(items, list)
    return encode([items[0], []])


def test_kit_is_what_the_vectors_say() -> None:
    assert tuple(sorted(VALIDATORS)) == VALIDATORS
    assert len(KEYS) == 4
    assert HEIGHT == 8
