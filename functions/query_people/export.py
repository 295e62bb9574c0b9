"""People as CSV."""

import csv
import io
import re

import msgspec

from functions.query_people.logic import Table

# What a spreadsheet would take for a formula at the begin of a cell (OWASP: CSV injection).
_FORMULA = re.compile(r"^[=+\-@\t\r\n]")


def csv_of(table: Table) -> bytes:
    """A header and a row a person, by RFC 4180; texts that look like formulas get a `'` before them."""
    output = io.StringIO()
    writer = csv.writer(output)
    writer.writerow(
        [
            "person",
            "first_seen",
            "last_seen",
            "events",
            "revenue",
            *(_safe(f"profile.{name}") for name in table.columns),
        ]
    )
    for one in table.people:
        cells = [_cell(one.profile[name]) for name in table.columns]
        writer.writerow([_safe(one.person), one.first_seen, one.last_seen, one.events, one.revenue, *cells])
    return output.getvalue().encode()


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, str):
        return _safe(value)
    return msgspec.json.encode(value).decode()


def _safe(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text
