"""The inbox: each sees what is theirs to see, once, and what they read is read."""

from collections.abc import AsyncIterator

import pytest

from shared.catalog import notices
from shared.catalog.client import Catalog
from shared.notifications import Notification, Template
from tests.integration.workspaces import Person, Workspace, environment, running

INBOX = "/api/v1/inbox"


@pytest.fixture
async def workspace(catalog_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workspace]:
    for name, value in environment(catalog_url).items():
        monkeypatch.setenv(name, value)
    async with running(catalog_url) as found:
        yield found


def _email(person: Person) -> str:
    assert person.id is not None
    return f"{person.id.hex[:12]}@example.org"


async def _kinds(person: Person, query: str = "") -> list[str]:
    return [item["kind"] for item in (await person.json("GET", f"{INBOX}{query}"))["items"]]


async def test_notices_are_for_who_may_see_their_matter_and_are_read_by_each(
    workspace: Workspace, catalog_url: str
) -> None:
    owner = await workspace.person()
    organisation = (await owner.json("POST", "/api/v1/organisations", {"name": "A"}, status=201))["id"]
    project = (await owner.json("POST", "/api/v1/projects", {"name": "P"}, status=201))["id"]
    viewer, editor = [await workspace.joined(organisation, role) for role in ("viewer", "editor")]
    stranger = await workspace.person()
    catalog = Catalog(catalog_url)

    async def tell(template: Template, key: str, emails: list[str] | None = None) -> None:
        told = Notification(
            key=key,
            project_id=None if emails else project,
            template=template,
            values={"name": "N", "link": "https://x/secret"},
            emails=emails or [],
        )
        for _ in range(2):
            await notices.keep(catalog, told)

    try:
        await tell("alert_firing", "a")
        await tell("export_completed", "e")
        await tell("erasure_completed", "x")
        await tell("password_reset", "p", [_email(viewer)])
        await tell("new_sign_in", "s", [_email(viewer).upper()])
        assert await _kinds(viewer) == ["new_sign_in", "alert_firing"]
        assert await _kinds(editor) == ["export_completed", "alert_firing"]
        assert await _kinds(owner) == ["erasure_completed", "export_completed", "alert_firing"]
        assert await _kinds(stranger) == []

        page = await owner.json("GET", f"{INBOX}?limit=1")
        assert (page["unread"], page["items"][0]["project"], page["items"][0]["data"]) == (3, "P", {"name": "N"})
        assert await _kinds(owner, f"?limit=2&cursor={page['next_cursor']}") == ["export_completed", "alert_firing"]

        [alert] = [item["id"] for item in (await viewer.json("GET", INBOX))["items"] if item["kind"] == "alert_firing"]
        secret = (await owner.json("GET", INBOX))["items"][0]["id"]
        assert await viewer.json("POST", f"{INBOX}/read", {"ids": [alert, secret]}) == {"unread": 1}
        assert await _kinds(viewer, "?unread=true") == ["new_sign_in"]
        assert (await owner.json("GET", INBOX))["unread"] == 3
        assert await owner.json("POST", f"{INBOX}/read", {}) == {"unread": 0}
        workspace.sql(
            "UPDATE notices SET created_at = now() - interval '91 days' WHERE kind <> 'alert_firing' RETURNING seq"
        )
        await notices.forget(catalog)
        assert await _kinds(owner) == ["alert_firing"]
    finally:
        await catalog.close()
