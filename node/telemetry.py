"""Logs and metrics: what a node says about itself while it runs.

Logs are structlog events with stable names and bound context (node, height, round, peer): JSON
lines in production, key=value on a terminal. Metrics carry the names that Besu's dashboards plot,
so those work unchanged, beside our own under `dataccord_`. No secret is ever an event's value: keys
and tokens are read where they are used and never bound.
"""

import logging
import sys
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

from node.errors import ConfigError

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure_logs(level: str, form: str) -> None:
    """Send log events of at least `level` to standard error as "json" or "text"."""
    if level not in LEVELS or form not in ("json", "text"):
        raise ConfigError(
            f"log: level {level!r} or format {form!r} is unknown",
            why=f"levels are {', '.join(LEVELS)}; formats are json and text",
        )
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    # Libraries that log on their own: failures of their tasks reach the same stream, nothing else.
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr, format="%(name)s %(message)s")


class Metrics:
    """A node's counters and gauges, in a registry of their own so that tests can have many."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(name, text, registry=self.registry)

        def counter(name: str, text: str) -> Counter:
            return Counter(name, text, registry=self.registry)

        self.height = gauge("ethereum_blockchain_height", "Number of the head block")
        self.best_known = gauge("ethereum_best_known_block_number", "Highest block a peer has")
        self.peer_count = gauge("ethereum_peer_count", "Connected peers")
        self.head_timestamp = gauge(
            "besu_blockchain_chain_head_timestamp", "Timestamp of the head block, Unix seconds"
        )
        self.head_gas_used = gauge("besu_blockchain_chain_head_gas_used", "Gas of the head block")
        self.head_transactions = gauge(
            "besu_blockchain_chain_head_transaction_count", "Transactions of the head block"
        )
        self.pool_size = gauge(
            "besu_transaction_pool_number_of_transactions", "Transactions in the pool"
        )
        self.in_sync = gauge("besu_synchronizer_in_sync", "1 unless peers are ahead")
        self.round = gauge("dataccord_qbft_round", "Round of the current height")
        self.round_changes = counter(
            "dataccord_qbft_round_changes", "Rounds this validator left without a block"
        )
        self.cert_expiry = gauge(
            "dataccord_cert_expiry_seconds", "Seconds until the node's TLS certificate expires"
        )
        self.peer_faults = counter("dataccord_peer_faults", "Messages that broke a rule")
        self.rpc_seconds = Histogram(
            "besu_rpc_request_time", "Seconds an RPC call took", registry=self.registry
        )
        self.rpc_errors = counter("besu_rpc_errors_count", "RPC calls answered with an error")

    def text(self) -> bytes:
        """Return the exposition format that Prometheus scrapes."""
        return generate_latest(self.registry)
