"""What a node and a gateway are told before they start: one TOML file, read once.

`load_node_config` and `load_gateway_config` turn a file into frozen dataclasses; nothing below asks
the environment or a file again. An unknown key is an error that names its nearest match. Secrets
stand in files of their own, and the configuration holds their paths only. Relative paths are taken
from the file's own folder.
"""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from node.errors import ConfigError

PEERS_MAX = 500
EXPLAINED = "compare it with config/node.toml or config/gateway.toml, which explain every key"
_CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
Section = TypeVar("Section")


@dataclass(frozen=True, slots=True)
class PeerConfig:
    """A pinned peer: its node address (0x…) and where it listens (wss://host:port)."""

    id: str
    url: str


@dataclass(frozen=True, slots=True)
class P2PConfig:
    """Where the node listens for peers, its TLS files, and whom it dials.

    `record_frames`, for trials: a file that received QBFT messages are kept in.
    """

    host: str
    port: int
    certificate: Path
    private_key: Path
    peers: tuple[PeerConfig, ...] = ()
    record_frames: Path | None = None


@dataclass(frozen=True, slots=True)
class RpcConfig:
    """Where JSON-RPC is served; loopback unless told otherwise."""

    http_port: int
    ws_port: int
    host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class MetricsConfig:
    """Where /metrics, /liveness and /readiness are served."""

    port: int
    host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """A node: its chain, its key, its folder and its three doors.

    `history_blocks` says for how many blocks their states stay readable and provable, 0 for all.
    """

    genesis: Path
    data_dir: Path
    node_key: Path
    p2p: P2PConfig
    rpc: RpcConfig
    metrics: MetricsConfig
    history_blocks: int = 0
    log_level: str = "info"
    log_format: str = "json"


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """A product's data: its id (0x…), manifest, CSV file, and who its subjects are.

    `subjects` is a JSON file from subject references (0x…) to rows, kept by the provider alone.
    """

    product: str
    manifest: Path
    file: Path
    subjects: Path


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """A provider's gateway: the chain it trusts, its signing key, its data and its door."""

    genesis_hash: str
    rpc: str
    account_key: Path
    store: Path
    host: str
    port: int
    certificate: Path
    private_key: Path
    sources: tuple[SourceConfig, ...] = ()
    log_level: str = "info"
    log_format: str = "json"


def load_node_config(path: Path) -> NodeConfig:
    """Return the node configuration that `path` holds; raise `ConfigError` naming what is wrong."""
    return _load(path, NodeConfig)


def load_gateway_config(path: Path) -> GatewayConfig:
    """Return the gateway configuration in `path`; raise `ConfigError` naming what is wrong."""
    return _load(path, GatewayConfig)


def _load(path: Path, kind: type[Section]) -> Section:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read", why=str(error.strerror), next_command=f"ls -l {path.parent}"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: not valid TOML", why=str(error), next_command=EXPLAINED
        ) from error
    try:
        return _section(kind, table, str(path), path.parent)
    except ConfigError as error:
        raise ConfigError(error.what, why=error.why, next_command=EXPLAINED) from error


def _section(kind: type[Section], table: Mapping[str, Any], where: str, base: Path) -> Section:
    assert is_dataclass(kind), "sections are dataclasses"
    hints = get_type_hints(kind)
    for key in table:
        if key not in hints:
            near = difflib.get_close_matches(key, hints, 1)
            why = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(hints)}"
            raise ConfigError(f"{where}: unknown key {key!r}", why=why)
    values: dict[str, Any] = {}
    for field in fields(kind):
        if field.name in table:
            values[field.name] = _value(
                hints[field.name], table[field.name], f"{where}: {field.name}", base
            )
        elif field.default is MISSING:
            raise ConfigError(f"{where}: {field.name} is missing")
    return kind(**values)


def _value(hint: Any, value: Any, where: str, base: Path) -> Any:
    if isinstance(hint, UnionType):  # "or None" is how a key is left out, never a value
        hint = get_args(hint)[0]
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise ConfigError(f"{where}: expected a table")
        return _section(hint, value, where, base)
    if get_origin(hint) is tuple:
        if not isinstance(value, list) or len(value) > PEERS_MAX:
            raise ConfigError(f"{where}: expected a list of at most {PEERS_MAX}")
        inner = get_args(hint)[0]
        return tuple(_value(inner, part, f"{where}[{i}]", base) for i, part in enumerate(value))
    if hint is Path:
        return base / _typed(str, value, where)
    if hint is int and where.endswith("port") and not 0 <= _typed(int, value, where) <= 65_535:
        raise ConfigError(f"{where}: {value} is no port")
    return _typed(hint, value, where)


def _typed(hint: type[Section], value: Any, where: str) -> Section:
    if type(value) is not hint:
        raise ConfigError(f"{where}: expected {hint.__name__}, found {type(value).__name__}")
    return value


def make_folder(folder: Path, next_command: str) -> None:
    """Make a folder that a user named; raise `ConfigError` where that is impossible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{folder}: cannot be made", why=str(error.strerror), next_command=next_command
        ) from error


def read_private_key(path: Path) -> bytes:
    """Return the 32-byte private key that a file holds as hex.

    Raises:
        ConfigError: unreadable, readable by others, or no key.
    """
    try:
        mode, text = path.stat().st_mode, path.read_text(encoding="ascii")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read", why=str(error.strerror)) from error
    except ValueError:
        mode, text = 0, ""
    key = parse_private_key(text, str(path))
    if mode & 0o077:
        raise ConfigError(
            f"{path}: other users can read this key", next_command=f"chmod 600 {path}"
        )
    return key


def parse_private_key(text: str, where: str) -> bytes:
    """Return the 32-byte private key that a text holds as hex.

    Raises:
        ConfigError: it holds none; the text itself is never repeated.
    """
    try:
        key = bytes.fromhex(text.strip().removeprefix("0x"))
    except ValueError:
        key = b""
    if len(key) != 32 or not 0 < int.from_bytes(key, "big") < _CURVE_ORDER:
        raise ConfigError(
            f"{where}: holds no private key", why="64 hex digits of a secp256k1 key are expected"
        )
    return key
