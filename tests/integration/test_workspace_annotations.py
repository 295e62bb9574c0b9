"""Dated notes of a project, on a real catalog."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.integration.workspaces import Workspace, environment, running

NOTES = "/api/v1/annotations"
NOTE = {"at": "2026-03-05T10:00:00+01:00", "text": "Release 2"}


@pytest.fixture
async def workspace(catalog_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workspace]:
    for name, value in environment(catalog_url).items():
        monkeypatch.setenv(name, value)
    async with running(catalog_url) as found:
        yield found


async def test_a_note_is_kept_listed_by_its_time_changed_and_removed(workspace: Workspace) -> None:
    owner = await workspace.person()
    await owner.json("POST", "/api/v1/organisations", {"name": "A"}, status=201)
    await owner.json("POST", "/api/v1/projects", {"name": "P"}, status=201)
    made = await owner.json("POST", NOTES, NOTE, status=201, idempotency_key="one")
    assert (await owner.json("POST", NOTES, NOTE, status=201, idempotency_key="one"))["id"] == made["id"]
    assert (made["at"], made["text"], made["created_by"]) == ("2026-03-05T09:00:00Z", "Release 2", str(owner.id))
    later = await owner.json("POST", NOTES, {"at": "2026-03-06T00:00:00Z", "text": "  Sale\n "}, status=201)
    assert later["text"] == "Sale"

    listed = [item["id"] for item in (await owner.json("GET", NOTES))["items"]]
    assert listed == [made["id"], later["id"]]
    day = await owner.json("GET", f"{NOTES}?from=2026-03-05&to=2026-03-05&timezone=UTC")
    assert [item["id"] for item in day["items"]] == [made["id"]]
    page = await owner.json("GET", f"{NOTES}?limit=1")
    rest = await owner.json("GET", f"{NOTES}?limit=1&cursor={page['next_cursor']}")
    assert [item["id"] for item in page["items"] + rest["items"]] == listed

    at = f"{NOTES}/{made['id']}"
    changed = await owner.json("PATCH", at, {"text": "Release 2.1"})
    assert (changed["at"], changed["text"]) == (made["at"], "Release 2.1")
    await owner.json("DELETE", at, status=204)
    assert await owner.refused("DELETE", at) == "not_found"
    assert await owner.refused("PATCH", at, {"text": "x"}) == "not_found"
    actions = [action for (action,) in workspace.sql("SELECT action FROM audit_log ORDER BY organisation_id, seq")]
    assert [one for one in actions if one.startswith("annotation.")][-4:] == [
        "annotation.created",
        "annotation.created",
        "annotation.changed",
        "annotation.deleted",
    ]


async def test_viewers_read_notes_editors_write_them_and_strangers_find_none(workspace: Workspace) -> None:
    owner = await workspace.person()
    organisation = (await owner.json("POST", "/api/v1/organisations", {"name": "A"}, status=201))["id"]
    await owner.json("POST", "/api/v1/projects", {"name": "P"}, status=201)
    at = f"{NOTES}/{(await owner.json('POST', NOTES, NOTE, status=201))['id']}"
    for role, wanted in (("viewer", [200, 403, 403]), ("editor", [200, 201, 200])):
        person = await workspace.joined(organisation, role)
        replies = [
            await person.ask("GET", NOTES),
            await person.ask("POST", NOTES, NOTE),
            await person.ask("PATCH", at, {"text": role}),
        ]
        assert [reply.status for reply in replies] == wanted, role
    stranger = await workspace.person()
    await stranger.json("POST", "/api/v1/organisations", {"name": "B"}, status=201)
    await stranger.json("POST", "/api/v1/projects", {"name": "Q"}, status=201)
    assert await stranger.refused("DELETE", at) == "not_found"
    assert (await stranger.json("GET", NOTES))["items"] == []


async def test_notes_that_say_nothing_or_are_of_no_time_are_refused(workspace: Workspace) -> None:
    owner = await workspace.person()
    await owner.json("POST", "/api/v1/organisations", {"name": "A"}, status=201)
    await owner.json("POST", "/api/v1/projects", {"name": "P"}, status=201)
    for body, code in (
        ({**NOTE, "text": " \n"}, "bad_request"),
        ({**NOTE, "text": "x" * 501}, "bad_request"),
        ({**NOTE, "text": "a\0b"}, "bad_text"),
        ({**NOTE, "at": "2026-03-05T10:00:00"}, "bad_request"),
        ({**NOTE, "at": "1969-12-31T00:00:00Z"}, "bad_range"),
        ({**NOTE, "colour": "red"}, "unknown_field"),
    ):
        assert await owner.refused("POST", NOTES, body) == code, json.dumps(body)
    assert await owner.refused("GET", f"{NOTES}?from=2026-03-05") == "bad_range"
    assert await owner.refused("GET", f"{NOTES}?from=2026-03-05&to=2026-03-01") == "bad_range"
