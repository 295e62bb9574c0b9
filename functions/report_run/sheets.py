"""Reports for programs: CSV and XLSX."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from functions.report_run.results import Cell, ReportResult, ReportSection

# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NO_SHEET_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f']")
_SHEET_NAME = 31
_WIDE, _NARROW = 32, 14


def to_csv(result: ReportResult) -> bytes:
    """Every table of a report: of one the table alone, of several each below its title, an empty line between.

    UTF-8 with a byte order mark, which spreadsheets need to see Cyrillic; texts that look like formulas are quoted.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    tables = [section for section in result.sections if section.columns]
    for order, section in enumerate(tables):
        if len(tables) > 1:
            if order:
                writer.writerow([])
            writer.writerow([_plain(section.title or section.id)])
        writer.writerow([_plain(column.label) for column in section.columns])
        writer.writerows([[_plain(cell) for cell in row] for row in section.rows])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _plain(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def to_xlsx(result: ReportResult) -> bytes:
    """A workbook with a sheet for each table; numbers are numbers, shares have the format of percents."""
    from xlsxwriter import Workbook  # type: ignore[import-untyped]  # it brings no types

    out = io.BytesIO()
    sections = [section for section in result.sections if section.columns]
    with Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        made = datetime.fromisoformat(result.due_at).replace(tzinfo=None)
        book.set_properties({"title": result.name, "subject": result.days, "created": made})
        for name, section in _sheet_names(sections or [ReportSection(id="report", kind="text", title=result.name)]):
            _write_sheet(book, name, section)
    return out.getvalue()


def _write_sheet(book: Any, name: str, section: ReportSection) -> None:
    sheet = book.add_worksheet(name)
    heads = book.add_format({"bold": True, "bottom": 1, "bottom_color": "#c3cfcf"})
    shares = {
        "share": book.add_format({"num_format": "0.0%"}),
        "change": book.add_format({"num_format": "+0.0%;-0.0%;0.0%"}),
    }
    whole, parts = (book.add_format({"num_format": shown}) for shown in ("#,##0", "#,##0.00"))
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, [column.label for column in section.columns], heads)
    for at, column in enumerate(section.columns):
        sheet.set_column(at, at, _WIDE if column.kind == "text" else _NARROW)
        for row, cells in enumerate(section.rows, 1):
            cell = cells[at]
            if isinstance(cell, str):
                sheet.write_string(row, at, cell)
            elif cell is not None:
                shown = shares.get(column.kind) or (whole if cell == int(cell) else parts)
                sheet.write_number(row, at, cell, shown)


def _sheet_names(sections: Sequence[ReportSection]) -> list[tuple[str, ReportSection]]:
    """Each section with a name that a workbook takes: short, without its signs, and only once."""
    found: dict[str, ReportSection] = {}
    for section in sections:
        name = _NO_SHEET_NAME.sub(" ", section.title or section.id).strip()[:_SHEET_NAME] or section.id[:_SHEET_NAME]
        known = {one.casefold() for one in found}
        number = 2
        unique = name
        while unique.casefold() in known:
            end = f" {number}"
            unique, number = name[: _SHEET_NAME - len(end)] + end, number + 1
        found[unique] = section
    return list(found.items())
