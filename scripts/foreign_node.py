"""The exit door: contracts, SDK and command line on a node that is not ours.

Anvil is started from its npm package, unmodified, with the genesis of a development network and
Prague's rules. On it the command line carries a grant from the terms file to an active
authorization, and the scenarios are played with SDK and contracts alone: no gateway, no seals, no
proofs. The exit code is 0 if all held, 4 where anvil cannot be had.
"""

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from node.cli.devnet import CHAIN_ID, DevelopmentNetwork, create_network
from node.sdk.client import Client
from node.sdk.product import load_manifest
from node.sdk.reverts import grants
from node.spec.crypto import address_of
from node.spec.terms import Terms, authorization_id, to_json
from node.spec.vocabulary import AuthorizationStatus
from scripts.anvil import NotThere, running_anvil
from scripts.demo.world import DATA, dataccord
from scripts.scenarios.play import SCENARIOS, play, prepare
from scripts.scenarios.stage import NotProved, Stage


@contextlib.contextmanager
def anvil(genesis: Path) -> Iterator[str]:
    """Start anvil with a genesis file; yield its address, stop it in the end."""
    options = {
        "--init": str(genesis),
        "--hardfork": "prague",
        "--chain-id": str(CHAIN_ID),
        "--accounts": "1",
    }
    with running_anvil(options) as peer:
        yield peer.rpc


def by_command(url: str, *arguments: str, expect: int = 0) -> Any:
    """Run a command against the foreign node and return its JSON."""
    return dataccord(*arguments, "--rpc", url, expect=expect)


def grant_by_command(stage: Stage, url: str) -> None:
    """Carry terms from a file to an active authorization with commands alone."""
    terms = stage.terms()
    identity = "0x" + authorization_id(terms, stage.chain_id).hex()
    path, file = stage.folder / "terms.json", stage.folder / "share.approval"
    path.write_text(json.dumps(to_json(terms)), encoding="utf-8")
    chain = ("--chain-id", str(stage.chain_id))
    dataccord("authorization", "request", "--terms", str(path), *chain, "--out", str(file))
    keys = {name: str(stage.network.member_folder(name) / "approver.key") for name in _SIGNERS}
    sign = ("authorization", "sign", "--file", str(file), *chain, "--yes")
    dataccord(*sign, "--terms", str(path), "--key", keys["provider"])
    submit = ("authorization", "submit", "--file", str(file))
    refused = by_command(url, *submit, "--key", keys["exchange"], expect=1)
    _require(refused["reason"] in _NOT_CONSUMERS, f"another may request: {refused}")
    by_command(url, *submit, "--key", keys["consumer"])
    asked = ("authorization", "status", "--authorization", identity)
    status = by_command(url, *asked)["result"]
    _require(status == AuthorizationStatus.ACTIVE, f"status {status} is not active")
    shown = by_command(url, "authorization", "show", "--authorization", identity)
    _require(identity in shown["text"], "the text does not name what was signed")
    _amend(stage, url, terms)
    _send_once(stage, url)
    print("proved by command: requested, signed offline, submitted, active, amended, once")


def _amend(stage: Stage, url: str, terms: Terms) -> None:
    """Carry new terms in under the same id; those that they amend are found on the ledger."""
    first = authorization_id(terms, stage.chain_id)
    more = replace(terms, amends=first, maximum_uses=terms.maximum_uses + 1)
    path, file = stage.folder / "more.json", stage.folder / "more.approval"
    path.write_text(json.dumps(to_json(more)), encoding="utf-8")
    chain = ("--chain-id", str(stage.chain_id))
    dataccord("authorization", "request", "--terms", str(path), *chain, "--out", str(file))
    keys = {name: str(stage.network.member_folder(name) / "approver.key") for name in _SIGNERS}
    sign = ("authorization", "sign", "--file", str(file), *chain, "--yes")
    dataccord(*sign, "--key", keys["provider"])
    submit = ("authorization", "submit", "--file", str(file))
    by_command(url, *submit, "--key", keys["consumer"])
    asked = ("authorization", "terms", "--authorization", "0x" + first.hex())
    digest = "0x" + authorization_id(more, stage.chain_id).hex()
    _require(by_command(url, *asked)["result"] == digest, "the new terms are not in force")
    shown = by_command(url, "authorization", "show", "--authorization", "0x" + first.hex())
    _require(shown["terms"] == digest and digest in shown["text"], "other terms are shown")


def _send_once(stage: Stage, url: str) -> None:
    """Send a wish twice under one name: it is one transaction."""
    account = "0x" + address_of(stage.key("reader")).hex()
    governor = str(stage.network.member_folder("provider") / "governor.key")
    wish = ("member", "admit-account", "--account", account, "--roles", "reader,sender")
    named = ("--key", governor, "--once", "a reader for May")
    first, again = (by_command(url, *wish, *named) for _ in range(2))
    _require(first == again, "a wish under one name was sent twice")


_SIGNERS: Final = ("provider", "consumer", "exchange")
_NOT_CONSUMERS: Final = (grants.NotTheConsumer.text, grants.TooFewApprovers.text)


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise NotProved(what)


async def run(folder: Path, network: DevelopmentNetwork, url: str) -> int:
    """Play everything on the node at `url`."""
    async with Client(url) as client:
        version = await client.call("web3_clientVersion")
        print(f"on {version}, genesis of a development network, Prague")
        stage = Stage(folder, network, client)
        await prepare(stage, load_manifest(DATA / "product.json").template)
        await asyncio.to_thread(grant_by_command, stage, url)
        return await play(stage, "".join(letter for letter, _ in SCENARIOS))


def main() -> int:
    """Make a network's genesis and keys, start anvil on them, play."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="dataccord-foreign-") as place:
        folder = Path(place)
        network = create_network(folder / "net", 4)
        try:
            with anvil(folder / "net" / "genesis.json") as url:
                code = asyncio.run(run(folder, network, url))
        except NotThere as error:
            print(f"anvil cannot be had: {error}")
            return 4
    print(f"{time.monotonic() - began:.0f} s")
    return code


if __name__ == "__main__":
    sys.exit(main())
