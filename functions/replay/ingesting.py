"""Asking ingest: the one that takes every event judges and takes these, too."""

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from shared.catalog.client import Catalog
from shared.catalog.people import person_key
from shared.clock import Clock
from shared.edge.forward import origin_of
from shared.refusals import Refusal, Rejected, UnavailableError
from shared.replaying import HEADER, PATH, Answered, Asked, Item, Outcome, signed

if TYPE_CHECKING:
    import aiohttp

_SECONDS = 35.0
_OK = 200
_decode = msgspec.json.Decoder(Answered).decode


class Ingest:
    """A client of the function ingest at `url` ({service} in it stands for its name)."""

    def __init__(self, url: str, catalog: Catalog, clock: Clock) -> None:
        self._address = origin_of(url, "ingest") + PATH
        self._catalog = catalog
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, project_id: uuid.UUID, items: Sequence[Item], *, dry_run: bool) -> list[Outcome]:
        """What becomes of these payloads, in their order; durable where one was taken.

        Raises UnavailableError where they are not known to be stored, Rejected (NOT_FOUND) without the project.
        """
        import aiohttp

        secret = await person_key(self._catalog, project_id)
        if secret is None:
            raise Rejected(Refusal.NOT_FOUND, "the project is not there any more")
        body = msgspec.json.encode(Asked(dry_run, list(items)))
        header = signed(project_id, secret, body, self._clock.micros() // 1_000_000)
        headers = {HEADER: header, "content-type": "application/json"}
        try:
            async with self._opened().post(self._address, data=body, headers=headers) as answer:
                content = await answer.read()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise UnavailableError("ingest does not answer") from error
        if answer.status != _OK:
            raise UnavailableError(f"ingest answered {answer.status}: {content[:300].decode(errors='replace')}")
        outcomes = _decode(content).outcomes
        if len(outcomes) != len(items):
            raise UnavailableError(f"ingest answered {len(outcomes)} outcomes to {len(items)} payloads")
        return outcomes

    async def close(self) -> None:
        """Drop the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> "aiohttp.ClientSession":
        import aiohttp

        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=_SECONDS, sock_connect=5)
            self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        return self._session
