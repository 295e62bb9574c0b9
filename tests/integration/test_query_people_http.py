"""The addresses of people, as the function answers them: search, a person, their timeline and sessions, merges."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.integration.asking import Client, client
from tests.integration.reading import Stored, batch, row
from tests.integration.reading import stored as warehouse_of

PEOPLE = "/api/v1/people"
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with warehouse_of(tmp_path_factory.mktemp("people")) as stored:
        yield stored


@pytest.fixture
def project(warehouse: Stored, catalog_url: str, monkeypatch: pytest.MonkeyPatch) -> uuid.UUID:
    """Ann, first seen as a device, then known; Bob, with another name on another device; and somebody unknown."""
    project = uuid.uuid4()
    monkeypatch.setenv("SLUICE_WAREHOUSE_URL", warehouse.url)
    monkeypatch.setenv("SLUICE_CATALOG_URL", catalog_url)
    warehouse.put(
        batch(
            project,
            row("view", 300 * MINUTE, anonymous_id="phone", path="/start"),
            row("view", 299 * MINUTE, anonymous_id="phone", path="/price"),
            row("identify", 200 * MINUTE, {"plan": "pro", "name": "=Ann"}, user_id="ann", anonymous_id="phone"),
            row("purchase", 190 * MINUTE, user_id="ann", revenue=9.5, currency="EUR"),
            row("$set", 180 * MINUTE, {"$add": {"visits": 2}, "$append": {"tags": "x"}}, user_id="ann"),
            row("identify", 150 * MINUTE, {"plan": "free", "email": "bob@example.com"}, user_id="bob"),
            row("identify", 140 * MINUTE, user_id="bob", anonymous_id="phone"),
            row("view", 100 * MINUTE, user_id="robert", session_id="s1"),
            row("view", 5 * MINUTE, anonymous_id="tablet"),
        )
    )
    return project


def asked(catalog_url: str, project: uuid.UUID, work: Any, scope: str = "read") -> Any:
    async def run() -> Any:
        async with client("query_people", catalog_url, project, scope) as one:
            return await work(one)

    return asyncio.run(run())


def test_people_are_found_by_what_they_are_like_and_what_they_did(project: uuid.UUID, catalog_url: str) -> None:
    async def work(ask: Client) -> None:
        everybody = await ask.json("GET", f"{PEOPLE}?columns=profile.plan")
        assert [(one["person"], one["events"], one["profile"]["plan"]) for one in everybody["items"]] == [
            ("a:tablet", 1, None),
            ("u:robert", 1, None),
            ("u:bob", 2, "free"),
            ("u:ann", 5, "pro"),
        ]
        ann = everybody["items"][3]
        assert (ann["first_seen"], ann["revenue"]) == ("2026-03-31T07:00:00.000000+00:00", 9.5)

        async def found(**query: Any) -> list[str]:
            return [one["person"] for one in (await ask.json("POST", PEOPLE, query))["items"]]

        pro = {"property": "profile.plan", "value": "pro"}
        assert await found(filters=[pro]) == ["u:ann"]
        assert await found(filters=[{"property": "profile.visits", "op": "gte", "value": 2}]) == ["u:ann"]
        assert await found(filters=[{"property": "events", "op": "lt", "value": 2}]) == ["a:tablet", "u:robert"]
        assert await found(filters=[{"property": "last_seen", "op": "gt", "value": "2026-03-31T11"}]) == ["a:tablet"]
        assert await found(q="BOB@") == ["u:bob"]
        assert await found(did=[{"event": "view", "times": 2}]) == ["u:ann"]
        assert await found(did=[{"event": "view", "op": "eq", "times": 0}]) == ["u:bob"]
        assert await found(did=[{"event": "view", "from": "2026-03-31T11:00"}]) == ["a:tablet"]
        assert await found(sort="revenue", limit=1) == ["u:ann"]

    asked(catalog_url, project, work)


def test_pages_of_people_hold_each_once(project: uuid.UUID, catalog_url: str) -> None:
    async def work(ask: Client) -> None:
        for sort in ("last_seen", "first_seen", "events", "revenue", "person"):
            for order in ("asc", "desc"):
                seen: list[str] = []
                cursor: Any = ""
                while cursor is not None:
                    page = await ask.json("GET", f"{PEOPLE}?limit=1&sort={sort}&order={order}&cursor={cursor}")
                    seen += [one["person"] for one in page["items"]]
                    cursor = page["next_cursor"]
                assert sorted(seen) == ["a:tablet", "u:ann", "u:bob", "u:robert"], (sort, order)

    asked(catalog_url, project, work)


def test_a_person_is_shown_with_ids_profile_traits_and_how_they_came_to_be(
    project: uuid.UUID, catalog_url: str
) -> None:
    async def work(ask: Client) -> None:
        for key in ("u:ann", "a:phone"):
            ann = await ask.json("GET", f"{PEOPLE}/{key}")
            assert (ann["person"], ann["keys"]) == ("u:ann", ["a:phone", "u:ann"])
            assert ann["profile"] == {"plan": "pro", "name": "=Ann", "visits": 2, "tags": ["x"]}
            assert ann["traits"]["events"] == 5
            assert ann["traits"]["revenue"] == {"EUR": 9.5}
            assert ann["traits"]["counts"][0]["event"] == "view"
            assert [(one["from_key"], one["to_key"], one["holds"]) for one in ann["links"]] == [
                ("a:phone", "u:ann", True)
            ]
            assert [one["operation"] for one in ann["history"]] == ["append", "add", "set", "set"]
        bob = await ask.json("GET", f"{PEOPLE}/u:bob")
        assert [(one["from_key"], one["holds"]) for one in bob["links"]] == [("a:phone", False)]
        await ask.json("GET", f"{PEOPLE}/u:nobody", status=404)

    asked(catalog_url, project, work)


def test_a_timeline_holds_what_was_done_under_every_id_and_goes_on_page_by_page(
    project: uuid.UUID, catalog_url: str
) -> None:
    async def work(ask: Client) -> None:
        seen: list[str] = []
        cursor: Any = ""
        while cursor is not None:
            page = await ask.json("GET", f"{PEOPLE}/a:phone/timeline?limit=2&cursor={cursor}")
            assert page["person"] == "u:ann"
            seen += [one["event"] for one in page["items"]]
            cursor = page["next_cursor"]
        assert seen == ["$set", "purchase", "identify", "view", "view"]
        views = await ask.json("GET", f"{PEOPLE}/u:ann/timeline?events=view")
        assert [one["path"] for one in views["items"]] == ["/price", "/start"]
        assert views["items"][0]["user_key"] == "a:phone"

    asked(catalog_url, project, work)


def test_sessions_end_with_a_pause_longer_than_the_gap(project: uuid.UUID, catalog_url: str) -> None:
    async def work(ask: Client) -> None:
        answer = await ask.json("GET", f"{PEOPLE}/u:ann/sessions")
        assert [(one["events"], one["entry_page"], one["exit_page"], one["bounced"]) for one in answer["items"]] == [
            (3, None, None, False),
            (2, "/start", "/price", False),
        ]
        assert answer["items"][1]["seconds"] == 60
        apart = await ask.json("GET", f"{PEOPLE}/u:ann/sessions?gap=599")
        assert [one["events"] for one in apart["items"]] == [1, 1, 1, 2]
        first = await ask.json("GET", f"{PEOPLE}/u:ann/sessions?limit=1")
        second = await ask.json("GET", f"{PEOPLE}/u:ann/sessions?limit=1&cursor={first['next_cursor']}")
        assert (second["items"], second["next_cursor"]) == ([answer["items"][1]], None)
        assert (await ask.json("GET", f"{PEOPLE}/u:robert/sessions"))["items"][0]["session_id"] == "s1"

    asked(catalog_url, project, work)


def test_the_projects_own_gap_ends_sessions_of_a_person_too(project: uuid.UUID, catalog_url: str) -> None:
    async def work(ask: Client) -> None:
        await ask.json("PUT", "/api/v1/sessions/settings", {"gap": "599s"})

    async def look(ask: Client) -> None:
        answer = await ask.json("GET", f"{PEOPLE}/u:ann/sessions")
        assert [one["events"] for one in answer["items"]] == [1, 1, 1, 2]
        names = (await ask.json("GET", f"{PEOPLE}/properties"))["properties"]
        assert {"profile.plan", "profile.visits"} <= set(names)

    async def run() -> None:
        async with client("query_sessions", catalog_url, project, "admin") as one:
            await work(one)
        async with client("query_people", catalog_url, project, "read") as one:
            await look(one)

    asyncio.run(run())


def test_a_merge_taken_back_leaves_every_answer_as_it_was(project: uuid.UUID, catalog_url: str) -> None:
    async def work(ask: Client, merging: Client) -> None:
        key = (await ask.json("GET", f"{PEOPLE}?columns=profile.plan"))["items"]
        person = await ask.json("GET", f"{PEOPLE}/u:bob")
        answers = (key, person["keys"], person["profile"], person["traits"])
        into = {"into": "u:bob", "reason": "one man"}
        made = await merging.json("POST", f"{PEOPLE}/u:robert/merges", into, status=201)
        assert (made["person"], made["keys"]) == ("u:bob", ["u:bob", "u:robert"])
        assert made["merge"]["merged_by"].startswith("key:")
        after = await ask.json("GET", f"{PEOPLE}/u:robert")
        assert (after["person"], after["traits"]["events"]) == ("u:bob", 3)
        assert after["merges"][0]["reason"] == "one man"
        assert len((await ask.json("GET", PEOPLE))["items"]) == 3

        again = await merging.json("POST", f"{PEOPLE}/u:bob/merges", {"into": "u:robert"}, status=422)
        assert again["code"] == "bad_value"
        assert "`into`" in again["detail"]
        address = f"{PEOPLE}/u:bob/merges/{made['merge']['id']}"
        for _ in range(2):
            removed = await merging.json("DELETE", f"{address}?reason=brothers")
            assert removed["merge"]["removed_by"].startswith("key:")
        key = (await ask.json("GET", f"{PEOPLE}?columns=profile.plan"))["items"]
        person = await ask.json("GET", f"{PEOPLE}/u:bob")
        assert (key, person["keys"], person["profile"], person["traits"]) == answers
        assert person["merges"][0]["reason"] == "one man\nbrothers"

    async def both(ask: Client) -> None:
        async with client("query_people", catalog_url, project, "admin") as merging:
            await work(ask, merging)

    asked(catalog_url, project, both)
    with psycopg.connect(catalog_url) as connection:
        rows = connection.execute(
            "SELECT action, before, after FROM audit_log WHERE project_id = %s ORDER BY seq", (project,)
        ).fetchall()
    assert [action for action, *_ in rows] == ["person_merge.made", "person_merge.removed"]
    assert "bob" not in json.dumps(rows), "nothing can be erased from the audit log"


def test_what_cannot_be_merged_or_asked_says_which_field_and_what_to_do(project: uuid.UUID, catalog_url: str) -> None:
    async def merging(ask: Client) -> None:
        for address, body, code, words in (
            ("u:bob", {"into": "u:bob"}, "bad_value", "same person"),
            ("a:phone", {"into": "u:ann"}, "bad_value", "same person"),
            ("u:bob", {"into": "u:nobody"}, "bad_value", "nobody has"),
            ("u:bob", {"into": "bob"}, "bad_value", "u:<user_id>"),
            ("u:bob", {}, "bad_request", "into"),
        ):
            answer = await ask.json("POST", f"{PEOPLE}/{address}/merges", body, status=400 if not body else 422)
            assert (answer["code"], words in answer["detail"]) == (code, True), answer
        await ask.json("POST", f"{PEOPLE}/u:nobody/merges", {"into": "u:bob"}, status=404)
        await ask.json("DELETE", f"{PEOPLE}/u:bob/merges/x", status=404)
        await ask.json("GET", f"{PEOPLE}/u:bob/merges", status=405)

    async def asking(ask: Client) -> None:
        for query, code, words in (
            ({"columns": ["profile.plam"]}, "unknown_field", "profile.plan"),
            ({"filters": [{"property": "country", "value": "DE"}]}, "unknown_field", "profile.<name>"),
            ({"did": [{"event": "view", "filters": [{"property": "person", "value": "x"}]}]}, "unknown_field", "did"),
            ({"columns": ["profile.plan"] * 21}, "bad_request", "20"),
            ({"cursor": "x"}, "bad_cursor", ""),
        ):
            answer = await ask.json("POST", PEOPLE, query, status=400 if code == "bad_request" else 422)
            assert (answer["code"], words in answer["detail"]) == (code, True), answer
        assert (await ask.json("POST", f"{PEOPLE}/u:bob/merges", {"into": "u:ann"}, status=403))["code"]

    asked(catalog_url, project, merging, "admin")
    asked(catalog_url, project, asking)


def test_people_as_csv_are_safe_to_open(project: uuid.UUID, catalog_url: str) -> None:
    async def work(ask: Client) -> None:
        reply = await ask.ask("GET", f"{PEOPLE}/export?columns=profile.name,profile.tags&sort=person&order=desc&q=ann")
        assert reply.body.decode().splitlines() == [
            "person,first_seen,last_seen,events,revenue,profile.name,profile.tags",
            'u:ann,2026-03-31T07:00:00.000000+00:00,2026-03-31T09:00:00.000000+00:00,5,9.5,\'=Ann,"[""x""]"',
        ]

    asked(catalog_url, project, work, "export")
