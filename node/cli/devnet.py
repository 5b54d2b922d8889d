"""A development network on disk: members, keys, certificates, genesis and a folder for each node.

    NET/network.json            what `net` and the demo need to know; no secrets
    NET/genesis.json            block 0, in Besu's form
    NET/members/provider/       ca-*.pem, tls-*.pem and one key file for each account
    NET/nodes/0/                node.toml, node.key, tls-*.pem, db/, node.log, node.pid

Four members run the validators by turns: consumer bank, provider bank, data exchange, regulator. An
auditor is a member without a node.
"""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from node.chain.genesis import AccountGrant, Founder, NodeGrant, build_genesis, load_genesis
from node.cli.credentials import Authority, issue_certificate, new_authority, new_key
from node.cli.mnemonic import DEVELOPMENT_MNEMONIC, derive_keys
from node.config import make_folder
from node.errors import ConfigError, NotReady, UsageError
from node.spec.crypto import address_of
from node.spec.seal import hash_for_block
from node.spec.vocabulary import MemberKind, Role

CHAIN_ID: Final = 31337
PORT_STEP: Final = 10
HTTP_PORT, WS_PORT, P2P_PORT, METRICS_PORT = 8545, 8546, 30303, 9545
VALIDATORS_MAX: Final = 16
PORT_OFFSET_MAX: Final = 35_000
"""Moves the highest port of the last validator to 65,453, still a port."""

LOADERS: Final = 51
"""Accounts of the development mnemonic, funded and admitted as the consumer's."""

FUNDS: Final = 10**24
_RUNNERS: Final = ("consumer", "provider", "exchange", "regulator")
_FOUNDERS: Final = {
    "consumer": ("DEMO00CONSUMERBANK15", MemberKind.BANK, "Consumer Bank"),
    "provider": ("DEMO00PROVIDERBANK40", MemberKind.BANK, "Provider Bank"),
    "exchange": ("DEMO00DATAEXCHANGE33", MemberKind.EXCHANGE, "Data Exchange"),
    "regulator": ("DEMO00REGULATOR00036", MemberKind.REGULATOR, "Financial Regulator"),
    "auditor": ("DEMO00AUDITOR0000028", MemberKind.AUDITOR, "Auditor"),
}
_ACCOUNTS: Final = {
    "approver": Role.APPROVER,
    "gateway": Role.GATEWAY,
    "governor": Role.GOVERNOR,
}


@dataclass(frozen=True, slots=True)
class NodePlan:
    """One validator's place and ports."""

    index: int
    address: str
    member: str
    http: int
    ws: int
    p2p: int
    metrics: int

    @property
    def rpc(self) -> str:
        """The URL of its HTTP JSON-RPC."""
        return f"http://127.0.0.1:{self.http}"


@dataclass(frozen=True, slots=True)
class DevelopmentNetwork:
    """What network.json says."""

    folder: Path
    chain_id: int
    genesis_hash: str
    nodes: tuple[NodePlan, ...]
    members: dict[str, int]

    def node_folder(self, index: int) -> Path:
        """Return a node's folder."""
        return self.folder / "nodes" / str(index)

    def member_folder(self, name: str) -> Path:
        """Return a member's folder."""
        return self.folder / "members" / name


def load_network(folder: Path) -> DevelopmentNetwork:
    """Return the network in `folder`."""
    path = folder / "network.json"
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        nodes = tuple(NodePlan(**plan) for plan in value["nodes"])
        return DevelopmentNetwork(
            folder, value["chain_id"], value["genesis_hash"], nodes, value["members"]
        )
    except FileNotFoundError as error:
        raise NotReady(
            f"{folder}: no network here",
            next_command=f"dataccord net up --validators 4 --dir {folder}",
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{path}: damaged", why=str(error), next_command=f"dataccord net reset --dir {folder}"
        ) from error


def create_network(folder: Path, validators: int, port_offset: int = 0) -> DevelopmentNetwork:
    """Make everything a new network needs, its ports moved up by an offset; nothing starts yet."""
    if not 1 <= validators <= VALIDATORS_MAX:
        raise UsageError(f"{validators} validators: 1 to {VALIDATORS_MAX} are possible")
    if not 0 <= port_offset <= PORT_OFFSET_MAX:
        raise UsageError(f"port offset {port_offset}: 0 to {PORT_OFFSET_MAX} are possible")
    make_folder(folder, "choose another --dir")
    if any(folder.iterdir()):
        raise ConfigError(
            f"{folder}: is not empty and holds no network", next_command="choose another --dir"
        )
    authorities = {name: _create_member(folder / "members" / name, name) for name in _FOUNDERS}
    members = {name: index for index, name in enumerate(_FOUNDERS, start=1)}
    nodes = tuple(
        _create_node(folder, index, authorities, port_offset) for index in range(validators)
    )
    genesis_hash = _write_genesis(folder, authorities, members, nodes)
    for plan in nodes:
        path = folder / "nodes" / str(plan.index) / "node.toml"
        path.write_text(_node_toml(plan, nodes), encoding="utf-8")
    network = DevelopmentNetwork(folder, CHAIN_ID, genesis_hash, nodes, members)
    _write_network(network)
    return network


def _create_member(folder: Path, name: str) -> Authority:
    folder.mkdir(parents=True, mode=0o700)
    authority = new_authority(folder, f"{_FOUNDERS[name][2]} CA")
    issue_certificate(folder, authority, f"{_FOUNDERS[name][2]} gateway")
    for account in _accounts_of(name):
        new_key(folder / f"{account}.key")
    return authority


def _create_node(
    folder: Path, index: int, authorities: dict[str, Authority], port_offset: int
) -> NodePlan:
    member = _RUNNERS[index % len(_RUNNERS)]
    place = folder / "nodes" / str(index)
    place.mkdir(parents=True, mode=0o700)
    address = new_key(place / "node.key")
    issue_certificate(place, authorities[member], f"{_FOUNDERS[member][2]} node {index}")
    step = port_offset + PORT_STEP * index
    return NodePlan(
        index,
        "0x" + address.hex(),
        member,
        http=HTTP_PORT + step,
        ws=WS_PORT + step,
        p2p=P2P_PORT + step,
        metrics=METRICS_PORT + step,
    )


def _write_genesis(
    folder: Path,
    authorities: dict[str, Authority],
    members: dict[str, int],
    nodes: tuple[NodePlan, ...],
) -> str:
    founders = [
        Founder(identifier, int(kind), title, authorities[name].der)
        for name, (identifier, kind, title) in _FOUNDERS.items()
    ]
    grants = [
        AccountGrant(members[name], _address_in(folder, name, account), _roles(role))
        for name in _FOUNDERS
        for account, role in _accounts_of(name).items()
    ]
    loaders = [address_of(key) for key in derive_keys(DEVELOPMENT_MNEMONIC, LOADERS)]
    grants += [AccountGrant(members["consumer"], address, _roles()) for address in loaders]
    text = build_genesis(
        chain_id=CHAIN_ID,
        timestamp=int(time.time()),
        founders=founders,
        accounts=grants,
        nodes=[
            NodeGrant(members[plan.member], bytes.fromhex(plan.address[2:]), True) for plan in nodes
        ],
        funds=dict.fromkeys([grant.account for grant in grants], FUNDS),
        development=True,
    )
    (folder / "genesis.json").write_text(text, encoding="utf-8")
    return "0x" + hash_for_block(load_genesis(folder / "genesis.json").header).hex()


def _accounts_of(name: str) -> dict[str, Role]:
    """Return a founder's accounts: an auditor's only read and govern its own entries."""
    if _FOUNDERS[name][1] == MemberKind.AUDITOR:
        return {"reader": Role.READER, "governor": Role.GOVERNOR}
    return _ACCOUNTS


def _roles(*roles: Role) -> int:
    return sum(1 << role for role in (Role.SENDER, *roles))


def _address_in(folder: Path, member: str, account: str) -> bytes:
    text = (folder / "members" / member / f"{account}.key").read_text(encoding="ascii")
    return address_of(bytes.fromhex(text.strip()))


def _node_toml(plan: NodePlan, nodes: tuple[NodePlan, ...]) -> str:
    peers = "".join(
        f'\n[[p2p.peers]]\nid = "{peer.address}"\nurl = "wss://127.0.0.1:{peer.p2p}/"\n'
        for peer in nodes
        if peer.index != plan.index
    )
    return (
        'genesis = "../../genesis.json"\ndata_dir = "db"\nnode_key = "node.key"\n\n'
        f"[rpc]\nhttp_port = {plan.http}\nws_port = {plan.ws}\n\n"
        f"[metrics]\nport = {plan.metrics}\n\n"
        f'[p2p]\nhost = "127.0.0.1"\nport = {plan.p2p}\n'
        f'certificate = "tls-cert.pem"\nprivate_key = "tls-key.pem"\n{peers}'
    )


def _write_network(network: DevelopmentNetwork) -> None:
    value = {
        "chain_id": network.chain_id,
        "genesis_hash": network.genesis_hash,
        "nodes": [asdict(plan) for plan in network.nodes],
        "members": network.members,
    }
    text = json.dumps(value, indent=2) + "\n"
    (network.folder / "network.json").write_text(text, encoding="utf-8")
