"""Changes of what a project keeps (rules, reports, webhooks, schedules), each in one transaction with its audit row."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from shared.addresses import TrustedProxies
from shared.catalog.client import Catalog, Queries
from shared.http import Request
from shared.refusals import Refusal, Rejected
from shared.security import audit
from shared.security.access import Caller


class Identified(Protocol):
    """What can be changed has an id."""

    @property
    def id(self) -> uuid.UUID: ...


T = TypeVar("T", bound=Identified)


class Changes(Generic[T]):
    """What one caller does to things of one kind (`noun`) in their project, by one request.

    `shown` is what the log keeps of a thing: what people see of it, without secrets.
    """

    def __init__(
        self,
        noun: str,
        shown: Callable[[T], msgspec.Struct | Mapping[str, Any]],
        *,
        catalog: Catalog,
        proxies: TrustedProxies,
        request: Request,
        caller: Caller,
    ) -> None:
        self._noun = noun
        self._shown = shown
        self._catalog = catalog
        self._proxies = proxies
        self._request = request
        self._caller = caller

    async def make(
        self, verb: str, work: Callable[[Queries], Awaitable[T | None]], before: T | None = None
    ) -> T | None:
        """What there is after `work`, None where there is nothing then; where there never was, nothing is recorded.

        `work` gets the transaction, and undoes it by what it raises; `verb` is in the past tense.
        """
        async with self._catalog.transaction() as transaction:
            after = await work(transaction)
            target = after or before
            if target is not None:
                await self._record(transaction, verb, target.id, self._plain(before), self._plain(after))
        return after

    async def made(self, verb: str, work: Callable[[Queries], Awaitable[T | None]], before: T | None = None) -> T:
        """The same where there must be something after it; refuses what was removed meanwhile (`not_found`)."""
        found = await self.make(verb, work, before)
        if found is None:
            raise Rejected(Refusal.NOT_FOUND, f"the {self._noun.replace('_', ' ')} is not there any more")
        return found

    async def removed(self, work: Callable[[Queries], Awaitable[object]], thing: T) -> None:
        """Remove a thing by `work`; one that is gone already is fine, and recorded as well."""

        async def remove(queries: Queries) -> None:
            await work(queries)

        await self.make("removed", remove, thing)

    async def _record(self, queries: Queries, verb: str, target: uuid.UUID, before: Any, after: Any) -> None:
        await record_done(
            queries,
            Done(self._request, self._proxies, self._caller),
            f"{self._noun}.{verb}",
            f"{self._noun}:{target}",
            before=before,
            after=after,
        )

    def _plain(self, thing: T | None) -> dict[str, Any] | None:
        if thing is None:
            return None
        plain: dict[str, Any] = msgspec.to_builtins(self._shown(thing))
        return plain


class Done(NamedTuple):
    """Who did something in a project, by which request."""

    request: Request
    proxies: TrustedProxies
    caller: Caller


async def record_done(
    queries: Queries,
    done: Done,
    action: str,
    target: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Put what was done into the log of the project's organisation; as audit.record, in a transaction last."""
    request, proxies, caller = done
    rows = await queries.rows("organisation_of_project", {"project_id": caller.project_id})
    await audit.record(
        queries,
        organisation_id=rows[0]["organisation_id"] if rows else None,
        actor=caller,
        action=action,
        target=target,
        before=before,
        after=after,
        request_id=request.request_id,
        address=proxies.address(request.headers, request.peer),
        project_id=caller.project_id,
    )
