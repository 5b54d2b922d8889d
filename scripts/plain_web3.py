"""Use a network with plain web3.py, as anyone's program would: `python -m scripts.plain_web3`.

Nothing of this project is imported. The script deploys a small contract ("record": one slot, one
counter, one event), sends a transaction to it, waits, and reads its event three ways: by a log
query, by a polled filter and by a WebSocket subscription. It prints each step; the exit code is 1
at the first that does not hold.
"""

import argparse
import asyncio
import sys
from typing import Any

from eth_account import Account
from web3 import AsyncWeb3, Web3, WebSocketProvider
from web3.middleware import ExtraDataToPOAMiddleware

MNEMONIC = "test test test test test test test test test test test junk"
ACCOUNT_PATH = "m/44'/60'/0'/0/49"
WAIT_SECONDS = 30
RECORD_CODE = (
    "0x"
    "61010661001161000039610106610000f35f3560e01c63cda1c3b981186100fe57604436103417610102575f"
    "6004356020525f5260405f20541561009d5760208060a05260036040527f6475700000000000000000000000"
    "00000000000000000000000000000000000060605260408160a001602382825e8051806020830101601f825f"
    "03163682375050601f19601f8251602001011690509050810190506308c379a060805280600401609cfd5b60"
    "24355f6004356020525f5260405f20556001336020525f5260405f2080546001810181811061010257905081"
    "5550336004357f99adfad43c99e0531fb77c4cefb21c6b94d306000e311b33ba8aa12f466391216024356040"
    "5260206040a3005b5f5ffd5b5f80fd855820dc360ea74a470ed589ee75d67b99600b4532f5107217a22d504d"
    "2d8b3f7d4b2f1901068000a1657679706572830004030035"
)
RECORD_ABI: list[dict[str, Any]] = [
    {
        "type": "function",
        "name": "record",
        "stateMutability": "nonpayable",
        "inputs": [{"name": "id", "type": "bytes32"}, {"name": "h", "type": "bytes32"}],
        "outputs": [],
    },
    {
        "type": "event",
        "name": "Receipt",
        "anonymous": False,
        "inputs": [
            {"name": "id", "type": "bytes32", "indexed": True},
            {"name": "who", "type": "address", "indexed": True},
            {"name": "h", "type": "bytes32", "indexed": False},
        ],
    },
]


class NotAsExpected(Exception):
    """The network answered, but not with what was expected."""


def expect(condition: object, what: str) -> None:
    """Print a step that holds; raise at one that does not."""
    if not condition:
        raise NotAsExpected(what)
    print(f"ok: {what}", flush=True)


def transact(w3: Web3, account: Any, call: Any) -> Any:
    """Sign and send a contract call or construction; return its receipt."""
    sender = {"from": account.address, "nonce": w3.eth.get_transaction_count(account.address)}
    signed = account.sign_transaction(call.build_transaction(sender))
    sent = w3.eth.send_raw_transaction(signed.raw_transaction)
    return w3.eth.wait_for_transaction_receipt(sent, timeout=WAIT_SECONDS, poll_latency=0.1)


def open_account() -> Any:
    """Return a funded account of the development mnemonic."""
    Account.enable_unaudited_hdwallet_features()
    return Account.from_mnemonic(MNEMONIC, account_path=ACCOUNT_PATH)


async def subscribed(url: str, address: str, ready: asyncio.Event) -> Any:
    """Return the first log of a contract that a WebSocket subscription brings."""
    async with AsyncWeb3(WebSocketProvider(url)) as w3:
        await w3.eth.subscribe("logs", {"address": Web3.to_checksum_address(address)})
        ready.set()
        async for message in w3.socket.process_subscriptions():
            return message["result"]  # type: ignore[index, typeddict-item, unused-ignore]


async def record_and_listen(w3: Web3, account: Any, contract: Any, url: str) -> tuple[Any, Any]:
    """Send one record while a subscription listens; return receipt and pushed log."""
    ready = asyncio.Event()
    listening = asyncio.create_task(subscribed(url, contract.address, ready))
    async with asyncio.timeout(WAIT_SECONDS):
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({listening, waiting}, return_when=asyncio.FIRST_COMPLETED)
        call = contract.functions.record(b"\x01" * 32, b"\x02" * 32)
        receipt = await asyncio.to_thread(transact, w3, account, call)
        return receipt, await listening


def run(rpc: str, ws: str) -> None:
    """Play all steps."""
    w3 = Web3(Web3.HTTPProvider(rpc))
    w3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
    expect(w3.is_connected(), f"connected to {w3.client_version}, chain {w3.eth.chain_id}")
    account = open_account()
    expect(w3.eth.get_balance(account.address) > 0, f"{account.address} has funds")
    receipt = transact(
        w3, account, w3.eth.contract(abi=RECORD_ABI, bytecode=RECORD_CODE).constructor()
    )
    expect(
        receipt.status == 1, f"deployed at {receipt.contractAddress}, block {receipt.blockNumber}"
    )
    contract = w3.eth.contract(address=receipt.contractAddress, abi=RECORD_ABI)
    expect(w3.eth.get_code(contract.address), "the contract has code")
    polled = contract.events.Receipt.create_filter(from_block="latest")
    sent, pushed = asyncio.run(record_and_listen(w3, account, contract, ws))
    expect(sent.status == 1, f"recorded in block {sent.blockNumber}, gas {sent.gasUsed}")
    found = contract.events.Receipt.get_logs(from_block=sent.blockNumber)
    expect(len(found) == 1 and found[0].args.h == b"\x02" * 32, "get_logs finds the event")
    expect(found[0].args.who == account.address, "the event names its sender")
    entries = polled.get_new_entries()
    expect([e.transactionHash for e in entries] == [sent.transactionHash], "the filter polls it")
    expect(pushed["transactionHash"] == sent.transactionHash, "the subscription pushes it")
    block = w3.eth.get_block(sent.blockNumber, full_transactions=True)
    expect(block.hash == sent.blockHash, f"block {sent.blockNumber} holds it")
    twice = contract.functions.record(b"\x01" * 32, b"\x02" * 32)
    expect(reverts(twice, account), "a second record of the same id reverts with its reason")


def reverts(call: Any, account: Any) -> bool:
    """Whether a call reverts with the contract's own reason."""
    try:
        call.call({"from": account.address})
    except Exception as error:
        return "dup" in str(error)
    return False


def main() -> int:
    """Run the steps against the nodes named; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rpc", default="http://127.0.0.1:8545", help="an HTTP JSON-RPC")
    parser.add_argument("--ws", default="ws://127.0.0.1:8546", help="a WebSocket JSON-RPC")
    arguments = parser.parse_args()
    try:
        run(arguments.rpc, arguments.ws)
    except Exception as error:
        print(f"failed: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
