"""The only place that wires a node: open stores, build machines, start drivers, stop in order."""

import asyncio
import signal
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

import structlog

from node.chain.genesis_file import load_genesis
from node.chain.head import NewHead
from node.chain.ledger import Ledger
from node.config import NodeConfig, make_folder, read_private_key
from node.consensus.machine import Machine
from node.consensus.timing import Settings
from node.errors import DataccordError
from node.execution.choice import Engines
from node.execution.engine import Cancel, PreState
from node.p2p.network import Network
from node.rpc.backend import Backend, Pending
from node.rpc.calls import CallMethods
from node.rpc.debug import DebugMethods
from node.rpc.dispatch import Dispatcher
from node.rpc.eth import EthMethods
from node.rpc.ledger import REFUSED, LedgerMethods
from node.rpc.polling import PollingMethods
from node.rpc.server import Readiness, serve
from node.rpc.shapes import data, header_json, log_json
from node.rpc.subscriptions import Subscriptions
from node.runtime.driver import Driver
from node.runtime.frame_log import FrameLog
from node.runtime.pool import PoolDoor
from node.spec import registry
from node.spec.block import Block, encode_block
from node.spec.crypto import address_of, sign
from node.spec.seal import hash_for_block
from node.spec.types import Address, Hash32
from node.storage.chain_store import ChainStore
from node.storage.leveldb import LevelDB
from node.storage.sign_state import SignState
from node.telemetry import Metrics

HEAD_AGE_READY_SECONDS: Final = 60
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LocalSigner:
    """A node key held in this process's memory."""

    key: bytes

    @property
    def address(self) -> Address:
        """The key's address: the node's."""
        return address_of(self.key)

    def sign(self, digest: Hash32) -> bytes:
        """Return the signature over a digest."""
        return sign(self.key, digest)


class LedgerRegistry:
    """The registry as the head's state has it, for peers' identities."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def member_of_node(self, node: Address) -> int:
        """Return the active member that runs a node, 0 for none."""
        return registry.node_member(self._ledger.view.read_members, node)

    def authorities(self) -> Mapping[int, tuple[bytes, ...]]:
        """Return each active member's certificate authorities."""
        read = self._ledger.view.read_members
        return {
            index: registry.certificates(read, index)
            for index in range(1, registry.member_count(read) + 1)
            if registry.is_active(read, index)
        }


def version() -> str:
    """Return this distribution's version; from a source tree, "source"."""
    try:
        return metadata.version("dataccord")
    except metadata.PackageNotFoundError:
        return "source"


async def run_node(config: NodeConfig, engines: Engines) -> None:
    """Run a node on an engine until it is asked to stop, or cannot safely go on."""
    key = read_private_key(config.node_key)
    genesis = load_genesis(config.genesis)
    with ExitStack() as stack:
        chain_kv = _open(stack, config.data_dir / "chain")
        sign_kv = _open(stack, config.data_dir / "sign-state")
        store = ChainStore(chain_kv, config.history_blocks)
        ledger = Ledger(store, genesis, engines.engine, engines.trie)
        ledger.on_fault = lambda block: keep_for_replay(block, config.data_dir)
        signer, metrics = LocalSigner(key), Metrics()
        parameters = ledger.parameters
        machine = Machine(
            Settings(
                signer.address,
                parameters.block_period,
                parameters.empty_block_period,
                parameters.request_timeout * 1000,
            )
        )
        driver = Driver(ledger, PoolDoor(ledger), machine, signer, SignState(sign_kv), metrics)
        if config.p2p.record_frames is not None:
            frames = FrameLog(config.p2p.record_frames)
            stack.callback(frames.close)
            driver.on_message = frames.add
        network = Network(
            config.p2p,
            key,
            genesis.hash,
            LedgerRegistry(ledger),
            deliver=driver.deliver,
            joined=driver.joined,
            left=driver.left,
        )
        metrics.cert_expiry.set_function(lambda: network.certificate_expiry - time.time())
        log.info("engine", line=engines.line)
        log.info("node_starts", address=data(signer.address), head=ledger.head.number)
        await _run_all(config, driver, network, ledger, metrics)


def keep_for_replay(block: Block, folder: Path) -> None:
    """Write a block that the engine failed on beside the stores, named for number and hash."""
    name = f"fault-{block.header.number}-0x{hash_for_block(block.header).hex()}.block"
    try:
        (folder / name).write_bytes(encode_block(block))
    except OSError as error:
        log.error("block_not_kept", name=name, why=str(error))
        return
    log.error("block_kept", file=str(folder / name))


def _open(stack: ExitStack, folder: Path) -> LevelDB:
    make_folder(folder, "check data_dir in the configuration, and its owner")
    kv = LevelDB(folder)
    stack.callback(kv.close)
    for copy in kv.torn_tails:
        log.warning("torn_tail_cut", folder=str(folder), copy=str(copy))
    return kv


async def _run_all(
    config: NodeConfig, driver: Driver, network: Network, ledger: Ledger, metrics: Metrics
) -> None:
    doors = _doors(config, driver, network, ledger, metrics)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(part) for part in (driver.run(network), network.run(), doors)
            ]
            await stop.wait()
            for task in tasks:
                task.cancel()
    except BaseExceptionGroup as group_error:
        raise _first(group_error) from None


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the fault to report: one raised on purpose, else whatever came first."""
    leaves: list[BaseException] = []
    waiting: list[BaseException] = [group]
    while waiting:
        error = waiting.pop(0)
        if isinstance(error, BaseExceptionGroup):
            waiting += error.exceptions
        else:
            leaves.append(error)
    return next((error for error in leaves if isinstance(error, DataccordError)), leaves[0])


async def _doors(
    config: NodeConfig, driver: Driver, network: Network, ledger: Ledger, metrics: Metrics
) -> None:
    """Serve JSON-RPC and metrics until cancelled."""
    backend = _backend(driver, network, ledger)
    eth, subscriptions = EthMethods(backend), Subscriptions()
    blocks = ledger.store.blocks
    polling = PollingMethods(eth, lambda: backend.head, blocks.hash_of)
    methods = {
        **eth.methods(),
        **CallMethods(backend, _deadline).methods(),
        **DebugMethods(backend, _deadline).methods(),
        **polling.methods(),
        **LedgerMethods(backend).methods(),
    }
    announce = Announcer(subscriptions)

    def head_changed(head: NewHead) -> None:
        announce.head(head)
        polling.forget_idle()

    driver.on_head = head_changed

    def pending(transaction_hash: Hash32) -> None:
        polling.announce_pending(transaction_hash)
        subscriptions.announce("newPendingTransactions", data(transaction_hash))

    driver.on_pending = pending
    readiness = Readiness(lambda: _problems(driver, network, ledger))
    dispatcher = Dispatcher(methods, REFUSED, metrics, eth.many())
    await serve(config.rpc, config.metrics, dispatcher, subscriptions, readiness)


def _backend(driver: Driver, network: Network, ledger: Ledger) -> Backend:
    store, pool = ledger.store, driver.pool

    def validators_at(number: int) -> tuple[Address, ...]:
        header = store.blocks.header(max(0, number - 1))
        if header is None:
            return ()
        state = store.state_at(header.state_root)
        return registry.validators(lambda slot: state.storage(registry.MEMBERS, slot))

    def pending(transaction_hash: Hash32) -> Pending | None:
        found = pool.pending(transaction_hash)
        return None if found is None else Pending(*found)

    return Backend(
        store=store,
        engine=ledger.engine,
        head_state=lambda: head_state(ledger),
        environment=ledger.environment_of,
        chain_id=ledger.parameters.chain_id,
        client_version=f"dataccord/{version()}/{ledger.engine.name}",
        resolve=ledger.transactions.read,
        validators_at=validators_at,
        send=driver.submit,
        pending=pending,
        next_nonce=pool.next_nonce,
        pool_size=pool.sizes,
        peer_count=lambda: len(network.sessions),
        best_known=driver.best_known,
    )


def head_state(ledger: Ledger) -> tuple[int, PreState]:
    """Return the head's number with its state: of one view, whatever is committed meanwhile."""
    view = ledger.view
    return view.header.number, view.state


class Announcer:
    """Shapes each new head for those who subscribed, and nothing for nobody."""

    def __init__(self, subscriptions: Subscriptions) -> None:
        self._subscriptions = subscriptions

    def head(self, head: NewHead) -> None:
        """Announce a block and its logs."""
        wanted = self._subscriptions.wanted
        if "newHeads" in wanted:
            self._subscriptions.announce("newHeads", header_json(head.block.header, head.hash))
        if "logs" in wanted:
            self._logs(head)

    def _logs(self, head: NewHead) -> None:
        log_index = 0
        for index, receipt in enumerate(head.execution.receipts):
            transaction = head.execution.transactions[index]
            for entry in receipt.logs:
                place = (head.block.header, head.hash, index)
                shape = log_json(entry, transaction.hash, place, log_index)
                self._subscriptions.announce("logs", shape, entry)
                log_index += 1


def _deadline(seconds: float) -> Cancel:
    """Return a check that answers True once `seconds` have passed."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def _problems(driver: Driver, network: Network, ledger: Ledger) -> list[str]:
    """Return what keeps this node from being ready."""
    problems = []
    age = time.time() - ledger.head.timestamp
    if age > HEAD_AGE_READY_SECONDS:
        problems.append(f"head is {age:.0f} s old")
    if driver.best_known() > ledger.head.number + 5:
        problems.append(f"{driver.best_known() - ledger.head.number} blocks behind")
    if len(ledger.validators) > 1 and not network.sessions:
        problems.append("no peers")
    return problems
