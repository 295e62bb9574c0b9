"""Who asks: the API key of a request, checked for a scope."""

import base64
import contextlib
from collections.abc import AsyncIterator, Mapping

from shared.catalog.client import Catalog, CatalogUnavailableError
from shared.catalog.keys import TOUCH_SECONDS, find_key, touch_key
from shared.clock import SYSTEM_CLOCK, to_micros
from shared.refusals import Refusal, Rejected
from shared.security.keys import Key, KeyRing, Scope


class Access:
    """Checks the key of each request against the catalog, through a key ring."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._ring = KeyRing(self._look_up, SYSTEM_CLOCK)

    async def require(self, headers: Mapping[str, str], scope: Scope, *others: Scope) -> Key:
        """The key of a request, allowed `scope` or one of the `others`.

        Raises Rejected (401, 403) or CatalogUnavailableError.
        """
        return await self.require_key(key_text(headers), scope, *others)

    async def require_key(self, clear: str, scope: Scope, *others: Scope) -> Key:
        """The same for a key that was found elsewhere than in the headers; '' is no key."""
        return await self._ring.require(clear, scope, *others)

    async def ready(self) -> None:
        """Raise CatalogUnavailableError unless the catalog answers."""
        await self._catalog.ping()

    async def close(self) -> None:
        """End what is under way; the catalog is closed by whoever opened it."""
        await self._ring.close()

    async def _look_up(self, key_hash: bytes) -> Key | None:
        key = await find_key(self._catalog, key_hash)
        if key is not None and _is_due(key, SYSTEM_CLOCK.micros()):
            # Not being able to note the use (a full disk, a replica) is no reason to refuse the key.
            with contextlib.suppress(CatalogUnavailableError):
                await touch_key(self._catalog, key.id)
        return key


def _is_due(key: Key, now: int) -> bool:
    return key.last_used_at is None or now - to_micros(key.last_used_at) > TOUCH_SECONDS * 1_000_000


@contextlib.asynccontextmanager
async def open_access(catalog_url: str) -> AsyncIterator[Access]:
    """An Access on the catalog of that URL, closed at the end."""
    catalog = Catalog(catalog_url)
    access = Access(catalog)
    try:
        yield access
    finally:
        await access.close()
        await catalog.close()


def key_text(headers: Mapping[str, str]) -> str:
    """The API key a request carries: X-API-Key, Bearer, or Basic (as user name or password); '' without one."""
    if key := headers.get("x-api-key"):
        return key
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    match scheme.lower():
        case "bearer":
            return credentials.strip()
        case "basic":
            return _from_basic(credentials)
        case _:
            return ""


def _from_basic(credentials: str) -> str:
    try:
        user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except ValueError as error:
        raise Rejected(Refusal.KEY_UNKNOWN, "the Basic credentials are not base64 of user:password") from error
    return user or password
