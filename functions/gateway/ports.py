"""What the gateway works with: the wiring table's routes, the way to the functions, the reference."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.config import WORK_URL, load, setting
from shared.edge.front import Front, FrontSettings
from shared.edge.headers import ALWAYS
from shared.edge.reference import Reference
from shared.edge.routes import Routes
from shared.wiring import load_wiring

NOT_BEHIND = "ingest"


@dataclass(frozen=True, kw_only=True)
class Settings(FrontSettings):
    work_url: str = setting("SLUICE_WORK_URL", WORK_URL, default="")
    most_bytes: int = setting(
        "SLUICE_GATEWAY_BODY_BYTES", "Bytes of a body that the gateway passes on.", default=2 << 20
    )


@dataclass(frozen=True)
class Ports:
    front: Front
    routes: Routes
    elsewhere: Routes
    reference: Reference
    most_bytes: int

    def answer_headers(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """An error and a health answer, too, are for no browser to guess at."""
        del headers
        return ALWAYS


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    rows = [row for row in load_wiring().functions if row.visibility == "public" and row.name != "gateway"]
    front = Front(settings.work_url or "http://{service}:8080", settings)
    yield Ports(
        front,
        Routes(row for row in rows if row.name != NOT_BEHIND),
        Routes(row for row in rows if row.name == NOT_BEHIND),
        Reference(),
        settings.most_bytes,
    )
    await front.close()
