"""Every public address of the running apps, walked with every kind of credential (docs/authorisation.md)."""

import ast
import asyncio
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx
import pytest

from shared.catalog.client import Catalog
from shared.catalog.keys import create_key
from shared.catalog.projects import create_organisation, create_project
from shared.edge.reference import OPENAPI
from shared.function import LIVE, READY
from shared.security.keys import Scope
from shared.security.matrix import ROUTES, Door, Guard
from shared.security.policy import ROLE_ACTIONS, ROLES, SCOPE_ACTIONS, SCOPES, Action, Role
from shared.wiring import load_wiring
from tests.e2e.running import Running
from tests.load.instance import ROOT
from tests.people import FORGED, People

WIRING = load_wiring()
EDGE = {("GET", path) for path in {"/", OPENAPI} | LIVE | READY}
# What stands before the functions answers addresses that no table of routes has; these are none that answer data.
BEFORE = ("functions/gateway", "shared/edge", "shared/local/host.py", "shared/local/pages.py", "shared/function.py")
NO_ADDRESSES = {
    "/api/v1": "the prefix, as the root names it",
    "/api/v1/": "the prefix",
    "/app": "the built app: files",
    "/sluice.js": "the library: a file",
    "/sluice/": "the source of an event",
    "/metrics": "of a function's own port; not through the edge, see below",
}
GUARDED = [(method, path) for (method, path), guard in ROUTES.items() if isinstance(guard, Action)]
SIGNED_IN = [(method, path) for (method, path), guard in ROUTES.items() if guard is Door.SIGNED_IN]
# What an allowed caller would really do to the organisation the others walk with; the functions' own tests do that.
NOT_WALKED = {
    ("DELETE", "/api/v1/organisations/{organisation_id}"),
    ("DELETE", "/api/v1/projects/{project_id}"),
    ("POST", "/api/v1/projects"),
    ("PATCH", "/api/v1/projects/{project_id}"),
    ("PATCH", "/api/v1/organisations/{organisation_id}"),
    ("POST", "/api/v1/projects/{project_id}/restore"),
}
STREAMS = {"/api/v1/live/stream", "/api/v1/live/ws"}  # these go on until they are told to end
# A share lets anybody see what it shows: whoever makes one must be able to see it.
ALSO = {("POST", "/api/v1/shares"): Action.EVENTS_READ}
DENIED = {401, 403}
TOKEN_CODES = {"token_unknown", "token_expired"}


class World(NamedTuple):
    """Two organisations with a project each, a user of each role, a key of each scope, and tokens of all kinds."""

    organisation: str
    project: str
    other_project: str
    roles: dict[str, str]
    scopes: dict[str, str]
    stranger: str
    other_keys: dict[str, str]
    forged: dict[str, str]
    expired_key: str


def credential(clear: str) -> dict[str, str]:
    return {"authorization": f"Bearer {clear}"} if clear else {}


@pytest.fixture(scope="module")
def world(instance: Running) -> World:
    return asyncio.run(_made(instance))


async def _made(instance: Running) -> World:
    env = instance.state()["env"]
    url = env["SLUICE_CATALOG_URL"]
    people, catalog = People(url, env["JWT_SECRET_KEY"]), Catalog(url)
    try:
        ours, theirs = [await create_organisation(catalog, name) for name in ("Ours", "Theirs")]
        project = (await create_project(catalog, ours["id"], "Ours"))["id"]
        other = (await create_project(catalog, theirs["id"], "Theirs"))["id"]
        members = {role: people.add(ours["id"], role) for role in ROLES}
        outsider = people.add(theirs["id"], "owner")
        past = datetime.now(UTC) - timedelta(seconds=1)
        return World(
            str(ours["id"]),
            str(project),
            str(other),
            {role: await people.token(*member) for role, member in members.items()},
            {s: (await create_key(catalog, project, "secret", s, scopes=(s,)))[0] for s in SCOPES},
            await people.token(*outsider),
            {s: (await create_key(catalog, other, "secret", s, scopes=(s,)))[0] for s in SCOPES},
            await people.forged(*members["owner"]),
            (await create_key(catalog, project, "secret", "old", scopes=SCOPES, expires_at=past))[0],
        )
    finally:
        await catalog.close()


class Walker:
    """Asks addresses of one instance; a path's names become ids, the organisation's and the project's own ones."""

    def __init__(self, instance: Running, world: World) -> None:
        self._http = instance.http
        self._world = world

    def ask(self, method: str, path: str, headers: dict[str, str], *, project: str = "") -> httpx.Response:
        own = {"organisation_id": self._world.organisation, "project_id": project or self._world.project}
        address = re.sub(r"\{(\w+)\}", lambda name: own.get(name[1], str(uuid.uuid4())), path)
        asked = {"content-type": "application/json", **headers}
        if project:
            asked["x-project-id"] = project
        content = b"{}" if method in {"POST", "PUT", "PATCH"} else None
        if path.startswith("/api/v1/audit"):
            address += f"?organisation_id={self._world.organisation}"
        if path in STREAMS:
            address += "?seconds=1"
        if (method, path) == ("POST", "/api/v1/projects"):  # which organisation is meant comes before who asks
            content = f'{{"name": "Walked", "organisation_id": "{self._world.organisation}"}}'.encode()
        return self._http.request(method, address, headers=asked, content=content)


@pytest.fixture(scope="module")
def walker(instance: Running, world: World) -> Walker:
    return Walker(instance, world)


def code(answer: httpx.Response) -> Any:
    is_problem = answer.headers.get("content-type", "").startswith("application/problem")
    return answer.json().get("code") if is_problem else None


# the list is the one of the running apps


def test_every_route_of_the_wiring_table_is_in_the_matrix_and_the_other_way_round() -> None:
    wired = {(method, route.path) for row in WIRING.functions for route in row.http for method in route.methods}
    assert wired | EDGE == set(ROUTES)


def test_what_stands_before_the_functions_answers_no_address_that_the_matrix_does_not_know() -> None:
    written: set[str] = set()
    for name in BEFORE:
        place = ROOT / name
        for file in [place] if place.is_file() else sorted(place.glob("*.py")):
            nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
            written |= {text for text in texts if re.fullmatch(r"/[\w./-]*", text)}
    assert {"/docs", "/healthz"} <= written
    assert written - {path for _, path in ROUTES} - set(NO_ADDRESSES) == set()


@pytest.mark.parametrize("name", ["auth", "workspace"])
def test_every_route_of_a_fastapi_router_is_in_the_matrix(name: str) -> None:
    from importlib import import_module

    module = {"auth": "functions.auth.app", "workspace": "functions.workspace.application"}[name]
    routes = import_module(module).build().routes
    found = {(method, route.path) for route in routes for method in route.methods - {"HEAD"}}
    assert found - {("POST", "/")} <= set(ROUTES), "a router answers an address that the matrix does not know"


def test_the_document_lists_nothing_the_matrix_does_not_know(instance: Running) -> None:
    paths = instance.http.get("/api/v1/openapi.json").json()["paths"]
    assert {(method.upper(), path) for path, methods in paths.items() for method in methods} <= set(ROUTES)


# nobody


@pytest.mark.parametrize(("method", "path"), GUARDED + SIGNED_IN)
def test_without_credentials_nothing_is_answered(walker: Walker, method: str, path: str) -> None:
    answer = walker.ask(method, path, {})
    assert answer.status_code == 401, answer.text
    assert code(answer) in {"key_missing", "token_missing"}
    assert answer.headers["www-authenticate"].startswith("Bearer realm=")


@pytest.mark.parametrize("kind", FORGED)
def test_a_forged_token_opens_no_address(walker: Walker, world: World, kind: str) -> None:
    opened = []
    for method, path in GUARDED + SIGNED_IN:
        answer = walker.ask(method, path, credential(world.forged[kind]), project=world.project)
        if answer.status_code != 401 or code(answer) not in TOKEN_CODES | {"key_unknown"}:
            opened.append((method, path, answer.status_code, answer.text[:100]))
    assert opened == []


# roles and scopes


def opens(guard: Guard, answer: httpx.Response) -> bool:
    """Whether the door opened, whatever was found behind it; fails where it says neither yes nor no."""
    refused = code(answer)
    if guard is Action.EVENTS_INGEST and refused == "key_unknown":
        return False  # ingest takes keys only
    assert answer.status_code not in {401, 409, 500}, answer.text
    return refused not in {"role_missing", "scope_missing", "token_required", "project_forbidden"}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_what_the_policy_says_and_nothing_else(walker: Walker, world: World, role: Role) -> None:
    wrong = []
    for method, path in GUARDED:
        guard = ROUTES[method, path]
        allowed = guard in ROLE_ACTIONS[role]
        if allowed and (method, path) in NOT_WALKED:
            continue
        answer = walker.ask(method, path, credential(world.roles[role]), project=world.project)
        if opens(guard, answer) is not allowed:
            wrong.append((method, path, guard, answer.status_code, answer.text[:120]))
    assert wrong == []


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_opens_what_the_policy_says_and_nothing_else(walker: Walker, world: World, scope: Scope) -> None:
    wrong = []
    for method, path in GUARDED:
        guard = ROUTES[method, path]
        allowed = {guard, ALSO.get((method, path), guard)} <= SCOPE_ACTIONS[scope]
        if allowed and (method, path) in NOT_WALKED:
            continue
        answer = walker.ask(method, path, credential(world.scopes[scope]))
        if opens(guard, answer) is not allowed:
            wrong.append((method, path, guard, answer.status_code, answer.text[:120]))
    assert wrong == []


def test_an_expired_key_opens_nothing(walker: Walker, world: World) -> None:
    opened = []
    for method, path in GUARDED:
        answer = walker.ask(method, path, credential(world.expired_key))
        if code(answer) not in {"key_expired", "token_required"}:
            opened.append((method, path, answer.status_code, answer.text[:100]))
    assert opened == []


# another project


def test_an_owner_elsewhere_is_nobody_here(walker: Walker, world: World) -> None:
    opened = []
    for method, path in GUARDED:
        if ROUTES[method, path] is Action.EVENTS_INGEST:
            continue
        answer = walker.ask(method, path, credential(world.stranger), project=world.project)
        if answer.status_code not in {403, 404}:
            opened.append((method, path, answer.status_code, answer.text[:100]))
    assert opened == []


def test_another_projects_keys_open_nothing_here(walker: Walker, world: World) -> None:
    opened = []
    for scope, clear in world.other_keys.items():
        for method, path in GUARDED:
            if ROUTES[method, path] is Action.EVENTS_INGEST:
                continue
            answer = walker.ask(method, path, credential(clear), project=world.project)
            if answer.status_code not in DENIED:
                opened.append((scope, method, path, answer.status_code, answer.text[:100]))
    assert opened == []


# what is not an address of the edge


def test_metrics_and_the_functions_sinks_are_not_behind_the_edge(instance: Running) -> None:
    for path in ("/metrics", "/batch-write/", "/query-count/", "/auth/", "/work/metrics"):
        assert instance.http.get(path).status_code == 404, path
        assert instance.http.post(path, content=b"{}").status_code in {404, 405}, path
    work = f"http://127.0.0.1:{instance.port + 1}"
    direct = httpx.get(f"{work}/query-count/metrics", trust_env=False)
    assert direct.status_code == 200
    proxied = httpx.get(f"{work}/query-count/metrics", headers={"x-forwarded-for": "192.0.2.1"}, trust_env=False)
    assert proxied.status_code != 200


def test_the_warehouse_door_asks_for_a_login_and_a_key_that_may_read(instance: Running, world: World) -> None:
    door = f"http://127.0.0.1:{instance.port + 3}/"
    statement = {"query": "SELECT count() FROM events"}

    def ask(user: str, password: str) -> int:
        headers = {"x-clickhouse-user": user, "x-clickhouse-key": password}
        return httpx.get(door, params=statement, headers=headers, trust_env=False).status_code

    assert httpx.get(door, params=statement, trust_env=False).status_code == 401
    assert ask("sluice", "wrong") in DENIED
    assert ask("operator", "") in DENIED
    assert ask(world.project, world.scopes["read"]) == 200
    for wrong in (world.scopes["ingest"], world.scopes["export"], world.scopes["admin"], world.other_keys["read"]):
        assert ask(world.project, wrong) in DENIED
    for token in (world.roles["owner"], *world.forged.values(), world.expired_key):
        assert ask(world.project, token) in DENIED


def test_a_link_opens_by_its_secret_alone(instance: Running, world: World) -> None:
    for headers in ({}, credential(world.roles["owner"]), credential(world.scopes["admin"])):
        forged = {"path": f"projects/{world.project}/exports/x/part-00000.parquet", "expires": "9999999999"}
        answer = instance.http.get("/api/v1/files", params={**forged, "signature": "0" * 64}, headers=headers)
        assert (answer.status_code, code(answer)) == (403, "bad_link")
        answer = instance.http.get(f"/api/v1/shared/{'x' * 43}", headers=headers)
        assert answer.status_code == 404
