"""Copies over HTTP and by the timer, by the function as it is served; what a dead worker leaves is gone on with."""

import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from functions.backup.logic import COMPLETED, DUE, ERASED, REQUESTED
from shared.bus import Message
from shared.events import CONTROL_TOPIC
from shared.serve import find_main
from tests.integration.asking import Client, audited, serve_with
from tests.integration.exporting import make_project
from tests.integration.reading import Stored, batch, row, stored
from tests.people import People

PATH = "/api/v1/backups"
SECRET = "a secret of thirty-two characters!"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("backup-http")) as found:
        found.put(batch(uuid.uuid4(), row("e"), row("e")))
        yield found


@pytest.fixture
def environment(engine: Stored, catalog_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    with psycopg.connect(catalog_url) as connection:
        connection.execute("TRUNCATE backups, timers")
    more = {"JWT_SECRET_KEY": SECRET, "SLUICE_BACKUP_URL": (tmp_path / "copies").as_uri(), "SLUICE_MODE": "development"}
    return serve_with(monkeypatch, engine, catalog_url, SLUICE_BACKUP_SCHEDULE="* * * * *", **more)


class Owner(Client):
    """The function, asked by somebody of a role in the project's organisation."""

    def __init__(self, service: Any, token: str, project: uuid.UUID) -> None:
        super().__init__(service, "")
        self.signed_in = {"authorization": f"Bearer {token}", "x-api-key": "", "x-project-id": str(project)}

    async def asked(self, method: str, address: str, *, status: int = 200) -> Any:
        reply = await self.ask(method, address, **self.signed_in)
        assert reply.status == status, reply.body
        return json.loads(reply.body)

    async def events(self) -> list[str]:
        """Hand on what waits on the topic control, until nothing does; the types, with the state of a finished copy."""
        bus = self.service._ports.backups.bus  # type: ignore[union-attr]
        subscription, told = await bus.subscribe(CONTROL_TOPIC, "test"), []
        while found := await subscription.take(1, 0.01):
            message: Message = found[0].message
            told.append(message.attributes["type"])
            if message.attributes["type"] == REQUESTED:
                assert (await self.post(message)).status == 204
            await subscription.ack([found[0].position])
        await subscription.close()
        return told

    async def heard(self, event_type: str) -> None:
        told = Message({"specversion": "1.0", "id": str(uuid.uuid4()), "source": "/t", "type": event_type}, b"{}")
        assert (await self.post(told)).status == 204

    async def tick(self) -> None:
        await self.heard(DUE)


@contextlib.asynccontextmanager
async def owner(catalog_url: str, role: Any = "owner") -> AsyncIterator[tuple[Owner, uuid.UUID]]:
    project = uuid.uuid4()
    make_project(catalog_url, project)
    with psycopg.connect(catalog_url) as connection:
        [[organisation]] = connection.execute(
            "SELECT organisation_id FROM projects WHERE id = %s", [project]
        ).fetchall()
    people = People(catalog_url, SECRET)
    token = await people.token(*people.add(organisation, role))
    service = find_main("backup").service
    await service.open()
    yield Owner(service, token, project), project
    await service.close()


async def test_a_copy_is_asked_for_made_shown_and_removed(environment: str) -> None:
    async with owner(environment) as (asking, project):
        begun = await asking.asked("POST", PATH, status=202)
        assert (await asking.asked("POST", PATH, status=409))["code"] == "conflict"
        assert (await asking.asked("DELETE", f"{PATH}/{begun['id']}", status=409))["code"] == "conflict"
        assert await asking.events() == [REQUESTED, COMPLETED]
        shown = await asking.asked("GET", f"{PATH}/{begun['id']}")
        assert (shown["state"], shown["events"], shown["kind"]) == ("completed", 2, "asked")
        assert shown["bytes"] == shown["written_bytes"] > 0
        listed = await asking.asked("GET", f"{PATH}?limit=1")
        assert ([one["id"] for one in listed["items"]], listed["next_cursor"]) == ([begun["id"]], None)
        assert (await asking.asked("DELETE", f"{PATH}/{begun['id']}"))["state"] == "deleted"
        assert (await asking.asked("GET", f"{PATH}/{uuid.uuid4()}", status=404))["code"] == "not_found"
        assert [action for action, *_ in audited(environment, project, "backup")] == [
            "backup.requested",
            "backup.removed",
        ]


async def test_only_owners_see_copies(environment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with owner(environment, "admin") as (asking, _):
        assert (await asking.asked("GET", PATH, status=403))["code"] == "role_missing"
    monkeypatch.setenv("SLUICE_OPERATOR_ORGANISATION", str(uuid.uuid4()))
    async with owner(environment) as (asking, _):
        assert (await asking.asked("POST", PATH, status=403))["code"] == "role_missing"


async def test_the_timer_makes_a_copy_and_takes_up_one_that_was_left(environment: str, tmp_path: Path) -> None:
    async with owner(environment) as (asking, _):
        await asking.tick()
        with psycopg.connect(environment) as connection:
            connection.execute("UPDATE timers SET watermark = now() - interval '2 minutes', due_at = now()")
        await asking.tick()
        assert await asking.events() == [REQUESTED, COMPLETED]
        [made] = (await asking.asked("GET", PATH))["items"]
        assert (made["kind"], made["state"]) == ("timer", "completed")
        # Somebody began one and died: its lease is over.
        left = uuid.uuid4()
        with psycopg.connect(environment) as connection:
            connection.execute("INSERT INTO backups (id, lease_until) VALUES (%s, now() - interval '1 minute')", [left])
        await asking.tick()
        assert await asking.events() == [REQUESTED, COMPLETED]
        assert (await asking.asked("GET", f"{PATH}/{left}"))["state"] == "completed"
        # What is over is removed, but never the newest.
        with psycopg.connect(environment) as connection:
            connection.execute("UPDATE backups SET expires_at = now() - interval '1 minute'")
            connection.execute("UPDATE timers SET watermark = now(), due_at = now() + interval '1 hour'")
        await asking.tick()
        states = sorted(one["state"] for one in (await asking.asked("GET", PATH))["items"])
        assert states == ["completed", "deleted"]
        assert (tmp_path / "copies" / "tombstones.json").is_file()


async def test_the_end_of_an_erasure_is_noted_beside_the_copies(environment: str, tmp_path: Path) -> None:
    kept = tmp_path / "copies" / "tombstones.json"
    async with owner(environment) as (asking, project):
        await asking.heard(ERASED)
        assert not kept.exists()
        await asking.asked("POST", PATH, status=202)
        await asking.events()
        with psycopg.connect(environment) as connection:
            erased = "INSERT INTO erased_people (project_id, person, job_id, together) VALUES (%s, %s, %s, %s)"
            connection.execute(erased, [project, bytes(32), uuid.uuid4(), bytes(32)])
        await asking.heard(ERASED)
        assert bytes(32).hex() in kept.read_text()


async def test_a_copy_that_cannot_be_made_says_why(environment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_BACKUP_URL", "file:///dev/null/copies")
    async with owner(environment) as (asking, _):
        begun = await asking.asked("POST", PATH, status=202)
        assert await asking.events() == [REQUESTED, COMPLETED]
        shown = await asking.asked("GET", f"{PATH}/{begun['id']}")
        assert (shown["state"], shown["error_code"]) == ("failed", "backup_refused")
        assert "no permission" in shown["error_detail"]
