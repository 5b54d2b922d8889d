"""An export must be whole or not be: what it cannot prove by its own auditor it does not write."""

from pathlib import Path
from typing import Any

import pytest

from node.audit.bundle import decode_bundle
from node.audit.export import export, write_file
from node.audit.verify import verify
from node.errors import ConfigError, IntegrityError, ProofError, Refused
from node.sdk.client import Client
from node.sdk.journal import Journal
from node.sdk.light import LightClient
from node.spec.codec import encode
from node.spec.receipt import decode_receipt, encode_receipt
from node.spec.types import ZERO_HASH, Hash32
from tests.unit.audit.factory import Story


async def test_default_is_what_the_journal_holds(story: Story) -> None:
    data = await story.export()
    cases = verify(data, story.genesis.hash).cases
    wanted = {story.plain, story.personal, story.lapsing}
    assert {case.identifier for case in cases} == wanted


async def test_batch_draws_in_its_other_leases(story: Story) -> None:
    report = verify(await story.export(story.plain), story.genesis.hash)
    assert report.exit_code == 0
    assert {case.identifier for case in report.cases} == {story.plain, story.lapsing}


async def test_one_authorization_alone(story: Story) -> None:
    data = await story.export(story.declined)
    report = verify(data, story.genesis.hash)
    assert [case.identifier for case in report.cases] == [story.declined]
    assert decode_bundle(data).trails == ()


async def test_export_is_deterministic(story: Story) -> None:
    assert await story.export(story.personal) == await story.export(story.personal)


async def test_missing_receipts_are_named(story: Story, tmp_path: Path) -> None:
    empty = Journal(tmp_path / "empty.db")
    light = LightClient(story.client(), story.genesis.hash)
    with pytest.raises(Refused, match="receipts are missing"):
        await export(light, [empty], [story.plain])
    light = LightClient(story.client(), story.genesis.hash)
    with pytest.raises(Refused, match="nothing to export"):
        await export(light, [empty])
    light = LightClient(story.client(), story.genesis.hash)
    data, _ = await export(light, [empty, story.journal], [story.plain])
    assert verify(data, story.genesis.hash).exit_code == 0
    empty.close()


async def test_unknown_authorization(story: Story) -> None:
    with pytest.raises(Refused, match="no such authorization"):
        await story.export(ZERO_HASH)


async def test_another_chain_is_refused(story: Story) -> None:
    light = LightClient(story.client(), Hash32(bytes(31) + b"\1"))
    with pytest.raises(ProofError, match="genesis"):
        await export(light, [story.journal])


class Liar:
    """A node that answers one method otherwise."""

    def __init__(self, honest: Client, method: str, lie: Any) -> None:
        self._honest, self._method, self._lie = honest, method, lie

    async def post(self, body: Any) -> Any:
        answer = await self._honest._transport.post(body)
        if body["method"] == self._method:
            answer["result"] = self._lie(answer["result"])
        return answer

    async def close(self) -> None:
        await self._honest._transport.close()


async def lied(story: Story, method: str, lie: Any) -> None:
    client = Client(Liar(story.client(), method, lie))
    light = LightClient(client, story.genesis.hash)
    await export(light, [story.journal], [story.personal])


async def test_node_that_hides_an_event_is_found_out(story: Story) -> None:
    with pytest.raises(IntegrityError, match="does not prove itself"):
        await lied(story, "eth_getLogs", lambda logs: logs[:-1] if len(logs) > 1 else logs)
    await lied(story, "eth_getLogs", lambda logs: logs)


async def test_node_that_changes_a_receipt_is_found_out(story: Story) -> None:
    def lie(receipts: list[str]) -> list[str]:
        held = decode_receipt(bytes.fromhex(receipts[0][2:]))
        changed = encode_receipt(type(held)(held.type, held.succeeded, 1, held.logs))
        return ["0x" + changed.hex(), *receipts[1:]]

    with pytest.raises(ProofError, match="another list"):
        await lied(story, "debug_getRawReceipts", lie)


async def test_node_that_gives_no_receipts(story: Story) -> None:
    with pytest.raises(Exception, match="no receipt"):
        await lied(story, "debug_getRawReceipts", lambda _: [])


def test_file_is_written_whole_or_not(tmp_path: Path) -> None:
    path = tmp_path / "trail.evidence"
    write_file(path, encode([b"one"]))
    write_file(path, encode([b"two"]))
    assert path.read_bytes() == encode([b"two"])
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ConfigError, match="cannot be written"):
        write_file(tmp_path / "missing" / "trail.evidence", b"")
