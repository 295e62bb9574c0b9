"""Which sites may show the page of a share in a frame."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.clock import FixedClock, to_micros
from shared.edge.framing import NOBODY, Framing, frame_ancestors
from shared.http import Reply, Request
from shared.refusals import UnavailableError

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TOKEN = "shr_abc-DEF_1"
SHARE = {
    "embeddable": True,
    "expires_at": None,
    "revoked_at": None,
    "deleted_at": None,
    "allowed_origins": ["https://a.example"],
}


class Catalog:
    def __init__(self, row: dict[str, Any] | None, *, away: bool = False) -> None:
        self.row, self.away = row, away

    async def rows(self, query: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        if self.away:
            raise UnavailableError("away")
        assert query == "share_frames"
        known = self.row is not None and values["token_hash"] == hashlib.sha256(TOKEN.encode()).digest()
        return [self.row] if known and self.row else []


async def nothing() -> dict[str, Any]:
    return {"type": "http.request", "body": b""}


async def policy(catalog: Catalog, path: str = f"/app/shared/{TOKEN}") -> str:
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    page = Reply(200, b"", headers={"content-security-policy": f"default-src 'none'; {NOBODY}"})
    framing = Framing(catalog, FixedClock(to_micros(NOW)))  # type: ignore[arg-type] # a stand-in of what is asked
    return (await framing.open_to(Request(scope, nothing), page)).headers["content-security-policy"]


async def test_an_embeddable_share_may_be_framed_by_the_sites_of_its_project() -> None:
    assert await policy(Catalog(SHARE)) == "default-src 'none'; frame-ancestors https://a.example"
    anywhere = {**SHARE, "allowed_origins": []}
    assert await policy(Catalog(anywhere)) == "default-src 'none'; frame-ancestors *"


@pytest.mark.parametrize(
    "change",
    [{"embeddable": False}, {"expires_at": NOW}, {"revoked_at": NOW}, {"deleted_at": NOW}],
    ids=["not embeddable", "over", "revoked", "deleted"],
)
async def test_any_other_share_may_not(change: dict[str, Any]) -> None:
    assert NOBODY in await policy(Catalog({**SHARE, **change}))


async def test_no_other_page_may_and_none_while_the_catalog_is_away() -> None:
    for path in ("/app/", "/app/p/x/overview", f"/app/shared/{TOKEN}/x", f"/app/shared/{TOKEN}2", "/app/shared/"):
        assert NOBODY in await policy(Catalog(SHARE), path), path
    assert NOBODY in await policy(Catalog(SHARE, away=True))


def test_an_origin_that_would_end_the_directive_is_left_out_and_opens_nothing() -> None:
    assert frame_ancestors(["https://a.example; script-src *"]) == NOBODY
    assert frame_ancestors(["https://b.example/", "https://*.a.example", "x\ny"]) == (
        "frame-ancestors https://*.a.example https://b.example"
    )
