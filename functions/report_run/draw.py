"""A process of its own that makes the files of one report: what draws them is heavy, and must not stay.

`python -m functions.report_run.draw FOLDER` reads what is wanted from its input, writes the files into the folder, and
ends. It asks nobody.
"""

import sys
from pathlib import Path

import msgspec

from functions.report_run.charts import draw, is_drawn
from functions.report_run.page import to_html
from functions.report_run.paper import to_pdf
from functions.report_run.results import Format, ReportResult
from functions.report_run.sheets import to_csv, to_xlsx


class Wanted(msgspec.Struct, frozen=True):
    """A report and the formats it is wanted in; `charts`: and its charts as pictures for a mail."""

    result: ReportResult
    formats: list[Format]
    charts: bool = False


def picture_name(section: str) -> str:
    """The file of a section's chart."""
    return f"chart-{section}.png"


def made(wanted: Wanted) -> dict[str, bytes]:
    """The files by name."""
    result, formats = wanted.result, set(wanted.formats)
    drawn = [section for section in result.sections if is_drawn(section)]
    files: dict[str, bytes] = {}
    if wanted.charts or "pdf" in formats:
        pictures = {section.id: draw(section, result.language, "png") for section in drawn}
        if wanted.charts:
            files |= {picture_name(name): picture for name, picture in pictures.items()}
        if "pdf" in formats:
            files["report.pdf"] = to_pdf(result, pictures)
    if "html" in formats:
        vectors = {section.id: draw(section, result.language, "svg") for section in drawn}
        files["report.html"] = to_html(result, vectors)
    if "csv" in formats:
        files["report.csv"] = to_csv(result)
    if "xlsx" in formats:
        files["report.xlsx"] = to_xlsx(result)
    if "json" in formats:
        files["report.json"] = msgspec.json.encode(result)
    return files


def run() -> None:
    """Make what the input asks for; each file is written whole."""
    wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=Wanted)
    folder = Path(sys.argv[1])
    for name, content in made(wanted).items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    run()
