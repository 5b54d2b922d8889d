"""A node in memory behind the transport seam, which can be told to lie in single answers."""

import json
from collections.abc import Callable
from typing import Any

import orjson

from node.errors import RemoteError
from tests.unit.rpc.kit import Node

Lie = Callable[[Any, list[Any]], Any]


class MemoryTransport:
    """Carries requests to a node in this process. `lies` changes results by method."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.lies: dict[str, Lie] = {}
        self.asked: list[str] = []
        self.closed = False

    async def post(self, body: Any) -> Any:
        self.asked.append(body["method"])
        answer = json.loads(await self.node.dispatcher.answer(orjson.dumps(body)))
        lie = self.lies.get(body["method"])
        if lie is not None and "result" in answer:
            answer["result"] = lie(answer["result"], list(body["params"]))
        return answer

    async def close(self) -> None:
        self.closed = True


class DeadTransport:
    """Answers nothing, or always the same."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer

    async def post(self, body: Any) -> Any:
        if self.answer is None:
            raise RemoteError("nobody answers")
        return self.answer | {"id": body["id"]} if isinstance(self.answer, dict) else self.answer

    async def close(self) -> None:
        return


def flipped(text: str, place: int = 40) -> str:
    """Return hex text with one digit changed."""
    other = "0" if text[place] != "0" else "1"
    return text[:place] + other + text[place + 1 :]
