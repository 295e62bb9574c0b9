"""The list of a project's jobs of every kind, on a real catalog: who asked, and who may see which."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from functions.workspace.jobs import READS
from shared.bus.memory import MemoryBus
from shared.catalog.client import Catalog
from shared.jobs import Jobs
from tests.integration.workspaces import Workspace, environment, running

JOBS = "/api/v1/jobs"


@pytest.fixture
async def workspace(catalog_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workspace]:
    for name, value in environment(catalog_url).items():
        monkeypatch.setenv(name, value)
    async with running(catalog_url) as found:
        yield found


async def _made(catalog: Catalog, project: str, kind: str, asked_by: str = "") -> str:
    job, _ = await Jobs(catalog, MemoryBus(), kind).create(UUID(project), str(uuid4()), b"{}", asked_by=asked_by)
    return str(job.id)


async def test_every_kind_is_listed_to_who_may_read_it_with_who_asked(workspace: Workspace) -> None:
    owner, stranger = await workspace.person(), await workspace.person()
    await owner.json("POST", "/api/v1/organisations", {"name": "A"}, status=201)
    project = (await owner.json("POST", "/api/v1/projects", {"name": "P"}, status=201))["id"]
    wanted = {"name": "nightly", "kind": "secret", "scopes": ["export"]}
    key = await owner.json("POST", f"/api/v1/projects/{project}/keys", wanted, status=201)
    made = {kind: await _made(workspace.catalog, project, kind, f"user:{owner.id}") for kind in READS}
    by_key = await _made(workspace.catalog, project, "export", f"key:{key['id']}")
    by_nobody = await _made(workspace.catalog, project, "erasure")
    lost = await _made(workspace.catalog, project, "export", f"schedule:{uuid4()}")

    found = (await owner.json("GET", JOBS))["items"]
    assert [one["id"] for one in found] == [lost, by_nobody, by_key, *reversed(made.values())], "the newest first"
    askers: dict[str, Any] = {one["id"]: one["asked_by"] for one in found}
    assert askers[by_key] == {"kind": "key", "id": key["id"], "name": "nightly"}
    assert askers[by_nobody] is None
    assert (askers[lost]["kind"], askers[lost]["name"]) == ("schedule", None)
    assert askers[made["export"]]["name"]

    first = await owner.json("GET", f"{JOBS}?limit=4")
    rest = await owner.json("GET", f"{JOBS}?cursor={first['next_cursor']}")
    assert [one["id"] for one in first["items"] + rest["items"]] == [one["id"] for one in found]
    assert [one["id"] for one in (await owner.json("GET", f"{JOBS}?kind=replay"))["items"]] == [made["replay"]]
    assert (await owner.json("GET", f"{JOBS}?state=failed"))["items"] == []
    assert await owner.refused("GET", f"{JOBS}?kind=burn") == "bad_request"

    organisation = (await owner.json("GET", "/api/v1/organisations"))["items"][0]["id"]
    editor, viewer = await workspace.joined(organisation, "editor"), await workspace.joined(organisation, "viewer")
    assert {one["kind"] for one in (await editor.json("GET", JOBS))["items"]} == {"export"}
    assert (await editor.json("GET", f"{JOBS}?kind=erasure"))["items"] == []
    assert await viewer.refused("GET", JOBS) == "role_missing"
    assert await stranger.refused("GET", f"{JOBS}?project_id={project}") == "project_forbidden"
    told = (await workspace.holder(key["key"]).json("GET", JOBS))["items"]
    assert {one["kind"] for one in told} == {"export"}
    assert [one["asked_by"]["name"] for one in told if one["asked_by"]["kind"] == "user"] == [None]
