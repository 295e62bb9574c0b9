"""Cells of a CSV that a spreadsheet may open."""

import re

import msgspec

# What a spreadsheet would take for a formula at the begin of a cell (OWASP: CSV injection).
_FORMULA = re.compile(r"^[=+\-@\t\r\n]")


def cell(value: object) -> object:
    """A JSON value as a cell: numbers as they are, null empty, lists and objects as JSON, texts by `safe`."""
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return safe(value if isinstance(value, str) else msgspec.json.encode(value).decode())


def safe(text: str) -> str:
    """A text with a `'` before it where it looks like a formula."""
    return f"'{text}" if _FORMULA.match(text) else text
