"""What a peer that catches up is given: sealed blocks in order, within the bounds of one frame."""

from typing import Final

from node.p2p.wire import BLOCKS_MAX
from node.spec.block import encode_block
from node.storage.blocks import Blocks

ANSWER_BYTES_MAX: Final = 6 * 1024 * 1024
"""Bytes of blocks in one answer, so that it fits a frame."""


def encoded_blocks(blocks: Blocks, first: int, count: int, head: int) -> tuple[bytes, ...]:
    """Return blocks from `first` on: as many as asked, there, and within the bounds; takes time."""
    found: list[bytes] = []
    size = 0
    for number in range(first, min(first + min(count, BLOCKS_MAX) - 1, head) + 1):
        block = blocks.block(number)
        data = b"" if block is None else encode_block(block)
        size += len(data)
        if not data or (found and size > ANSWER_BYTES_MAX):
            break
        found.append(data)
    return tuple(found)
