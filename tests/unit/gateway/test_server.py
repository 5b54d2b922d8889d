"""The gateway's door faces another bank: every malformed body is one typed error, and no more."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from node.config import GatewayConfig, SourceConfig
from node.errors import ConfigError
from node.gateway import server
from node.gateway import service as service_module
from node.gateway.server import Door, load_products
from node.sdk import wire
from node.spec.crypto import sign
from node.spec.usage import receipt_hash

from .kit import CHAIN_ID, CONSUMER_KEY, NOW, RECORD, Gateway, asked, signed

PROJECT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module.time, "time", lambda: float(NOW))


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    return Gateway(tmp_path)


def client(gateway: Gateway) -> TestClient:
    return TestClient(TestServer(Door(gateway.service).application()))


def use_body(gateway: Gateway) -> dict[str, Any]:
    request = asked()
    return {
        "authorization": wire.to_hex(gateway.grant.authorization_id),
        "lease": 1,
        "request": wire.to_json(request),
        "signature": wire.to_hex(signed(request)),
        "query": RECORD.text,
    }


async def post(door: TestClient, path: str, body: Any) -> tuple[int, Any]:
    kind = {"data": body} if isinstance(body, bytes) else {"json": body}
    async with door.post(path, **kind) as response:
        return response.status, await response.json()


async def test_a_use_and_its_countersignature(gateway: Gateway) -> None:
    async with client(gateway) as door:
        status, answer = await post(door, "/use", use_body(gateway))
        assert status == 200
        assert set(answer) == {"receipt", "signature", "salt", "result"}
        use = gateway.journal.last(gateway.grant.lease.lease)
        assert use is not None
        assert use.receipt is not None
        half = sign(CONSUMER_KEY, receipt_hash(use.receipt, CHAIN_ID))
        body = {
            "authorization": wire.to_hex(gateway.grant.authorization_id),
            "lease": 1,
            "use": 1,
            "signature": wire.to_hex(half),
        }
        assert await post(door, "/countersign", body) == (200, {})
        status, answer = await post(door, "/countersign", body | {"use": 2})
        assert (status, answer["error"]) == (403, "gateway: no such receipt")


@pytest.mark.parametrize("path", ["/use", "/countersign", "/sign-batch", "/sign-close"])
@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b"5", b"null", b"{}", b"[" * 5_000])
async def test_a_malformed_body_is_one_error(gateway: Gateway, path: str, body: bytes) -> None:
    async with client(gateway) as door:
        status, answer = await post(door, path, body)
        assert status == 400
        assert set(answer) == {"error", "why"}
    assert gateway.journal.uses(gateway.grant.lease.lease) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"authorization": "0x12"},
        {"lease": -1},
        {"lease": 2**63},
        {"lease": True},
        {"request": None},
        {"request": {}},
        {"signature": "0x" + "00" * 64},
        {"query": 5},
        {"query": RECORD.text + " "},
        {"query": "x" * 20_000},
    ],
)
async def test_each_member_is_checked(gateway: Gateway, change: dict[str, Any]) -> None:
    async with client(gateway) as door:
        status, _ = await post(door, "/use", use_body(gateway) | change)
        assert status == 400
        status, _ = await post(door, "/use", use_body(gateway))
        assert status == 200


async def test_a_refusal_is_403_with_its_reason(gateway: Gateway) -> None:
    async with client(gateway) as door:
        body = use_body(gateway) | {"lease": 2}
        status, answer = await post(door, "/use", body)
        assert (status, answer["error"]) == (403, "gateway: request names another lease")
        ranges = [wire.to_json(part) for part in ()]
        status, _ = await post(door, "/sign-batch", {"ranges": ranges, "signature": "0x"})
        assert status == 400


async def test_our_own_trouble_tells_nothing(gateway: Gateway) -> None:
    (gateway.source._subjects_file).write_text("{", encoding="utf-8")
    async with client(gateway) as door:
        status, answer = await post(door, "/use", use_body(gateway))
        assert status == 503
        assert "subjects" not in str(answer)


async def test_a_body_has_a_bound(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "BODY_BYTES_MAX", 10)
    async with client(gateway) as door, door.post("/use", data=b" " * 11) as response:
        assert response.status == 413
    async with client(gateway) as door, door.get("/use") as response:
        assert response.status == 405


def config(tmp_path: Path, product: str) -> GatewayConfig:
    demo = PROJECT / "config" / "demo"
    (tmp_path / "subjects.json").write_text("{}", encoding="utf-8")
    source = SourceConfig(
        product, demo / "product.json", demo / "german_credit.csv", tmp_path / "subjects.json"
    )
    nowhere = tmp_path / "none"
    return GatewayConfig(
        genesis_hash="0x" + "00" * 32,
        rpc="http://127.0.0.1:9",
        account_key=nowhere,
        store=nowhere,
        host="127.0.0.1",
        port=0,
        certificate=nowhere,
        private_key=nowhere,
        sources=(source,),
    )


def test_products_are_loaded_under_their_ids(tmp_path: Path) -> None:
    found = load_products(config(tmp_path, "0x" + "ab" * 32))
    ((identifier, (manifest, source)),) = found.items()
    assert identifier == b"\xab" * 32
    assert len(manifest.names) > 10
    assert len(source.fingerprint()) == 32
    for product in ("", "0x12", "zz"):
        with pytest.raises(ConfigError, match="no 32-byte hash"):
            load_products(config(tmp_path, product))
