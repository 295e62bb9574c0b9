"""Erasures on the real engines: nobody is left who was to go, nobody goes who was to stay, whatever happens."""

import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from functions.export.asked import ExportRequest
from functions.gdpr_delete.asked import ErasureRequest, kept
from functions.gdpr_delete.logic import KIND, Eraser, Limits
from functions.gdpr_delete.watch import Watch
from shared.bus import Message
from shared.bus.memory import MemoryBus
from shared.catalog.client import Catalog
from shared.catalog.people import person_key
from shared.clock import SYSTEM_CLOCK
from shared.events import CONTROL_TOPIC, Row
from shared.jobs import Job, Jobs, completed_type
from shared.jobs.worker import MOST_ATTEMPTS, handle
from shared.objects import ObjectsRefusedError
from shared.objects.folder import FolderObjects
from shared.refusals import UnavailableError
from shared.subjects import Subject
from tests.integration.erasing import tools_of
from tests.integration.exporting import make_project
from tests.integration.reading import NOW, Stored, batch, row, stored

HOUR = timedelta(hours=1)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("erasures")) as found:
        yield found


class Erasures:
    """The erasures of one project and whoever works on them."""

    def __init__(self, engine: Stored, catalog: Catalog, project: uuid.UUID, limits: Limits, folder: Path) -> None:
        self.project = project
        self.catalog = catalog
        self.bus = MemoryBus()
        self.objects = FolderObjects(folder)
        self.exports = Jobs(catalog, self.bus, "export")
        threads = ThreadPoolExecutor(2)
        self.tools = tools_of(engine.warehouse, catalog, self.bus, threads, folder)
        self.eraser = Eraser(self.tools, limits)
        self.jobs = Jobs(catalog, self.bus, KIND, cancels={"queued"}, ended=self.eraser.forget)
        self.watch = Watch(engine.warehouse, catalog, self.jobs, threads, SYSTEM_CLOCK, subjects=self.tools.subjects)
        self.told: list[Any] = []

    async def start(self, **asked: Any) -> Job:
        wanted = ErasureRequest(reason="they asked", **asked)
        people = wanted.people()
        key = await person_key(self.catalog, self.project)
        assert key is not None
        job_key = str(uuid.uuid4())
        await self.tools.subjects.keep(self.project, job_key, Subject({one: one for one in people}))
        job, _ = await self.jobs.create(self.project, job_key, msgspec.json.encode(kept(people, key, wanted)))
        await self.jobs.request(job)
        return job

    async def deliver(self) -> None:
        subscription = await self.bus.subscribe(CONTROL_TOPIC, "gdpr-delete")
        while found := await subscription.take(1, 0.01):
            message: Message = found[0].message
            if message.attributes["type"] == completed_type(KIND):
                self.told.append(json.loads(message.data))
            elif "erasure" in message.attributes["type"]:
                await handle(message, self.jobs, self.eraser)
            await subscription.ack([found[0].position])
        await subscription.close()

    async def run(self, **asked: Any) -> dict[str, Any]:
        job = await self.start(**asked)
        await self.deliver()
        return await self.finished(job)

    async def finished(self, job: Job) -> dict[str, Any]:
        found = await self.jobs.find(job.id)
        assert found is not None
        assert (found.state, found.error_detail) == ("completed", None)
        result: dict[str, Any] = json.loads(found.result or "")
        return result


@contextlib.asynccontextmanager
async def erasures(
    engine: Stored,
    catalog_url: str,
    project: uuid.UUID | None = None,
    *,
    settle: float = 0.0,
    slice_seconds: float = 30.0,
    disk: float = 0.0,
) -> AsyncIterator[Erasures]:
    project = project or uuid.uuid4()
    make_project(catalog_url, project)
    catalog = Catalog(catalog_url)
    with tempfile.TemporaryDirectory(prefix="sluice-erasure-") as folder:
        yield Erasures(engine, catalog, project, Limits(slice_seconds, settle, disk), Path(folder))
    await catalog.close()


def users(engine: Stored, project: uuid.UUID, final: str = "FINAL") -> dict[str, int]:
    sql = f"SELECT user_key, count() FROM events {final} WHERE project_id = {{p:UUID}} GROUP BY 1 ORDER BY 1"
    return dict(engine.run(engine.warehouse.query(sql, {"p": str(project)})).rows)


def version(engine: Stored, project: uuid.UUID) -> dict[str, int]:
    sql = "SELECT toString(hour), sum(changes) FROM hour_changes WHERE project_id = {p:UUID} GROUP BY 1"
    return dict(engine.run(engine.warehouse.query(sql, {"p": str(project)})).rows)


def of(user: str, count: int = 10, **more: Any) -> list[Row]:
    return [row("e", HOUR * (3 * n), {"n": n}, user_id=user, **more) for n in range(1, count + 1)]


def test_a_user_is_gone_with_every_repeat_and_others_stay(engine: Stored, catalog_url: str) -> None:
    project, other = uuid.uuid4(), uuid.uuid4()
    gone, stays = of("gone"), [*of("stays"), *of("GONE"), row("e", HOUR, anonymous_id="gone")]
    engine.put(batch(project, *gone, *stays), batch(other, *gone))
    again = [msgspec.structs.replace(one, received_at="2026-03-31 13:00:00.000000") for one in gone[:5]]
    engine.put(batch(project, *again))
    before = version(engine, project)

    async def go() -> dict[str, Any]:
        async with erasures(engine, catalog_url, project) as made:
            result = await made.run(user_id="gone")
            assert [(told["state"], told["events"], told["people"]) for told in made.told] == [("completed", 10, 1)]
            assert "gone" not in json.dumps(made.told)
            return result

    result = asyncio.run(go())
    assert (result["found"], result["left"]) == ({"events": 10, "rows": 15}, {"events": 0, "rows": 0})
    assert (result["people"], result["hours"], result["passes"], result["rejected_left"]) == (1, 10, 1, 0)
    assert users(engine, project) == users(engine, project, "") == {"u:stays": 10, "u:GONE": 10, "a:gone": 1}
    assert users(engine, other) == {"u:gone": 10}
    after = version(engine, project)
    assert sum(after[hour] - before[hour] for hour in before) == 10
    assert all(after[hour] >= before[hour] for hour in before)


def test_a_device_is_gone_from_events_of_known_users_too(engine: Stored, catalog_url: str) -> None:
    """Older repeats of an event that held the id only later must not come back in its place."""
    project = uuid.uuid4()
    event_id = str(uuid.uuid4())
    older = row("e", HOUR, user_id="u", anonymous_id="before", event_id=event_id)
    newer = msgspec.structs.replace(older, anonymous_id="dev", received_at="2026-03-31 13:00:00.000000")
    rest = [row("e", HOUR, anonymous_id="dev"), row("e", HOUR, anonymous_id="other"), row("e", HOUR, user_id="dev")]
    engine.put(batch(project, older))
    engine.put(batch(project, newer, *rest))

    async def go() -> dict[str, Any]:
        async with erasures(engine, catalog_url, project) as made:
            return await made.run(anonymous_ids=["dev"])

    assert asyncio.run(go())["found"] == {"events": 2, "rows": 3}
    assert users(engine, project) == users(engine, project, "") == {"a:other": 1, "u:dev": 1}


def test_many_people_with_odd_names_are_erased_at_once(engine: Stored, catalog_url: str) -> None:
    project = uuid.uuid4()
    odd = ["it's", 'a"b', "back\\slash", "ünï", "%", "'); DROP TABLE events --", "x" * 512, "{p0:String}", "a\tb", "1"]
    ids = [*odd, *(f"user-{n}" for n in range(400))]
    rows = [row("e", HOUR, user_id=one) for one in [*ids, "stays"]]
    engine.put(batch(project, *rows))

    async def go() -> dict[str, Any]:
        async with erasures(engine, catalog_url, project) as made:
            return await made.run(user_ids=[*ids[:9], 1, *ids[10:]])

    assert asyncio.run(go())["found"]["events"] == len(ids)
    assert users(engine, project) == {"u:stays": 1}


def test_nobody_is_erased_with_zeros_and_twice_is_fine(engine: Stored, catalog_url: str) -> None:
    project = uuid.uuid4()
    engine.put(batch(project, *of("u", 3)))

    async def go() -> list[dict[str, Any]]:
        async with erasures(engine, catalog_url, project) as made:
            return [await made.run(user_id=one) for one in ("unknown", "u", "u")]

    assert [result["found"]["events"] for result in asyncio.run(go())] == [0, 3, 0]


REFUSED = {
    "json": '{"event":"","user_id":"r1"}',
    "number": '{"user_id": 77, "event": ""}',
    "deep": '{"event":"","properties":{"who":["r1"]}}',
    "escaped": '{"event":"","user_id":"\\u0072\\u0031"}',
    "broken": '{"event": "x", "user_id": "r1"',
    "other": '{"event":"","user_id":"r11"}',
    "word": '{"event":"r1x r1-b","user_id":"z"}',
}


def test_rejected_payloads_that_hold_a_person_are_gone(engine: Stored, catalog_url: str) -> None:
    project = uuid.uuid4()
    base = {"project_id": str(project), "received_at": "2026-03-31 12:00:00.000000", "reason": "x", "detail": ""}
    rows = [
        {**base, "batch_id": str(uuid.uuid4()), "position": n, "raw": raw, "event": name}
        for n, (name, raw) in enumerate(REFUSED.items())
    ]
    rows.append({**rows[0], "position": 99, "raw": "eyJ1c2VyX2lkIjoicjEifQ==", "raw_encoding": "base64"})
    engine.insert("rejected_events", rows)
    engine.insert("rejected_events", [{**rows[1], "project_id": str(uuid.uuid4())}])

    async def go() -> dict[str, Any]:
        async with erasures(engine, catalog_url, project) as made:
            return await made.run(user_ids=["r1", "77"])

    result = asyncio.run(go())
    assert (result["rejected"], result["rejected_left"]) == (6, 0)
    sql = "SELECT event FROM rejected_events WHERE project_id = {p:UUID} ORDER BY event"
    left = engine.run(engine.warehouse.query(sql, {"p": str(project)})).rows
    assert left == [("other",), ("word",)]


def test_what_is_written_while_an_erasure_settles_goes_too(engine: Stored, catalog_url: str) -> None:
    project = uuid.uuid4()
    engine.put(batch(project, *of("u", 3)))

    async def go() -> dict[str, Any]:
        async with erasures(engine, catalog_url, project, settle=2.0) as made:
            job = await made.start(user_id="u")
            working = asyncio.create_task(made.deliver())
            for _ in range(40):
                if not await asyncio.to_thread(users, engine, project):
                    break
                await asyncio.sleep(0.04)
            await asyncio.to_thread(engine.put, batch(project, *of("u", 5)))
            await working
            return await made.finished(job)

    result = asyncio.run(go())
    assert (result["found"]["events"], result["passes"]) == (8, 2)
    assert users(engine, project) == {}


def test_an_erasure_may_wait_for_more_events_of_its_own_than_it_has_attempts(engine: Stored, catalog_url: str) -> None:
    async def go() -> Job | None:
        async with erasures(engine, catalog_url, settle=4.0, slice_seconds=0.1) as made:
            job = await made.start(user_id="u")
            await made.deliver()
            await made.finished(job)
            return await made.jobs.find(job.id)

    job = asyncio.run(go())
    assert job is not None
    assert job.step + 1 > MOST_ATTEMPTS


def test_who_was_erased_and_comes_again_is_erased_again_until_readmitted(engine: Stored, catalog_url: str) -> None:
    project = uuid.uuid4()
    engine.put(batch(project, *of("u", 3), row("e", HOUR, anonymous_id="d")))

    async def go() -> None:
        async with erasures(engine, catalog_url, project) as made:
            made.watch._clock = engine.clock
            await made.run(user_ids=["u"], anonymous_ids=["d"])
            with psycopg.connect(catalog_url) as connection:  # the clock of the stored batches is another one
                connection.execute("UPDATE erased_people SET erased_at = '2026-03-30'")
                connection.execute("DELETE FROM erasure_looks")
            assert await made.watch.look() == 0
            late = [*of("u", 2), *of("stays", 2), row("e", HOUR, user_id="w", anonymous_id="d")]
            engine.clock.advance(60)
            await asyncio.to_thread(engine.put, batch(project, *late))
            assert await made.watch.look() == 2
            await made.deliver()
            assert [told["events"] for told in made.told] == [4, 3]
            assert await asyncio.to_thread(users, engine, project) == {"u:stays": 2}

    asyncio.run(go())


def test_only_hashes_remain_of_whom_a_finished_erasure_was_about(engine: Stored, catalog_url: str) -> None:
    async def go() -> None:
        async with erasures(engine, catalog_url) as made:
            await made.run(user_id="very-secret-name")
            cancelled = await made.start(user_id="very-secret-name")
            assert await made.jobs.cancel(cancelled.id, made.project)
            await made.deliver()

    asyncio.run(go())
    with psycopg.connect(catalog_url) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchall()
        for (table,) in tables:
            text = connection.execute(f"SELECT t::text FROM {table} t".encode()).fetchall()
            assert "very-secret-name" not in str(text), table
        assert connection.execute("SELECT count(*) FROM erased_people").fetchone() == (1,)


def test_exports_made_earlier_of_the_same_days_are_withdrawn(engine: Stored, catalog_url: str) -> None:
    project = uuid.uuid4()
    engine.put(batch(project, *of("u", 3)))

    async def go() -> None:
        async with erasures(engine, catalog_url, project) as made:
            ids = []
            for start, end, rows in (
                ("2026-03-01", "2026-04-01", 7),
                ("2025-01-01", "2025-02-01", 7),
                ("2026-03-02", "2026-04-02", 0),
            ):
                asked = ExportRequest(start=start, end=end).settled(NOW)
                job, _ = await made.exports.create(project, start, msgspec.json.encode(asked))
                lease = uuid.uuid4()
                assert await made.exports.claim(job.id, 0, lease)
                prefix = f"projects/{project}/exports/{job.id}/"
                made.objects.put(prefix + "part-00000.ndjson", b"u")
                made.objects.put(prefix + "manifest.json", b"{}")
                result = {"rows": rows, "files": [{}], "prefix": prefix, "manifest": "manifest.json"}
                await made.exports.finish(job, lease, "completed", result=json.dumps(result).encode())
                ids.append(job.id)
            certificate = (await made.run(user_id="u"))["certificate"]
            [gone] = certificate["withdrawn"]
            assert (gone["id"], gone["rows"], gone["files"]) == (str(ids[0]), 7, 1)
            kept_now = {one.key.split("/")[3] for one in made.objects.list("projects/")}
            assert kept_now == {str(ids[1]), str(ids[2])}
            withdrawn = await made.exports.find(ids[0])
            assert withdrawn is not None
            assert withdrawn.expired_at is not None
            assert (await made.run(user_id="unknown"))["certificate"]["withdrawn"] == []

    asyncio.run(go())


@pytest.mark.parametrize("seed", range(3))
def test_an_erasure_whose_workers_are_killed_leaves_nobody(engine: Stored, catalog_url: str, seed: int) -> None:
    """Kill -9 at a moment of its own each time, before, between and after the steps."""
    project = uuid.uuid4()
    for _ in range(3):
        engine.put(batch(project, *[one for n in range(40) for one in of(f"gone{n}", 30)], *of("stays", 30)))
    before = version(engine, project)

    async def start() -> Job:
        async with erasures(engine, catalog_url, project) as made:
            return await made.start(user_ids=[f"gone{n}" for n in range(40)])

    job = asyncio.run(start())
    argv = [sys.executable, "-m", "tests.integration.erasure_worker", catalog_url]
    argv += [engine.warehouse._url.geturl(), str(job.id), "0.5"]
    for number in range(4):
        worker = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE)
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"begins\n"
        time.sleep(0.02 + 0.13 * number + 0.04 * seed)
        worker.kill()
        worker.communicate()
    subprocess.run(argv, cwd=ROOT, check=True, timeout=60, stdout=subprocess.DEVNULL)

    async def finish() -> dict[str, Any]:
        async with erasures(engine, catalog_url, project) as made:
            return await made.finished(job)

    result = asyncio.run(finish())
    assert result["left"] == {"events": 0, "rows": 0}
    assert result["found"]["events"] == 40 * 30 * 3
    assert users(engine, project) == users(engine, project, "") == {"u:stays": 90}
    after = version(engine, project)
    assert all(after[hour] > before[hour] for hour in before)


def test_an_erased_person_has_no_links_no_profile_no_merges_and_is_in_no_segment(
    engine: Stored, catalog_url: str
) -> None:
    project = uuid.uuid4()
    says = [
        row("identify", HOUR, {"email": "gone@example.com"}, user_id="gone", anonymous_id="phone"),
        row("identify", HOUR, {"email": "stays@example.com"}, user_id="stays", anonymous_id="tablet"),
        row("alias", HOUR, {"previous_id": "gone"}, user_id="stays"),
    ]
    engine.put(batch(project, *says), batch(project, *says[:1]))
    merge = {"project_id": str(project), "merged_at": "2026-03-31 12:00:00.000000", "version": 1}
    made = [{**merge, "merge_id": "1", "from_key": "u:gone", "to_key": "u:stays"}]
    made += [{**merge, "merge_id": "2", "from_key": "u:other", "to_key": "u:stays"}]
    engine.insert("identity_merges", made)
    listed = {"project_id": str(project), "segment_id": str(uuid.UUID(int=1))}
    for who in ("u:gone", "u:stays"):
        engine.insert("segment_lists", [{**listed, "version": 1, "user_key": who}])
        engine.insert("segment_members", [{**listed, "generation": 1, "person": who}])
        kept = {"project_id": str(project), "day": "2026-03-31", "generation": 1, "user_key": who, "events": 1}
        engine.insert("user_sessions", [kept])

    def left(sql: str) -> list[Any]:
        where = "WHERE project_id = {p:UUID}"
        return engine.run(engine.warehouse.query(sql.replace("WHERE", where), {"p": str(project)})).rows

    before = left("SELECT sum(links) FROM identity_changes WHERE")

    async def go() -> None:
        async with erasures(engine, catalog_url, project) as erasing:
            await erasing.run(user_id="gone", linked=False)

    asyncio.run(go())
    assert left("SELECT user_key, event FROM identity_events WHERE") == [("u:stays", "identify")]
    assert left("SELECT merge_id FROM identity_merges WHERE") == [("2",)]
    assert left("SELECT user_key FROM segment_lists WHERE") == [("u:stays",)]
    assert left("SELECT person FROM segment_members WHERE") == [("u:stays",)]
    assert left("SELECT user_key FROM user_sessions WHERE") == [("u:stays",)]
    assert left("SELECT sum(links) FROM identity_changes WHERE") > before


def test_copies_elsewhere_lose_the_person_and_keep_the_others(engine: Stored, catalog_url: str) -> None:
    """Dead letters, the log of deliveries and runs of reports."""
    project, webhook = uuid.uuid4(), uuid.uuid4()
    engine.put(batch(project, *of("gone", 2)))
    letter = batch(project, row("e", HOUR, user_id="gone"), row("e", HOUR, user_id="stays"))
    make_project(catalog_url, project)
    with psycopg.connect(catalog_url) as connection:
        connection.execute(
            "INSERT INTO dead_letters VALUES (%s, 't', 's', 'd', 400, 'r', '', 0, now(), %s, %s, %s)",
            [uuid.uuid4(), json.dumps(letter.attributes), letter.data, letter.size],
        )
        connection.execute(
            "INSERT INTO webhooks (id, project_id, url, types, secret)"
            " VALUES (%s, %s, 'https://x', '{event.matched}', 's')",
            [webhook, project],
        )
        for name, state in (("gone", "delivered"), ("gone", "queued"), ("stays", "queued")):
            connection.execute(
                "INSERT INTO deliveries (id, project_id, webhook_id, key, event_type, content, state)"
                " VALUES (%s, %s, %s, 'k', 'event.matched', %s, %s)",
                [uuid.uuid4(), project, webhook, json.dumps({"data": {"user_id": name, "n": 1}}), state],
            )
        report = uuid.uuid4()
        connection.execute(
            "INSERT INTO reports (id, project_id, name, asked) VALUES (%s, %s, 'r', '{}')", [report, project]
        )
        for name in ("gone", "stays"):
            connection.execute(
                "INSERT INTO report_runs (id, report_id, project_id, due_at, trigger, state, asked, numbers)"
                " VALUES (%s, %s, %s, now(), 'request', 'completed', '{}', %s)",
                [uuid.uuid4(), report, project, json.dumps({"rows": [{"name": name, "count": 1}]})],
            )

    async def go() -> Any:
        async with erasures(engine, catalog_url, project) as made:
            return (await made.run(user_id="gone"))["certificate"]

    certificate = asyncio.run(go())
    stores = {one["store"]: one["erased"] for one in certificate["stores"]}
    assert (stores["dead_letters"], stores["deliveries"], stores["report_runs"]) == (1, 2, 1)
    assert certificate["delivered"] == [{"kind": "webhook", "webhook_id": str(webhook), "messages": 1}]
    with psycopg.connect(catalog_url) as connection:

        def asked(sql: str) -> list[Any]:
            return connection.execute(sql.encode(), [project]).fetchall()

        [(data,)] = asked("SELECT data FROM dead_letters WHERE attributes::jsonb ->> 'project' = %s::text")
        states = asked("SELECT state, content LIKE '%%stays%%' FROM deliveries WHERE project_id = %s ORDER BY 1, 2")
        [(numbers,)] = asked("SELECT numbers FROM report_runs WHERE project_id = %s")
    lines = bytes(data).splitlines()
    assert lines[0] == b'{"erased":true}'
    assert json.loads(lines[1])["user_id"] == "stays"
    assert states == [("delivered", False), ("failed", False), ("queued", True)]
    assert "stays" in numbers


def test_a_storage_that_does_not_let_us_in_holds_the_erasure_and_nothing_is_lost(
    engine: Stored, catalog_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = uuid.uuid4()
    engine.put(batch(project, *of("u", 3)))

    async def go() -> None:
        async with erasures(engine, catalog_url, project) as made:
            asked = ExportRequest(start="2026-03-01", end="2026-04-01").settled(NOW)
            export, _ = await made.exports.create(project, "k", msgspec.json.encode(asked))
            lease = uuid.uuid4()
            assert await made.exports.claim(export.id, 0, lease)
            prefix = f"projects/{project}/exports/{export.id}/"
            made.objects.put(prefix + "part-00000.ndjson", b"u")
            result = {"rows": 3, "files": [{}], "prefix": prefix, "manifest": "manifest.json"}
            await made.exports.finish(export, lease, "completed", result=json.dumps(result).encode())
            job = await made.start(user_id="u")
            with monkeypatch.context() as patched:
                patched.setattr(FolderObjects, "delete", denied)
                with pytest.raises(UnavailableError, match="let us in"):
                    await made.deliver()
            found = await made.jobs.find(job.id)
            assert found is not None
            assert (found.state, "let us in" in (found.error_detail or "")) == ("running", True)
            await made.jobs.request(found)
            await made.deliver()
            assert [one["id"] for one in (await made.finished(job))["certificate"]["withdrawn"]] == [str(export.id)]
            assert list(made.objects.list("projects/")) == []

    asyncio.run(go())


def denied(_: FolderObjects, key: str) -> None:
    raise ObjectsRefusedError(f"{key} is not ours")
