"""A report as one HTML page that needs nothing else: charts are in it, nothing is run, nothing is fetched."""

import base64
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from functions.report_run.results import ReportColumn, ReportNumber, ReportResult, ReportSection
from functions.report_run.saying import cell, difference, figure
from functions.report_run.words import say
from shared.notifications import Language

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"
# More are for programs: the page says how many there are in the other files.
MOST_ROWS = 200
_MOST_SAID = 3
_WHOLE = 255


class Cells(NamedTuple):
    """A cell of a table: its text, whether it names its row, and the colour of a heat table."""

    text: str
    name: bool
    colour: str


class Figure(NamedTuple):
    """A number in words."""

    label: str
    value: str
    change: str
    direction: str
    compared: str


def to_html(result: ReportResult, pictures: Mapping[str, bytes]) -> bytes:
    """The page; `pictures` are the charts as SVG by the ids of their sections."""
    shown = [_shown(section, result.language, pictures.get(section.id, b"")) for section in result.sections]
    words = {word: say(result.language, word) for word in ("failed", "made")}
    return _environment().get_template("report.html").render(result=result, sections=shown, **words).encode()


def _shown(section: ReportSection, language: Language, picture: bytes) -> dict[str, Any]:
    return {
        "section": section,
        "numbers": figures(section, language),
        "picture": base64.b64encode(picture).decode(),
        "sentence": sentence(section, language),
        "rows": table(section, language, MOST_ROWS) if is_tabled(section) else [],
        "left_out": left_out(section, language, MOST_ROWS),
    }


def is_tabled(section: ReportSection) -> bool:
    """Whether a section's table says more than its figures do."""
    return section.kind != "number" and bool(section.rows)


def figures(section: ReportSection, language: Language) -> list[Figure]:
    """A section's numbers in words."""
    return [_figure(one, language) for one in section.numbers]


def _figure(one: ReportNumber, language: Language) -> Figure:
    direction = "" if not one.change else "up" if one.change > 0 else "down"
    compared = one.compared or say(language, "against_before")
    return Figure(one.label, figure(one, language), difference(one.change, language), direction, compared)


def table(section: ReportSection, language: Language, most: int) -> list[list[Cells]]:
    """A section's rows in words; the newest of a long series, the first of all else."""
    rows = section.rows[-most:] if section.kind == "series" else section.rows[:most]
    return [
        [_cell(value, column, section, language) for value, column in zip(row, section.columns, strict=False)]
        for row in rows
    ]


def left_out(section: ReportSection, language: Language, most: int) -> str:
    """What is said of the rows there is no room for; '' where there is room."""
    more = len(section.rows) - most
    return say(language, "rows_left_out").format(count=more) if more > 0 and is_tabled(section) else ""


def _cell(value: Any, column: ReportColumn, section: ReportSection, language: Language) -> Cells:
    heat = section.chart == "heat" and column.kind == "share" and value is not None
    text = "" if value is None and section.chart == "heat" else cell(value, column, language)
    return Cells(text, column.kind in {"text", "date"}, heat_colour(value) if heat else "")


def heat_colour(value: float) -> str:
    """The app's heat: the more, the darker; any text on it is readable."""
    part = min(max(value, 0.0), 1.0)
    red, green, blue = (round(_WHOLE + (full - _WHOLE) * part) for full in (0x74, 0xBD, 0xB6))
    return f"#{red:02x}{green:02x}{blue:02x}"


def sentence(section: ReportSection, language: Language) -> str:
    """What a chart says, for who cannot see it: its first or its last values."""
    rows = section.rows[-1:] if section.kind == "series" else section.rows[:_MOST_SAID]
    parts: Sequence[str] = [
        " ".join(cell(value, column, language) for value, column in zip(row[:2], section.columns[:2], strict=True))
        for row in rows
    ]
    return f"{section.title or section.columns[-1].label}: {'; '.join(parts)}." if rows else section.title


@functools.cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader

    return Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
