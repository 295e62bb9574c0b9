"""What `--from` names: select lists for the exports of other products, as files in `presets/`.

A file is a select list. Its comment says what it reads, `-- format:` the format where it has only one, and
`-- columns:` the columns it names, which are NULL in a file that lacks them.
"""

from importlib import resources

import msgspec

from shared.importing.formats import Format

NAMES = ("amplitude", "ga4", "mixpanel", "nginx", "plausible", "posthog", "umami")


class Preset(msgspec.Struct, frozen=True):
    """A select list, the only format it is for, and the columns it names with their types."""

    select: str
    format: Format | None
    columns: dict[str, str]


def load_preset(name: str) -> Preset:
    """The preset of that name, one of NAMES."""
    text = resources.files("shared.importing").joinpath("presets", f"{name}.sql").read_text(encoding="utf-8")
    kind, columns = _said(text, "format"), _said(text, "columns")
    return Preset(text, Format(kind) if kind else None, dict(column.split() for column in columns.split(",") if column))


def _said(text: str, what: str) -> str:
    start = f"-- {what}: "
    return next((line.removeprefix(start).strip() for line in text.splitlines() if line.startswith(start)), "")
