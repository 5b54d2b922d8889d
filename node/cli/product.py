"""`dataccord product publish`: propose a product version from its manifest."""

import argparse
from pathlib import Path

from node.cli.calls import add_node, add_signing, send_call
from node.cli.output import add_command
from node.sdk.contracts import publish_product
from node.sdk.product import load_manifest


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


def _publish(arguments: argparse.Namespace) -> int:
    return send_call(publish_product(load_manifest(arguments.manifest)), arguments)
