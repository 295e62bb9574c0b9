"""Definitions, dashboards and shares, checked and answered by a real query function on a real warehouse."""

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.workspace.upkeep import DUE
from tests.integration.door_process import free_port
from tests.integration.reading import Stored, batch, row, stored
from tests.integration.workspaces import Person, Workspace, environment, running

ROOT = Path(__file__).resolve().parents[2]
DEFINITIONS, DASHBOARDS, SHARES = "/api/v1/definitions", "/api/v1/dashboards", "/api/v1/shares"
HOUR = timedelta(hours=1)
RANGE = {"from": "2026-03-01", "to": "2026-03-31"}
COUNT = {"kind": "count", "name": "All", "query": {**RANGE, "events": ["e"]}}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("saved")) as found:
        yield found


@pytest.fixture(scope="module")
def query_url(engine: Stored, postgres: Any) -> Iterator[str]:
    """query_count as a container runs it."""
    port = free_port()
    urls = {"SLUICE_WAREHOUSE_URL": engine.warehouse._url.geturl(), "SLUICE_CATALOG_URL": postgres.engine.url}
    process = subprocess.Popen(
        [sys.executable, "-m", "shared.function", "query_count"],
        cwd=ROOT,
        env={**os.environ, **urls, "SLUICE_HOST": "127.0.0.1", "PORT": str(port)},
    )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while not _alive(url):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield url
    process.terminate()
    process.wait(timeout=20)


def _alive(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/healthz", timeout=1).close()  # noqa: S310 (our own address)
    except OSError:
        return False
    return True


@pytest.fixture
async def workspace(catalog_url: str, query_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workspace]:
    for name, value in environment(catalog_url, query_url).items():
        monkeypatch.setenv(name, value)
    async with running(catalog_url) as found:
        yield found


class Team:
    """An organisation with a project and somebody of each role."""

    def __init__(self, workspace: Workspace, owner: Person, organisation: str, project: dict[str, Any]) -> None:
        self.workspace = workspace
        self.owner = owner
        self.organisation = organisation
        self.project = project

    @property
    def project_id(self) -> uuid.UUID:
        return uuid.UUID(self.project["id"])

    async def member(self, role: str) -> Person:
        return await self.workspace.joined(self.organisation, role)


async def team(workspace: Workspace) -> Team:
    owner = await workspace.person()
    organisation = (await owner.json("POST", "/api/v1/organisations", {"name": "A"}, status=201))["id"]
    project = await owner.json("POST", "/api/v1/projects", {"name": "P"}, status=201)
    return Team(workspace, owner, organisation, project)


async def test_a_query_is_checked_by_its_own_function_before_it_is_saved(workspace: Workspace) -> None:
    owner = (await team(workspace)).owner
    saved = await owner.json("POST", DEFINITIONS, {**COUNT, "tags": ["a", "a", "b"]}, status=201)
    assert (saved["version"], saved["tags"], saved["query"]) == (1, ["a", "b"], COUNT["query"])
    for query, code in (
        ({**RANGE, "measure": "median:x"}, "bad_measure"),
        ({**RANGE, "colour": 1}, "unknown_field"),
        ({**RANGE, "filters": [{"property": "properties.a", "op": "gt", "value": True}]}, "bad_filter"),
        ({"from": "2026-04-01", "to": "2026-03-01"}, "bad_range"),
        ({"from": "2026-04-01"}, "bad_range"),
        ({"timezone": "Mars/Base"}, "bad_timezone"),
        ({**RANGE, "cursor": "x"}, "bad_request"),
    ):
        assert await owner.refused("POST", DEFINITIONS, {**COUNT, "query": query}) == code
    assert await owner.refused("POST", DEFINITIONS, {**COUNT, "last": "7d"}) == "bad_range"
    assert await owner.refused("POST", DEFINITIONS, {**COUNT, "query": {}, "last": "soon"}) == "bad_range"
    assert await owner.refused("POST", DEFINITIONS, {**COUNT, "kind": "sorcery"}) == "bad_request"


async def test_of_two_editors_none_overwrites_the_other_and_every_version_comes_back(workspace: Workspace) -> None:
    members = await team(workspace)
    owner, editor = members.owner, await members.member("editor")
    saved = await owner.ask("POST", DEFINITIONS, COUNT)
    assert saved.headers["etag"] == '"1"'
    at = f"{DEFINITIONS}/{json.loads(saved.body)['id']}"
    assert await owner.refused("PUT", at, COUNT) == "version_missing"
    replies = await asyncio.gather(
        *(
            person.ask("PUT", at, {**COUNT, "name": name}, if_match='"1"')
            for person, name in ((owner, "Mine"), (editor, "Theirs"))
        )
    )
    assert sorted(reply.status for reply in replies) == [200, 412]
    now = await owner.json("GET", at)
    assert now["version"] == 2
    versions = (await owner.json("GET", f"{at}/versions"))["items"]
    assert [(item["version"], item["content"]["name"]) for item in versions] == [(2, now["name"]), (1, "All")]
    restored = await editor.json("POST", f"{at}/restore", {"version": 1}, if_match='"2"')
    assert (restored["version"], restored["name"]) == (3, "All")
    assert await owner.refused("DELETE", at, if_match='"2"') == "version_changed"
    await owner.json("DELETE", at, status=204, if_match="*")
    assert await owner.refused("GET", at) == "not_found"


@pytest.mark.parametrize("role", ["owner", "admin", "editor", "viewer"])
async def test_viewers_read_and_editors_write(workspace: Workspace, role: str) -> None:
    members = await team(workspace)
    person = await members.member(role)
    statuses = [
        (await person.ask("GET", DEFINITIONS)).status,
        (await person.ask("POST", DEFINITIONS, COUNT)).status,
        (await person.ask("GET", DASHBOARDS)).status,
        (await person.ask("POST", DASHBOARDS, {"name": "D"})).status,
        (await person.ask("GET", SHARES)).status,
    ]
    assert statuses == ([200, 403, 200, 403, 403] if role == "viewer" else [200, 201, 200, 201, 200])


async def test_another_projects_things_are_unknown(workspace: Workspace) -> None:
    mine, theirs = await team(workspace), await team(workspace)
    definition = await mine.owner.json("POST", DEFINITIONS, COUNT, status=201)
    dashboard = await mine.owner.json("POST", DASHBOARDS, {"name": "D"}, status=201)
    share = await mine.owner.json("POST", SHARES, {"dashboard_id": dashboard["id"]}, status=201)
    stranger = theirs.owner
    for path in (f"{DEFINITIONS}/{definition['id']}", f"{DASHBOARDS}/{dashboard['id']}", f"{SHARES}/{share['id']}"):
        for method in ("GET", "DELETE"):
            assert await stranger.refused(method, path, if_match="*") == "not_found"
            named = {"x_project_id": str(mine.project_id), "if_match": "*"}
            assert await stranger.refused(method, path, **named) == "project_forbidden"
    widget = {"id": "w", "definition_id": definition["id"]}
    assert await stranger.refused("POST", DASHBOARDS, {"name": "D", "widgets": [widget]}) == "not_found"
    assert await stranger.refused("POST", SHARES, {"dashboard_id": dashboard["id"]}) == "not_found"


async def test_the_older_addresses_save_and_find_with_limits_of_their_own(
    catalog_url: str, query_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {"SLUICE_LIMIT_DEFINITION_WRITES": "2/minute", "SLUICE_LIMIT_DEFINITION_READS": "3/minute"}
    for name, value in {**environment(catalog_url, query_url), **limits}.items():
        monkeypatch.setenv(name, value)
    async with running(catalog_url) as workspace:
        owner = (await team(workspace)).owner
        made = await owner.json("POST", "/create_resource/", COUNT, status=201, idempotency_key="k")
        again = await owner.json("POST", "/create_resource/", COUNT, status=201, idempotency_key="k")
        assert made["id"] == again["id"]
        reply = await owner.ask("POST", "/create_resource/", COUNT)
        assert (reply.status, json.loads(reply.body)["code"]) == (429, "rate_limited")
        assert int(reply.headers["retry-after"]) > 0
        found = await owner.json("GET", f"/get_resource/?id={made['id']}")
        assert found["name"] == "All"
        listed = await owner.json("GET", "/get_resource/?kind=count")
        assert [item["id"] for item in listed["items"]] == [made["id"]]
        await owner.json("GET", f"{DEFINITIONS}/{made['id']}")
        assert await owner.refused("GET", "/get_resource/") == "rate_limited"


async def test_a_dashboard_is_private_read_only_or_everybodys(workspace: Workspace) -> None:
    members = await team(workspace)
    maker, editor, admin = [await members.member(role) for role in ("editor", "editor", "admin")]
    private = await maker.json("POST", DASHBOARDS, {"name": "Mine", "access": "private"}, status=201)
    shown = await maker.json("POST", DASHBOARDS, {"name": "Look", "access": "organisation_reads"}, status=201)
    at, look = f"{DASHBOARDS}/{private['id']}", f"{DASHBOARDS}/{shown['id']}"
    assert await editor.refused("GET", at) == "not_found"
    assert await admin.refused("GET", at) == "not_found"
    assert (await members.owner.json("GET", at))["name"] == "Mine"
    assert [item["name"] for item in (await editor.json("GET", DASHBOARDS))["items"]] == ["Look"]
    assert (await editor.json("GET", look))["access"] == "organisation_reads"
    assert await editor.refused("PUT", look, {"name": "Other"}, if_match="*") == "role_missing"
    await admin.json("PUT", look, {"name": "Other", "access": "organisation"}, if_match="*")
    body = {"name": "Grabbed", "access": "private"}
    assert await editor.refused("PUT", look, body, if_match="*") == "role_missing"
    key = workspace.holder(members.project["keys"]["secret"]["key"])
    assert [item["name"] for item in (await key.json("GET", DASHBOARDS))["items"]] == ["Other"]


@pytest.mark.parametrize(
    ("widgets", "code"),
    [
        ([{"id": "a"}, {"id": "a"}], "bad_request"),
        ([{"id": "a b"}], "bad_request"),
        ([{"id": "a", "inline": {"kind": "count", "query": {"measure": "x"}}}], "bad_measure"),
        ([{"id": "a", "definition_id": str(uuid.UUID(int=1))}], "not_found"),
        ([{"id": str(number)} for number in range(51)], "bad_request"),
        ([{"id": "a", "options": {"x": "y" * 140_000}}], "body_too_large"),
    ],
)
async def test_widgets_that_could_not_be_shown_are_refused(workspace: Workspace, widgets: Any, code: str) -> None:
    owner = (await team(workspace)).owner
    assert await owner.refused("POST", DASHBOARDS, {"name": "D", "widgets": widgets}) == code


async def test_a_share_shows_one_dashboard_and_asks_exactly_its_queries(engine: Stored, workspace: Workspace) -> None:
    members = await team(workspace)
    owner = members.owner
    await asyncio.to_thread(
        engine.put, batch(members.project_id, *[row("e", HOUR * n) for n in range(1, 8)], row("secret", HOUR))
    )
    definition = await owner.json("POST", DEFINITIONS, COUNT, status=201)
    widgets = [
        {"id": "w1", "definition_id": definition["id"]},
        {"id": "w2", "inline": {"kind": "count", "query": {"events": ["e"]}, "last": "7d"}},
        {"id": "w3", "text": "words"},
    ]
    dashboard = await owner.json("POST", DASHBOARDS, {"name": "D", "widgets": widgets}, status=201)
    share = await owner.json("POST", SHARES, {"dashboard_id": dashboard["id"], "embeddable": True}, status=201)
    visitor, at = workspace.anybody(), f"/api/v1/shared/{share['token']}"
    shown = await visitor.json("GET", at)
    assert [(widget["id"], widget["kind"]) for widget in shown["widgets"]] == [
        ("w1", "count"),
        ("w2", "count"),
        ("w3", None),
    ]
    assert (shown["name"], shown["embeddable"]) == ("D", True)
    assert (await visitor.json("GET", f"{at}/widgets/w1"))["value"] == 7
    # What the visitor adds changes nothing: there is nothing they may choose.
    assert (await visitor.json("GET", f"{at}/widgets/w1?events=secret&from=2020-01-01"))["value"] == 7
    assert (await visitor.json("GET", f"{at}/widgets/w2"))["value"] == 0
    for widget in ("w3", "w4", "w1'"):
        assert await visitor.refused("GET", f"{at}/widgets/{widget}") == "not_found"
    # The token opens nothing else, and the key behind the share is nowhere to be seen.
    for headers in ({"x_api_key": share["token"]}, {"authorization": f"Bearer {share['token']}"}):
        assert await visitor.refused("GET", DEFINITIONS, **headers) == "key_unknown"
    keys = await owner.json("GET", f"/api/v1/projects/{members.project_id}/keys")
    assert len(keys["items"]) == 2
    assert (await owner.json("GET", f"{SHARES}/{share['id']}"))["last_used_at"] is not None
    await owner.json("DELETE", f"{SHARES}/{share['id']}")
    assert await visitor.refused("GET", at) == "gone"
    assert await visitor.refused("GET", f"{at}/widgets/w1") == "gone"
    assert await visitor.refused("GET", "/api/v1/shared/shr_madeup") == "not_found"
    kept = str(workspace.sql("SELECT shares::text FROM shares")) + str(
        workspace.sql("SELECT api_keys::text FROM api_keys")
    )
    assert share["token"][12:] not in kept


async def test_a_share_ends_with_its_time_and_with_its_dashboard(workspace: Workspace) -> None:
    owner = (await team(workspace)).owner
    dashboard = await owner.json("POST", DASHBOARDS, {"name": "D"}, status=201)
    until = (datetime.now(tz=UTC) + timedelta(hours=1)).isoformat()
    share = await owner.json("POST", SHARES, {"dashboard_id": dashboard["id"], "expires_at": until}, status=201)
    visitor, at = workspace.anybody(), f"/api/v1/shared/{share['token']}"
    await visitor.json("GET", at)
    workspace.sql("UPDATE shares SET expires_at = now() RETURNING id")
    assert await visitor.refused("GET", at) == "gone"
    other = await owner.json("POST", SHARES, {"dashboard_id": dashboard["id"]}, status=201)
    await owner.json("DELETE", f"{DASHBOARDS}/{dashboard['id']}", status=204, if_match="*")
    assert await visitor.refused("GET", f"/api/v1/shared/{other['token']}") == "not_found"
    past = {"dashboard_id": dashboard["id"], "expires_at": "2020-01-01T00:00:00Z"}
    assert await owner.refused("POST", SHARES, past) == "bad_request"


async def test_the_projects_timezone_is_the_default_of_its_queries(engine: Stored, workspace: Workspace) -> None:
    members = await team(workspace)
    key = members.project["keys"]["secret"]["key"]
    url = f"{workspace.service._ports._ports.settings.work_url}/api/v1/query/count?from=2026-03-01&to=2026-03-01"  # type: ignore[union-attr]

    def zone() -> Any:
        asked = urllib.request.Request(url, headers={"x-api-key": key})  # noqa: S310 (our own address)
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 (our own address)
            return json.loads(answer.read())["range"]["timezone"]

    assert await asyncio.to_thread(zone) == "UTC"
    await members.owner.json("PATCH", f"/api/v1/projects/{members.project_id}", {"timezone": "Asia/Tokyo"})
    await asyncio.sleep(5)  # a key is read again within five seconds
    assert await asyncio.to_thread(zone) == "Asia/Tokyo"


async def test_each_hour_logs_are_signed_and_what_was_deleted_long_ago_goes(
    engine: Stored, catalog_url: str, query_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = {"SLUICE_WAREHOUSE_URL": engine.warehouse._url.geturl()}
    for name, value in {**environment(catalog_url, query_url), **urls}.items():
        monkeypatch.setenv(name, value)
    async with running(catalog_url) as workspace:
        gone, kept = await team(workspace), await team(workspace)
        for members in (gone, kept):
            await asyncio.to_thread(engine.put, batch(members.project_id, row("e", HOUR)))
            await members.owner.json("DELETE", f"/api/v1/projects/{members.project_id}", {"name": "P"})
        workspace.sql("UPDATE projects SET deleted_at = now() - interval '31 days' WHERE id = %s", gone.project_id)
        due = {"ce_id": "1", "ce_specversion": "1.0", "ce_source": "/timer", "ce_type": DUE}
        await workspace.anybody().json("POST", "/", {}, status=204, **due)
        left = workspace.sql("SELECT id FROM projects WHERE id = ANY (%s)", [gone.project_id, kept.project_id])
        assert left == [(kept.project_id,)]
        counted = await asyncio.to_thread(_rows, engine, gone.project_id, kept.project_id)
        assert counted == [0, 1]
        listed = await gone.owner.json("GET", "/api/v1/audit")
        assert listed["items"][0]["action"] == "project.purged"
        verified = await gone.owner.json("GET", "/api/v1/audit/verify")
        assert (verified["sound"], verified["checkpoints"]) == (True, 1)
        assert await workspace.anybody().refused("POST", "/", {}, **{**due, "ce_type": "dev.sluice.other.v1"}) in {
            "unexpected_event_type",
            "bad_request",
        }


def _rows(engine: Stored, *projects: uuid.UUID) -> list[int]:
    query = "SELECT count() FROM events WHERE project_id = {project:UUID}"
    return [engine.run(engine.warehouse.query(query, {"project": str(one)})).rows[0][0] for one in projects]
