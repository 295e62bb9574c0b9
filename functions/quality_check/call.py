"""One request of one caller to quality_check: what all of its addresses need."""

import uuid
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

import msgspec

from functions.quality_check.ports import Ports
from functions.quality_check.registry import EventSchema, Registry
from shared.catalog.client import Queries
from shared.http import Reply, Request
from shared.listing import read_id
from shared.query.request import from_address, from_json
from shared.refusals import Refusal, Rejected
from shared.schemas import MOST_BYTES
from shared.security.access import Caller
from shared.security.changes import Done, record_done
from shared.security.policy import Action

# A schema of the most bytes, within its request.
_MOST_BODY = 2 * MOST_BYTES + 16 * 1024

T = TypeVar("T")
StructT = TypeVar("StructT", bound=msgspec.Struct)


class Call(NamedTuple):
    """A request with what it is answered by."""

    request: Request
    ports: Ports
    caller: Caller

    @property
    def project_id(self) -> uuid.UUID:
        return self.caller.project_id

    @property
    def name(self) -> str:
        """Who asks, for other people."""
        return self.caller.email or f"key {self.caller.id}"

    @property
    def registry(self) -> Registry:
        return Registry(self.ports.catalog, self.project_id)

    def query(self, kind: type[StructT]) -> StructT:
        """What stands in the address."""
        return from_address(self.request.query.decode("latin-1"), kind)

    async def body(self, kind: type[StructT]) -> StructT:
        """What stands in the body."""
        return from_json(await self.request.body(_MOST_BODY), kind)

    async def change(
        self,
        action: str,
        work: Callable[[Queries], Awaitable[T]],
        *,
        target: Callable[[T], str],
        before: msgspec.Struct | None = None,
        shown: Callable[[T], msgspec.Struct | None] = lambda _: None,
    ) -> T:
        """What `work` gives, in one transaction with its row in the audit log."""
        async with self.ports.catalog.transaction() as transaction:
            after = await work(transaction)
            done = Done(self.request, self.ports.proxies, self.caller)
            now = shown(after)
            await record_done(
                transaction,
                done,
                action,
                target(after),
                before=None if before is None else msgspec.to_builtins(before),
                after=None if now is None else msgspec.to_builtins(now),
            )
        return after

    async def schema(self, text: str) -> EventSchema:
        """The project's schema of that id; another project's is as unknown as one that never was."""
        found = await self.registry.find(read_id(text, "schema"))
        if found is None:
            raise Rejected(Refusal.NOT_FOUND, f"there is no schema {text[:80]!r}")
        return found


Route = Callable[[Call, dict[str, str]], Awaitable[Reply]]
Routes = dict[str, dict[str, tuple[Action, Route]]]
