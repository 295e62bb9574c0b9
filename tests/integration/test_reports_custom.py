"""Custom reports as the function makes, keeps, sends and shares them: catalog, warehouse, queries and mail are real."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from functions.report_run import logic
from functions.report_run.asked import ReportRequest
from functions.report_run.files import Drawer
from functions.report_run.store import Run
from shared.query.request import from_json
from shared.refusals import Refusal, Rejected
from tests.integration.asking import serve_with
from tests.integration.notifying import notifying, until
from tests.integration.reading import NOW, Stored, batch, row, stored
from tests.integration.reporting import InProcess, part
from tests.integration.timed import Timed, at, timed

TEXT = {"id": "intro", "title": "Hello {{ project }}", "text": "From {{ from }} to {{ to }}."}
PARTS = [TEXT, part("timeseries", {}, id="days", title="By day"), part("breakdown", {"by": "event"}, id="top")]


class CrashError(Exception):
    """Stands for a process that dies."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("reports-custom")) as found:
        yield found


@pytest.fixture
def environment(engine: Stored, catalog_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    return serve_with(monkeypatch, engine, catalog_url)


@asynccontextmanager
async def custom(engine: Stored, catalog_url: str, now: Any = NOW) -> AsyncIterator[Timed]:
    """A project with events on two days, whose reports' questions are answered."""
    async with timed(engine, catalog_url, now) as here:
        here.asking = InProcess()
        here.runner, here.reports = here.another_runner()
        for days, names in ((1, ["buy"] * 3 + ["view"]), (2, ["buy"])):
            ago = NOW - NOW.replace(day=NOW.day - days, hour=9)
            rows = [row(name, ago, user_id=f"u{number}") for number, name in enumerate(names)]
            await asyncio.to_thread(engine.put, batch(here.project, *rows))
        try:
            yield here
        finally:
            await here.asking.close()


async def run(here: Timed, **asked: Any) -> Run:
    given = {"report": "custom", "parts": PARTS, "last": "2d", **asked}
    return await here.runner.run(await here.report(**given), uuid.uuid4())


async def test_parts_are_answered_for_the_days_before_it_comes(engine: Stored, environment: str) -> None:
    async with custom(engine, environment) as here:
        found = (await run(here)).found
    assert found is not None
    intro, days, top = found.sections
    assert (intro.title, intro.text) == ("Hello p", "From 2026-03-29 to 2026-03-30.")
    assert days.rows == [["2026-03-29", 1], ["2026-03-30", 4]]
    assert top.rows == [["buy", 4, 0.8], ["view", 1, 0.2]]


async def test_a_definition_that_is_gone_says_so_in_its_place_and_the_rest_stands(
    engine: Stored, environment: str
) -> None:
    gone = {"id": "gone", "title": "Was there", "definition_id": str(uuid.uuid4())}
    async with custom(engine, environment) as here:
        found = (await run(here, parts=[gone, *PARTS], language="ru")).found
        alone = await run(here, parts=[gone])
    assert found is not None
    assert found.sections[0].problem is not None
    assert found.sections[0].problem.code == "gone"
    assert "удалён" in found.sections[0].problem.detail
    assert found.sections[2].rows
    assert (alone.state, alone.error_code, alone.announced) == ("failed", "gone", True)


async def test_a_dashboard_is_a_report_until_it_is_private_or_gone(engine: Stored, environment: str) -> None:
    board, widgets = (
        uuid.uuid4(),
        [*PARTS, part("events", {}, id="who"), part("breakdown", {"by": "user_id"}, id="ids")],
    )
    async with custom(engine, environment) as here:
        with psycopg.connect(environment) as connection:
            values = [board, here.project, json.dumps(widgets)]
            connection.execute(
                "INSERT INTO dashboards (id, project_id, name, access, widgets, layout)"
                " VALUES (%s, %s, 'b', 'organisation', %s, '{}')",
                values,
            )
        asked = {"parts": [], "dashboard_id": str(board)}
        found = (await run(here, **asked)).found
        assert found is not None
        assert [section.id for section in found.sections] == ["intro", "days", "top"]  # totals only
        with psycopg.connect(environment) as connection:
            connection.execute("UPDATE dashboards SET access = 'private'")
        hidden = await run(here, **asked)
    assert (hidden.state, hidden.error_code) == ("failed", "not_found")


@pytest.mark.parametrize("place", ["after_files", "after_kept", "after_asked"])
async def test_who_dies_anywhere_sends_the_same_report_once_later(
    engine: Stored, environment: str, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """At each place the process dies once; the window comes again, and one mail a recipient is what there is."""
    died: list[str] = []

    def reach(name: str) -> None:
        if name == f"report_run.{place}" and not died:
            died.append(name)
            raise CrashError

    monkeypatch.setattr(logic, "reach", reach)
    async with custom(engine, environment, at("2026-03-31 07:50")) as here, notifying(environment) as mails:
        report = await here.report(report="custom", parts=PARTS, last="2d", emails=["a@b.example", "c@d.example"])
        here.clock.advance(900)
        with pytest.raises(CrashError):
            await here.runner.tick()
        other, _ = here.another_runner()
        here.clock.advance(900)
        assert sum(await asyncio.gather(here.runner.tick(), other.tick())) == 1
        kept = await here.reports.runs(report.id, None, 10)
        assert [(one.state, one.announced) for one in kept] == [("completed", True)]
        told = [data for _, data in await here.published()]
        for data in told:  # twice where it died after asking: the same key, so nobody gets it twice
            await mails.tell(**{**data, "project_id": here.project, "files": []})
        await until(lambda: len(mails.mailbox.mails) == 2)
        assert len(told) == (2 if place == "after_asked" else 1)
        assert sorted(mails.mailbox.recipients) == ["a@b.example", "c@d.example"]
        kept_files = {info.key.rpartition("/")[0] for info in here.objects.list("reports/")}
        assert kept[0].files in kept_files
        with psycopg.connect(environment) as connection:  # what the one who died had stored is removed in its time
            connection.execute("UPDATE report_trash SET remove_at = now()")
        await here.runner.tick()
        assert {info.key.rpartition("/")[0] for info in here.objects.list("reports/")} == {kept[0].files}


async def test_the_mail_has_its_charts_within_and_its_files_attached(
    engine: Stored, environment: str, tmp_path: Path
) -> None:
    async with custom(engine, environment) as here, notifying(environment) as mails:
        mails.objects, here.drawer = here.objects, Drawer(tmp_path)
        mails.sender._objects = here.objects
        here.runner, here.reports = here.another_runner()
        made = await run(here, emails=["a@b.example"], attach=["pdf", "csv"], language="ru", name="Отчёт")
        [(_, told)] = await here.published()
        mails.mailbox.answer = "451 later"
        await mails.tell(**{**told, "project_id": here.project})
        await asyncio.sleep(0.02)
        mails.mailbox.answer = "250 kept"  # the server is back, the mail comes
        await until(lambda: mails.mailbox.mails)
        assert await here.runner.file(made, "html") == here.objects.get(f"{made.files}/report.html")
    [mail] = mails.mailbox.mails
    html = mail.get_body(["html"])
    assert html is not None
    text = html.get_content()
    assert mail["Subject"] == "Отчёт: 29.03.2026 \u2013 30.03.2026"
    related = {str(one["Content-ID"]): one.get_content_type() for one in mail.walk() if one["Content-ID"]}
    assert related == {"<days>": "image/png", "<top>": "image/png"}
    assert all(f'src="cid:{cid}"' in text for cid in ("days", "top"))
    attached = {one.get_filename(): one.get_content() for one in mail.iter_attachments() if one.get_filename()}
    assert {str(name).rpartition(".")[2] for name in attached} == {"pdf", "csv"}
    assert attached["Отчёт-2026-03-30.pdf"].startswith(b"%PDF-")
    assert "\r\nbuy,4,0.8\r\n" in attached["Отчёт-2026-03-30.csv"]
    sent = mail.get_body(["plain"])
    assert sent is not None
    assert "From 29.03.2026 to 30.03.2026." in sent.get_content()


async def test_old_runs_go_with_their_files_and_removed_reports_too(engine: Stored, environment: str) -> None:
    async with custom(engine, environment) as here:
        old, kept = await run(here), await run(here)
        with psycopg.connect(environment) as connection:
            connection.execute(
                "UPDATE report_runs SET created_at = now() - interval '366 days' WHERE id = %s", [old.id]
            )
        await here.runner.tick()
        assert await here.reports.run(old.id) is None
        assert {info.key.rpartition("/")[0] for info in here.objects.list("reports/")} == {kept.files}
        await here.reports.remove(kept.report_id, here.project)
        await here.runner.tick()
        assert list(here.objects.list("reports/")) == []


async def test_what_cannot_be_run_is_refused_when_it_is_saved(engine: Stored, environment: str) -> None:
    async with custom(engine, environment) as here:
        wrong: list[tuple[dict[str, Any], Refusal, str]] = [
            ({"parts": [part("breakdown", {"by": "nonsense"}, id="x")]}, Refusal.UNKNOWN_FIELD, "the part x"),
            ({"parts": [{"id": "d", "definition_id": str(uuid.uuid4())}]}, Refusal.NOT_FOUND, "the part d"),
            ({"parts": [{"id": "t", "text": "{{ nobody }}"}]}, Refusal.BAD_REQUEST, "{{ nobody }}"),
            ({"parts": [{"id": "t", "text": "{{ from"}]}, Refusal.BAD_REQUEST, "no placeholder"),
            ({"parts": [part("events", {}, id="x")]}, Refusal.BAD_REQUEST, "name people"),
            ({"parts": [part("breakdown", {"by": "user_id"}, id="x")]}, Refusal.BAD_REQUEST, "names people"),
            ({"parts": []}, Refusal.BAD_REQUEST, "needs one"),
            ({"parts": [{"id": "t"}]}, Refusal.BAD_REQUEST, "empty"),
            ({"last": "soon"}, Refusal.BAD_RANGE, "soon"),
            ({"channels": [str(uuid.uuid4())]}, Refusal.NOT_FOUND, "channel"),
            ({"parts": [], "report": "revenue", "options": {"measure": "sum"}}, Refusal.BAD_MEASURE, "sum"),
            # in the words of the guard
            (
                {"parts": [part("timeseries", {"interval": "minute"}, id="x")], "last": "30d"},
                Refusal.QUERY_TOO_EXPENSIVE,
                "interval",
            ),
        ]
        for more, code, words in wrong:
            with pytest.raises(Rejected) as refused:
                await _saved(here, {"report": "custom", "parts": PARTS, **more})
            assert refused.value.refusal is code, (more, refused.value.detail)
            assert words in refused.value.detail, refused.value.detail


async def _saved(here: Timed, asked: dict[str, Any]) -> None:
    """Check a report as it is checked when it is saved."""
    request = from_json(msgspec.json.encode({"name": "r", **asked}), ReportRequest).checked()
    await here.runner._maker.check(request, here.project, NOW)
