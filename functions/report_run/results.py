"""What a report says, in one shape whatever was asked: sections of numbers, lines and tables, in its language.

Every format is made from this and from nothing else, so that they say the same.
"""

from typing import Literal, get_args

import msgspec

from shared.notifications import Language

Format = Literal["html", "pdf", "csv", "xlsx", "json"]
FORMATS: tuple[Format, ...] = get_args(Format)
Cell = str | int | float | None
SectionKind = Literal["text", "number", "series", "breakdown", "table", "funnel", "retention"]
ColumnKind = Literal["text", "number", "share", "change", "date"]
Chart = Literal["", "line", "area", "bar", "bars", "heat"]


class ReportNumber(msgspec.Struct, frozen=True):
    """One figure, and how it compares: `change` is a part of what it was, null where there was nothing."""

    label: str
    value: int | float | None
    before: int | float | None = None
    change: float | None = None
    kind: Literal["number", "share"] = "number"
    compared: str = ""


class ReportLine(msgspec.Struct, frozen=True):
    """A series: a value for each label of the section; `other` is all groups that have no line of their own.

    `total` is the measure over all of it, which need not be the sum; null where there is none to speak of.
    """

    name: str
    values: list[int | float | None]
    other: bool = False
    total: int | float | None = None


class ReportColumn(msgspec.Struct, frozen=True):
    """A column of a section's table."""

    label: str
    kind: ColumnKind = "number"


class ReportProblem(msgspec.Struct, frozen=True):
    """Why a section has nothing to show; `code` as in every refusal."""

    code: str
    detail: str


class ReportSection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of a report.

    `columns` and `rows` say all that its chart draws; with `others` the last row is all that have none of their own.
    `labels` are what the lines' values belong to. A section with a `problem` has nothing else.
    """

    id: str
    kind: SectionKind
    title: str = ""
    text: str = ""
    range: dict[str, str] = {}
    numbers: list[ReportNumber] = []
    labels: list[str] = []
    lines: list[ReportLine] = []
    columns: list[ReportColumn] = []
    others: bool = False
    rows: list[list[Cell]] = []
    chart: Chart = ""
    note: str = ""
    problem: ReportProblem | None = None


class ReportResult(msgspec.Struct, frozen=True, kw_only=True):
    """A report that was run: its name, its days in words, and its sections."""

    name: str
    project: str
    report: str
    language: Language
    days: str
    range: dict[str, str]
    due_at: str
    sections: list[ReportSection]

    @property
    def problem(self) -> ReportProblem | None:
        """What is wrong with all of it: the first problem, where no section but texts has an answer."""
        asked = [section for section in self.sections if section.kind != "text" or section.problem]
        problems = [section.problem for section in asked if section.problem is not None]
        return problems[0] if problems and len(problems) == len(asked) else None


def change(now: float | None, before: float | None) -> float | None:
    """How much more or less it is, as a part of what it was; None where it was nothing."""
    return (now - before) / before if now is not None and before else None
