"""`dataccord receipt sign-correction`: a side signs that a receipt is not what it should be."""

import argparse
from pathlib import Path

from node.cli.calls import add_key, function_of, key_of
from node.cli.output import add_command, emit
from node.cli.values import parser_of, read_json, shaped
from node.sdk.corrections import sign_correction
from node.spec.crypto import address_of
from node.spec.usage import Receipt, correction_digest, correction_of
from node.spec.vocabulary import CorrectionCause, label


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verbs beyond single methods."""
    sign = add_command(
        verbs,
        "sign-correction",
        _sign,
        "sign that a receipt is void, or replaced by another; needs no network",
        example="dataccord receipt sign-correction --receipt receipt.json "
        "--replacement right.json --cause recorded_in_error --chain-id 31337 --key gateway.key",
    )
    sign.add_argument("--receipt", type=Path, required=True, help="JSON file of the receipt")
    sign.add_argument(
        "--replacement", type=Path, help="JSON file of what replaces it; else its use is void"
    )
    sign.add_argument(
        "--cause",
        type=parser_of({"type": "uint8"}, "correction_cause"),
        required=True,
        help="name or index of the table correction_cause",
    )
    sign.add_argument("--chain-id", type=int, required=True, help="the chain it is of")
    add_key(sign)


def _sign(arguments: argparse.Namespace) -> int:
    key, cause = key_of(arguments), CorrectionCause(arguments.cause)
    receipt = _receipt(arguments.receipt)
    replacement = None if arguments.replacement is None else _receipt(arguments.replacement)
    correction = correction_of(receipt, replacement, cause, arguments.chain_id)
    value = {
        "correction": {
            "receipt": "0x" + correction.receipt.hex(),
            "replacement": "0x" + correction.replacement.hex(),
            "cause": correction.cause,
        },
        "digest": "0x" + correction_digest(correction, arguments.chain_id).hex(),
        "account": "0x" + address_of(key).hex(),
        "signature": "0x" + sign_correction(correction, key, arguments.chain_id).hex(),
    }
    names = f"{label('correction_cause', cause, 'zh')} / {label('correction_cause', cause)}"
    command = "dataccord receipt correct --help"
    emit(arguments, value, f"{names}\n{value['signature']}\nnext: {command}")
    return 0


def _receipt(path: Path) -> Receipt:
    """Return a receipt from a JSON file under the contract's own names."""
    part = function_of("challenges", "receiptHash")["inputs"][0]
    return Receipt(*shaped(part, read_json(path)))
