"""`dataccord product`: propose a product version from its manifest; check its price plan."""

import argparse
from pathlib import Path

from node.cli.calls import add_node, add_signing, send_call
from node.cli.output import add_command, emit
from node.cli.values import read_json
from node.sdk.contracts import publish_product
from node.sdk.product import load_manifest
from node.spec.pricing import encode_plan, plan_from_json, plan_hash


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verbs beyond single methods."""
    publish = add_command(
        verbs,
        "publish",
        _publish,
        "propose a product's next version from its manifest",
        example="dataccord product publish --manifest product.json --key approver.key",
    )
    publish.add_argument("--manifest", type=Path, required=True, help="the product's JSON file")
    add_node(publish)
    add_signing(publish)
    plan = add_command(
        verbs,
        "plan",
        _plan,
        "check a price plan and show its hash, which terms hold; needs no network",
        example="dataccord product plan --file price.json",
    )
    plan.add_argument("--file", type=Path, required=True, help="the plan's JSON file")


def _publish(arguments: argparse.Namespace) -> int:
    return send_call(publish_product(load_manifest(arguments.manifest)), arguments)


def _plan(arguments: argparse.Namespace) -> int:
    plan = plan_from_json(read_json(arguments.file))
    document = encode_plan(plan).decode("ascii")
    value = {
        "class": plan.price_class.name.lower(),
        "plan": "0x" + plan_hash(plan).hex(),
        "document": document,
    }
    emit(arguments, value, f"{value['plan']}\n{document}")
    return 0
