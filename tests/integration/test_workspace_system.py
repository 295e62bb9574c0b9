"""What the workspace says of the instance, with the warehouse away."""

from collections.abc import AsyncIterator

import pytest

from shared.catalog.client import Catalog
from shared.catalog.projects import create_project
from tests.integration.workspaces import Workspace, environment, running

SYSTEM = "/api/v1/system"


@pytest.fixture
async def workspace(catalog_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workspace]:
    for name, value in {**environment(catalog_url), "SLUICE_CACHE_URL": "memory://"}.items():
        monkeypatch.setenv(name, value)
    async with running(catalog_url) as found:
        yield found


async def test_an_engine_that_is_away_is_said_to_be_and_the_others_are_shown(workspace: Workspace) -> None:
    owner, stranger = await workspace.person(), await workspace.person()
    organisation = await owner.json("POST", "/api/v1/organisations", {"name": "Acme"}, status=201)
    catalog = Catalog(workspace.url)
    project = str((await create_project(catalog, organisation["id"], "Shop"))["id"])
    await catalog.close()
    found = await owner.json("GET", f"{SYSTEM}?project_id={project}")
    assert found["state"] == "degraded"
    assert [(part["name"], part["ok"]) for part in found["parts"]] == [
        ("bus", True),
        ("warehouse", False),
        ("catalog", True),
        ("cache", True),
    ]
    catalog_part = found["parts"][2]
    assert catalog_part["version"].split(".")[0].isdigit()
    assert catalog_part["schema_version"] >= "0012"
    assert found["freshness"] is None
    assert await stranger.refused("GET", f"{SYSTEM}?project_id={project}") == "project_forbidden"
