"""What reports are made of: placeholders, days, and the same bytes for the same report in every format."""

import io
import zipfile
from datetime import UTC, datetime

import msgspec
import pytest

from functions.report_run.asked import BUILT_INS, ReportRequest
from functions.report_run.builtins import listing
from functions.report_run.draw import Wanted, made
from functions.report_run.parts import check_texts, filled
from functions.report_run.results import (
    ReportColumn,
    ReportLine,
    ReportNumber,
    ReportProblem,
    ReportResult,
    ReportSection,
)
from functions.report_run.sections import Shown, Tabled, bars, figures, over_time, text_section
from functions.report_run.telling import file_name
from shared.refusals import Rejected
from shared.saved_queries import Widget

DAYS = [f"2026-03-{day:02}" for day in range(1, 32)]


def result(language: str = "ru") -> ReportResult:
    def shown(name: str, title: str = "") -> Shown:
        return Shown(name, title, "", "ru" if language == "ru" else "en")

    columns = [ReportColumn("Шаг", "text"), ReportColumn("Люди"), ReportColumn("Доля", "share")]
    sections = [
        text_section(Shown("intro", "Привет <b>", "Стоит $5 и $7", "ru")),
        figures(shown("n"), [ReportNumber("Выручка", 45_678.9, 50_000.0, -0.0864)], {}),
        over_time(shown("line", "По дням"), DAYS, [ReportLine("Люди", list(range(31)))], {}, "area"),
        bars(shown("bars", "=Воронка"), Tabled("funnel", columns, [["=1+1", 4, 1.0], ["два", 1, 0.25]]), {}),
        ReportSection(id="gone", kind="text", title="Нет", problem=ReportProblem("gone", "удалён")),
    ]
    return ReportResult(
        name="Отчёт",
        project="Магазин",
        report="custom",
        language="ru" if language == "ru" else "en",
        days="март",
        range={"from": "2026-03-01", "to": "2026-03-31", "timezone": "Europe/Berlin"},
        due_at="2026-04-01T06:00:00+00:00",
        sections=sections,
    )


def test_the_same_report_gives_the_same_bytes_and_each_format_its_content() -> None:
    wanted = Wanted(result(), ["html", "pdf", "csv", "xlsx", "json"], charts=True)
    files = made(wanted)
    assert files == made(wanted)
    assert set(files) == {
        *(f"report.{one}" for one in wanted.formats),
        *(f"chart-{one}.png" for one in ("line", "bars")),
    }
    page = files["report.html"].decode()
    assert "Привет &lt;b&gt;" in page
    assert "45\u00a0678,9" in page
    assert page.count("data:image/svg+xml;base64,") == 2
    assert "http" not in page.partition("</style>")[2]  # nothing is fetched
    assert files["chart-line.png"].startswith(b"\x89PNG")
    assert b"/FontFile2" in files["report.pdf"]  # the letters are in it
    assert msgspec.json.decode(files["report.json"], type=ReportResult) == wanted.result
    sheet = files["report.csv"].decode("utf-8-sig").split("\r\n")
    assert "'=1+1,4,1.0" in sheet  # no spreadsheet takes it for a formula
    with zipfile.ZipFile(io.BytesIO(files["report.xlsx"])) as book:
        sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
        assert len(sheets) == 3
        assert all(b"<f>" not in book.read(name) for name in sheets)


def test_texts_are_filled_with_what_there_is_and_refused_beforehand() -> None:
    values = {"name": "N", "from": "1", "to": "2", "project": "P"}
    assert filled("{{ name }} {{from}}-{{ to }} { {x} }", values) == "N 1-2 { {x} }"
    check_texts([Widget(id="a", text="{{ project }} {single}")])
    for text in ("{{ who }}", "{{ name", "}}", "{{ na me }}"):
        with pytest.raises(Rejected, match="the part a"):
            check_texts([Widget(id="a", title=text)])


def test_days_are_whole_ones_before_it_comes_also_where_the_clocks_change() -> None:
    due = datetime(2026, 3, 30, 6, tzinfo=UTC)
    berlin = ReportRequest(name="r", report="dau", last="2d", timezone="Europe/Berlin")
    assert berlin.range_of(due) == {"from": "2026-03-28", "to": "2026-03-29", "timezone": "Europe/Berlin"}
    assert (berlin.period(due).end - berlin.period(due).start).total_seconds() == 47 * 3_600
    assert berlin.range_of(due, "1w")["from"] == "2026-03-23"
    assert berlin.range_of(due, "24h")["from"] == berlin.range_of(due, "1h")["from"] == "2026-03-29"


def test_every_built_in_report_has_its_words_in_both_languages() -> None:
    assert [one.slug for one in listing("ru")] == list(BUILT_INS)
    for english, russian in zip(listing("en"), listing("ru"), strict=True):
        assert english.title != russian.title
        assert english.description != russian.description


@pytest.mark.parametrize(
    ("name", "called"),
    [("Отчёт: май/июнь", "Отчёт-май-июнь-2026-05-01"), ("../..", "report-2026-05-01")],
)
def test_a_file_is_called_as_its_report_without_what_file_systems_refuse(name: str, called: str) -> None:
    assert file_name(name, "2026-05-01") == called
