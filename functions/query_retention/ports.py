"""What query_retention works with: the warehouse and the keys."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.config import load
from shared.query.answers import Remembering
from shared.query.guard import QuerySettings
from shared.query.ports import open_questions
from shared.security.access import Access, open_access


@dataclass(frozen=True, kw_only=True)
class Settings(QuerySettings):
    pass


@dataclass(frozen=True)
class Ports:
    warehouse: Remembering
    access: Access

    async def ready(self) -> None:
        await self.warehouse.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    async with open_questions(settings) as warehouse, open_access(settings.catalog_url) as access:
        yield Ports(warehouse, access)
