"""Dashboards and alerts are built on names: losing one silently would blind whoever is on call."""

import pytest
import structlog

from node.errors import ConfigError
from node.telemetry import LEVELS, Metrics, configure_logs

NAMES = (
    "ethereum_blockchain_height",
    "ethereum_best_known_block_number",
    "ethereum_peer_count",
    "besu_blockchain_chain_head_timestamp",
    "besu_blockchain_chain_head_gas_used",
    "besu_blockchain_chain_head_transaction_count",
    "besu_transaction_pool_number_of_transactions",
    "besu_synchronizer_in_sync",
    "besu_rpc_request_time_bucket",
    "besu_rpc_errors_count_total",
    "dataccord_qbft_round",
    "dataccord_qbft_round_changes_total",
    "dataccord_cert_expiry_seconds",
    "dataccord_peer_faults_total",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
)


@pytest.mark.parametrize("name", NAMES)
def test_the_names_that_boards_plot(name: str) -> None:
    text = Metrics().text().decode()
    assert any(line.startswith((f"{name} ", f"{name}{{")) for line in text.splitlines())


def test_each_metrics_is_its_own() -> None:
    one, two = Metrics(), Metrics()
    one.height.set(7)
    assert b"ethereum_blockchain_height 7.0" in one.text()
    assert b"ethereum_blockchain_height 0.0" in two.text()


@pytest.fixture
def _restored() -> object:
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("_restored")
def test_logs_are_json_lines_of_at_least_their_level(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("warning", "json")
    log = structlog.get_logger()
    log.info("unheard")
    log.warning("heard", peer="0x12")
    err = capsys.readouterr().err
    assert '"event": "heard"' in err
    assert '"peer": "0x12"' in err
    assert "unheard" not in err


@pytest.mark.usefixtures("_restored")
def test_logs_for_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("debug", "text")
    structlog.get_logger().debug("heard", peer="0x12")
    err = capsys.readouterr().err
    assert "peer=0x12" in err
    assert "{" not in err


@pytest.mark.parametrize(("level", "form"), [("loud", "json"), ("info", "xml"), ("INFO", "json")])
def test_unknown_levels_and_forms_are_refused(level: str, form: str) -> None:
    with pytest.raises(ConfigError, match="unknown") as caught:
        configure_logs(level, form)
    assert all(known in caught.value.why for known in LEVELS)
