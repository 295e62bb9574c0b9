"""Access requests over HTTP: the archive holds what there is of a person, and nothing of anybody else."""

import asyncio
import io
import json
import uuid
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from shared.bus import Message
from shared.objects.folder import FolderObjects
from tests.integration.asking import audited, client, serve_with
from tests.integration.reading import Stored, batch, row, stored

HOUR = timedelta(hours=1)
JOBS = "/api/v1/access-requests"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("access")) as found:
        yield found


@pytest.fixture
def environment(engine: Stored, catalog_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    waits = {"SLUICE_ERASURE_SETTLE_SECONDS": "0", "SLUICE_ERASURE_DISK_SECONDS": "0"}
    more = {"JWT_SECRET_KEY": "8f2c17d09be34a65" * 4, "SLUICE_OBJECTS_URL": tmp_path.as_uri()}
    return serve_with(monkeypatch, engine, catalog_url, **waits, **more)


def fill(engine: Stored, project: uuid.UUID) -> None:
    said = row("identify", HOUR * 3, {"email": "zoe@x.org", "plan": "gold"}, user_id="zoe", anonymous_id="phone")
    evil = row("buy", HOUR * 2, {"note": "<script>alert(1)</script>", "n": 1.10}, user_id="zoe", session_id="s1")
    rest = [row("view", HOUR, anonymous_id="phone"), row("view", HOUR, user_id="bob", anonymous_id="tablet")]
    engine.put(batch(project, said, evil, *rest))
    engine.put(batch(project, evil))
    base = {"project_id": str(project), "received_at": "2026-03-31 12:00:00.000000", "reason": "x", "detail": ""}
    raws = ['{"event":"","user_id":"zoe"}', '{"event":"","user_id":"bob"}']
    engine.insert(
        "rejected_events",
        [{**base, "batch_id": str(uuid.uuid4()), "position": n, "raw": raw} for n, raw in enumerate(raws)],
    )
    listed = {"project_id": str(project), "segment_id": str(uuid.UUID(int=1)), "version": 1}
    engine.insert("segment_lists", [{**listed, "user_key": who} for who in ("u:zoe", "u:bob")])


def opened(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as found:
        assert found.testzip() is None
        return {name: found.read(name) for name in found.namelist()}


def test_an_archive_holds_everything_of_a_person_and_nothing_of_others(
    engine: Stored, environment: str, tmp_path: Path
) -> None:
    project = uuid.uuid4()
    fill(engine, project)

    async def go() -> dict[str, Any]:
        async with client("access_request", environment, project, "admin") as asking:
            job = await asking.json("POST", "/api/v1/people/a:phone/access-request", {"reason": "letter"}, status=202)
            await asking.deliver()
            shown: dict[str, Any] = await asking.json("GET", f"{JOBS}/{job['id']}")
            assert [one["id"] for one in (await asking.json("GET", JOBS))["items"]] == [job["id"]]
            assert "zoe" not in json.dumps([shown, asking.told])
            return shown

    shown = asyncio.run(go())
    assert (shown["state"], shown["error"]) == ("completed", None)
    result = shown["result"]
    counts = {"events": 3, "identity": 1, "merges": 0, "sessions": 0, "segments": 1, "rejected": 1, "consent": 0}
    assert (result["counts"], result["ids"]) == (counts, 2)
    [file] = result["files"]
    assert file["url"].startswith("/api/v1/files?")
    files = opened(FolderObjects(tmp_path).get(f"projects/{project}/access/{shown['id']}/{file['name']}"))
    events = [json.loads(line) for line in files["events.ndjson"].splitlines()]
    assert [one["event"] for one in events] == ["identify", "buy", "view"]
    assert b'"properties":{"note":' in files["events.ndjson"]
    assert json.loads(files["profile.json"])["profile"] == {"email": "zoe@x.org", "plan": "gold"}
    assert "bob" not in str(files)
    assert "tablet" not in str(files)
    english, russian = files["index.en.html"].decode(), files["index.ru.html"].decode()
    assert "<script" not in english
    assert "&lt;script&gt;" in english
    assert "Your data" in english
    assert "Ваши данные" in russian
    assert [action for action, *_ in audited(environment, project, "access_request")] == ["access_request.requested"]


def test_somebody_nobody_knows_gets_an_archive_with_nothing_in_it(engine: Stored, environment: str) -> None:
    async def go() -> None:
        async with client("access_request", environment, uuid.uuid4(), "admin") as asking:
            job = await asking.json("POST", JOBS, {"person": "u:unknown"}, status=202)
            await asking.deliver()
            result = (await asking.json("GET", f"{JOBS}/{job['id']}"))["result"]
            assert (result["rows"], result["ids"]) == (0, 1)
            assert await asking.refused("POST", JOBS, {"person": "unknown"}) == (422, "bad_value")
            assert await asking.refused("POST", JOBS, {}) == (400, "bad_request")
            assert await asking.refused("POST", JOBS, {"person": "u:a", "more": 1}) == (422, "unknown_field")
            assert (await asking.refused("GET", "/api/v1/people/u:a/access-request"))[0] == 405
        async with client("access_request", environment, uuid.uuid4(), "export") as asking:
            assert await asking.refused("POST", JOBS, {"person": "u:a"}) == (403, "scope_missing")

    asyncio.run(go())


def test_an_erasure_takes_the_archive_and_no_later_one_is_made(
    engine: Stored, environment: str, tmp_path: Path
) -> None:
    project = uuid.uuid4()
    fill(engine, project)

    async def go() -> None:
        async with client("access_request", environment, project, "admin") as asking:
            job = await asking.json("POST", JOBS, {"person": "u:zoe"}, status=202)
            await asking.deliver()
            async with client("gdpr_delete", environment, project, "admin") as erasing:
                erasure = await erasing.json("POST", "/api/v1/people/u:zoe/erasure", {}, status=202)
                await erasing.deliver()
                shown = await erasing.json("GET", f"/api/v1/erasures/{erasure['id']}")
            [withdrawn] = shown["result"]["certificate"]["withdrawn"]
            assert (withdrawn["kind"], withdrawn["id"]) == ("access_request", job["id"])
            result = (await asking.json("GET", f"{JOBS}/{job['id']}"))["result"]
            assert result["expired"] is True
            assert "url" not in result["files"][0]
            again = await asking.json("POST", JOBS, {"person": "a:phone"}, status=202)
            await asking.deliver()
            failed = await asking.json("GET", f"{JOBS}/{again['id']}")
            assert (failed["state"], failed["error"]["code"]) == ("failed", "conflict")

    asyncio.run(go())
    assert list(FolderObjects(tmp_path).list("projects/")) == []


def test_archives_are_removed_after_their_days(engine: Stored, environment: str, tmp_path: Path) -> None:
    project = uuid.uuid4()

    async def go() -> None:
        async with client("access_request", environment, project, "admin") as asking:
            job = await asking.json("POST", JOBS, {"person": "u:zoe"}, status=202)
            await asking.deliver()
            attributes = {"specversion": "1.0", "id": "1", "source": "/s", "type": "dev.sluice.access_request.due.v1"}
            assert (await asking.post(Message(attributes, b"{}"))).status == 204
            assert len(list(FolderObjects(tmp_path).list("projects/"))) == 1
            with psycopg.connect(environment) as connection:
                connection.execute("UPDATE jobs SET finished_at = now() - interval '15 days'")
            assert (await asking.post(Message(attributes, b"{}"))).status == 204
            assert list(FolderObjects(tmp_path).list("projects/")) == []
            assert (await asking.json("GET", f"{JOBS}/{job['id']}"))["result"]["expired"] is True

    asyncio.run(go())
