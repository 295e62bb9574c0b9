"""Two organisations that send events of the same names never see each other's rows, by any address that reads."""

import asyncio
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import pytest

from shared.catalog.client import Catalog
from shared.catalog.keys import create_key
from shared.catalog.projects import create_organisation, create_project
from shared.security.matrix import ROUTES
from shared.security.policy import Action
from tests.e2e.running import COUNT, EVENTS, Running, wait_until
from tests.people import People

NAME = "purchase"
OURS, THEIRS = 3, 5
STREAMS = {"/api/v1/live/stream", "/api/v1/live/ws"}
# What an address asks beside the range; the others ask nothing.
PERSON, SEGMENT = "/api/v1/people/{id}", "/api/v1/segments/{id}"
_ACT = f'{{"event":"{NAME}"}}'
ASKED: dict[str, str] = {
    "/api/v1/query/count": "",
    "/api/v1/query/timeseries": "interval=day",
    "/api/v1/query/breakdown": "by=user_id",
    "/api/v1/query/events": "",
    "/api/v1/query/funnel": f"steps={quote(f'[{_ACT},{_ACT}]')}&breakdown=properties.owner",
    "/api/v1/query/retention": "",
    "/api/v1/query/lifecycle": "",
    "/api/v1/query/stickiness": "",
    "/api/v1/query/paths": "by=properties.owner",
    "/api/v1/query/attribution": f"conversion={quote(_ACT)}&by=properties.owner",
    "/api/v1/query/sessions": "",
    "/api/v1/sessions": "",
    "/api/v1/sessions/settings": "none",
    "/api/v1/people": "none",
    "/api/v1/people/export": "none",
    "/api/v1/people/properties": "none",
    "/api/v1/segments": "none",
    "/api/v1/segments/presets": "none",
    "/analytics/events/count": "older",
    "/analytics/events/timeseries": "older",
    "/analytics/events/by-type": "older",
    "/analytics/events/by-user": "older",
    "/api/v1/stats/events": "older",
    "/api/v1/schema/events": "",
    "/api/v1/system": "older",
    "/api/v1/dashboard": "",
    "/dashboard/": "",
    "/api/v1/schema/properties": "",
    "/api/v1/schema/values": "property=properties.owner",
    "/api/v1/rejected": "",
    "/api/v1/ledger": "",
    "/api/v1/rejected/reasons": "",
    "/api/v1/live/counts": "none",
    "/api/v1/live/stream": "seconds=3",
    "/api/v1/live/ws": "seconds=3",
    "/api/v1/dictionary": "none",
    "/api/v1/export/csv": "",
    "/api/v1/export/json": "",
}


class Tenant(NamedTuple):
    name: str
    project: str
    key: str
    token: str


@pytest.fixture(scope="module")
def tenants(instance: Running) -> tuple[Tenant, Tenant]:
    """Each with events of the same names, whose users and properties say whose they are."""
    ours, theirs = asyncio.run(_made(instance))
    for tenant, count in ((ours, OURS), (theirs, THEIRS)):
        events = [
            {"event": NAME, "user_id": f"user-of-{tenant.name}", "properties": {"owner": f"value-of-{tenant.name}"}}
            for _ in range(count)
        ]
        bad = {"event": "", "user_id": f"refused-of-{tenant.name}"}
        sent = instance.http.post(EVENTS, json=[*events, bad], headers={"x-api-key": tenant.key})
        assert sent.status_code == 202, sent.text
    for tenant, count in ((ours, OURS), (theirs, THEIRS)):
        headers = {"x-api-key": tenant.key}
        wait_until(lambda h=headers, c=count: _counted(instance, h) == c, 20, "the events are stored")  # type: ignore[misc]  # both are bound
    return ours, theirs


def _range() -> str:
    now = datetime.now(UTC)
    return f"from={now - timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}&to={now + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"


def _counted(instance: Running, headers: dict[str, str]) -> int:
    value: int = instance.http.get(f"{COUNT}?{_range()}", headers=headers).json()["value"]
    return value


async def _made(instance: Running) -> list[Tenant]:
    env = instance.state()["env"]
    people, catalog = People(env["SLUICE_CATALOG_URL"], env["JWT_SECRET_KEY"]), Catalog(env["SLUICE_CATALOG_URL"])
    made = []
    for name in ("ours", "theirs"):
        organisation = await create_organisation(catalog, name)
        project = (await create_project(catalog, organisation["id"], name))["id"]
        key, _ = await create_key(catalog, project, "secret", name, scopes=("ingest", "read", "export"))
        member = people.add(organisation["id"], "owner")
        made.append(Tenant(name, str(project), key, await people.token(*member)))
    await catalog.close()
    return made


def ask(instance: Running, path: str, headers: dict[str, str]) -> httpx.Response:
    more = ASKED[path]
    query = "" if more in {"older", "none"} else f"{_range()}&{more}".rstrip("&")
    query = more if path in STREAMS else query
    return instance.http.get(f"{path}?{query}", headers=headers)


def test_every_address_that_reads_events_is_asked() -> None:
    reading = {
        path
        for (method, path), guard in ROUTES.items()
        if method == "GET" and guard in {Action.EVENTS_READ, Action.REJECTED_READ, Action.EXPORTS_READ}
    }
    jobs = {path for path in reading if path.startswith("/api/v1/exports")}
    one = {path for path in reading if path.startswith((PERSON, SEGMENT))}
    assert reading - jobs - one - {"/api/v1/export/parquet"} == set(ASKED), (
        "Parquet is the page of CSV and JSON, packed"
    )


def test_a_person_of_another_project_is_not_there(instance: Running, tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = tenants
    for more in ("", "/timeline", "/sessions"):
        path = PERSON.replace("{id}", f"u:user-of-{theirs.name}") + more
        own = instance.http.get(path, headers={"x-api-key": theirs.key})
        assert own.status_code == 200, own.text
        other = instance.http.get(path, headers={"x-api-key": ours.key})
        assert f"value-of-{theirs.name}" not in other.text
        assert other.status_code == 404 or not other.json()["items"], other.text


def test_a_segment_of_another_project_is_not_there(instance: Running, tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = tenants
    wanted = {"name": "all of them", "definition": {"kind": "did", "act": {"event": NAME}}}
    made = instance.http.post("/api/v1/segments", json=wanted, headers={"authorization": f"Bearer {theirs.token}"})
    assert made.status_code == 201, made.text
    for more in ("", "/size", "/members"):
        path = SEGMENT.replace("{id}", made.json()["id"]) + more
        assert instance.http.get(path, headers={"x-api-key": theirs.key}).status_code == 200
        assert instance.http.get(path, headers={"x-api-key": ours.key}).status_code == 404


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("way", ["key", "token"])
def test_an_answer_holds_the_own_rows_and_none_of_the_others(
    instance: Running, tenants: tuple[Tenant, Tenant], path: str, way: str
) -> None:
    ours, theirs = tenants
    for own, other, count, others in ((ours, theirs, OURS, THEIRS), (theirs, ours, THEIRS, OURS)):
        headers = {"x-api-key": own.key} if way == "key" else {"authorization": f"Bearer {own.token}"}
        answer = ask(instance, path, headers)
        assert answer.status_code == 200, answer.text
        assert f"of-{other.name}" not in answer.text
        if not any(word in path for word in ("rejected", "live", "system", "presets")):
            numbers = _numbers(answer)
            assert others not in numbers or count in numbers, answer.text


def _numbers(answer: httpx.Response) -> set[Any]:
    """Every whole number that stands for itself in a JSON answer."""
    if not answer.headers["content-type"].startswith("application/json"):
        return set()

    def walk(value: Any) -> Iterator[int]:
        if isinstance(value, dict):
            for inner in value.values():
                yield from walk(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from walk(inner)
        elif isinstance(value, int) and not isinstance(value, bool):
            yield value

    return set(walk(answer.json()))


def test_the_counts_are_each_ones_own(instance: Running, tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = tenants
    assert _counted(instance, {"x-api-key": ours.key}) == OURS
    assert _counted(instance, {"authorization": f"Bearer {theirs.token}"}) == THEIRS


def test_naming_the_others_project_opens_nothing(instance: Running, tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = tenants
    for credential in ({"x-api-key": ours.key}, {"authorization": f"Bearer {ours.token}"}):
        for named in ({"x-project-id": theirs.project}, {}):
            query = f"{_range()}" + ("" if named else f"&project_id={theirs.project}")
            answer = instance.http.get(f"{COUNT}?{query}", headers={**credential, **named})
            assert (answer.status_code, answer.json()["code"]) == (403, "project_forbidden")


def test_a_receipt_of_the_others_is_not_there(instance: Running, tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = tenants
    sent = instance.http.post(EVENTS, json={"event": "x", "id": str(uuid.uuid4())}, headers={"x-api-key": theirs.key})
    receipt = sent.json()["receipt"]
    answer = instance.http.get(f"/api/v1/receipts/{receipt}", headers={"x-api-key": ours.key})
    assert answer.status_code == 404
