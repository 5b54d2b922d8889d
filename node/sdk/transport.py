"""How requests reach a node: one method is the seam, so that tests swap it and never patch."""

import ssl
from types import TracebackType
from typing import Any, Final, Protocol, Self

import aiohttp
import orjson

from node.errors import RemoteError

ANSWER_BYTES_MAX: Final = 32 * 1024 * 1024


class Transport(Protocol):
    """Carries one JSON body there and one back."""

    async def post(self, body: Any) -> Any:
        """Return the decoded answer.

        Raises:
            RemoteError: the node cannot be reached, or did not answer with JSON.
        """
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class HttpTransport:
    """JSON over HTTP POST, connections kept alive."""

    def __init__(self, url: str, *, timeout_s: float, tls: ssl.SSLContext | None = None) -> None:
        self.url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def post(self, body: Any) -> Any:
        """Return the decoded answer."""
        session = self._open()
        try:
            async with session.post(
                self.url,
                data=orjson.dumps(body),
                headers={"content-type": "application/json"},
                ssl=self._tls if self._tls is not None else True,
            ) as response:
                raw = await response.content.read(ANSWER_BYTES_MAX + 1)
                while not response.content.at_eof() and len(raw) <= ANSWER_BYTES_MAX:
                    raw += await response.content.read(ANSWER_BYTES_MAX + 1 - len(raw))
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise RemoteError(
                f"{self.url} does not answer",
                why=str(error) or type(error).__name__,
                next_command="dataccord net status",
            ) from error
        return self._decode(raw)

    def _decode(self, raw: bytes) -> Any:
        if len(raw) > ANSWER_BYTES_MAX:
            raise RemoteError(f"{self.url}: answer above {ANSWER_BYTES_MAX} bytes")
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise RemoteError(f"{self.url}: answer is not JSON") from error

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        return self._session

    async def close(self) -> None:
        """Release connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
