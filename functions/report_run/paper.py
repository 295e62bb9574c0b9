"""A report as PDF, A4, with the font of its charts embedded: the same report gives the same bytes."""

import io
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from functions.report_run.page import Figure, figures, is_tabled, left_out, table
from functions.report_run.results import ReportResult, ReportSection
from functions.report_run.words import say
from shared.notifications import Language

if TYPE_CHECKING:
    from fpdf import FPDF

_FONT = "DejaVu"
_TEXT, _MUTED, _LINE, _WARN = (16, 32, 31), (86, 103, 102), (223, 230, 230), (138, 83, 0)
_UP, _DOWN = (11, 122, 75), (180, 35, 53)
_MARGIN, _GAP = 18.0, 6.0
_FIGURES_A_ROW = 3
_FIGURE_HEIGHT = 18.0
_MOST_ROWS = 100
_WIDE_TABLE = 8


def to_pdf(result: ReportResult, pictures: Mapping[str, bytes]) -> bytes:
    """The document; `pictures` are the charts as PNG by the ids of their sections."""
    pdf = _opened(result)
    pdf.set_font(_FONT, "B", 20)
    pdf.multi_cell(0, 9, result.name, new_x="LMARGIN", new_y="NEXT", align="L")
    _say(pdf, f"{result.days} · {result.project} · {result.range['timezone']}", 9.5, _MUTED)
    for section in result.sections:
        pdf.ln(_GAP)
        _section(pdf, section, result.language, pictures.get(section.id, b""))
    return bytes(pdf.output())


def _opened(result: ReportResult) -> "FPDF":
    from fpdf import FPDF

    class Paper(FPDF):
        def footer(self) -> None:
            self.set_y(-12)
            self.set_font(_FONT, "", 8)
            self.set_text_color(*_MUTED)
            self.cell(0, 5, say(result.language, "made"), align="L")
            self.set_x(self.l_margin)
            self.cell(0, 5, f"{self.page_no()} / {{nb}}", align="R")

    pdf = Paper(format="A4")
    folder = _fonts()
    pdf.add_font(_FONT, "", folder / "DejaVuSans.ttf")
    pdf.add_font(_FONT, "B", folder / "DejaVuSans-Bold.ttf")
    pdf.set_margins(_MARGIN, _MARGIN, _MARGIN)
    pdf.set_auto_page_break(auto=True, margin=_MARGIN)
    pdf.set_creation_date(datetime.fromisoformat(result.due_at))
    pdf.set_title(result.name)
    pdf.set_lang(result.language)
    pdf.set_creator("Sluice")
    pdf.add_page()
    return pdf


def _fonts() -> Path:
    """DejaVu Sans as matplotlib brings it, with its licence: free to embed, Latin, Cyrillic and Greek."""
    import matplotlib as mpl

    return Path(mpl.get_data_path()) / "fonts" / "ttf"


def _section(pdf: "FPDF", section: ReportSection, language: Language, picture: bytes) -> None:
    if section.title:
        if pdf.will_page_break(24):
            pdf.add_page()
        pdf.set_font(_FONT, "B", 12.5)
        pdf.set_text_color(*_TEXT)
        pdf.multi_cell(0, 6.5, section.title, new_x="LMARGIN", new_y="NEXT", align="L")
        pdf.ln(1)
    if section.text:
        _say(pdf, section.text, 10, _TEXT)
    if section.problem is not None:
        _say(pdf, f"{say(language, 'failed')}: {section.problem.detail}", 9.5, _WARN)
    if numbers := figures(section, language):
        _figures(pdf, numbers)
    if picture:
        _picture(pdf, picture)
    if is_tabled(section):
        _table(pdf, section, language)
    for note in (left_out(section, language, _MOST_ROWS), section.note):
        if note:
            _say(pdf, note, 8.5, _MUTED)


def _say(pdf: "FPDF", text: str, size: float, colour: tuple[int, int, int]) -> None:
    pdf.set_font(_FONT, "", size)
    pdf.set_text_color(*colour)
    pdf.multi_cell(0, size * 0.5, text, new_x="LMARGIN", new_y="NEXT", align="L")


def _figures(pdf: "FPDF", numbers: list[Figure]) -> None:
    width = pdf.epw / _FIGURES_A_ROW
    for begin in range(0, len(numbers), _FIGURES_A_ROW):
        if pdf.will_page_break(_FIGURE_HEIGHT):
            pdf.add_page()
        top = pdf.get_y()
        for at, one in enumerate(numbers[begin : begin + _FIGURES_A_ROW]):
            _one_figure(pdf, one, pdf.l_margin + at * width, top, width)
        pdf.set_xy(pdf.l_margin, top + _FIGURE_HEIGHT)


def _one_figure(pdf: "FPDF", one: Figure, left: float, top: float, width: float) -> None:
    lines = [
        (one.label, 8.5, "", _MUTED, 4.5),
        (one.value, 16, "B", _TEXT, 7.5),
        (f"{one.change} {one.compared}" if one.change else "", 8, "", _UP if one.direction == "up" else _DOWN, 4.5),
    ]
    pdf.set_xy(left, top)
    for text, size, style, colour, height in lines:
        pdf.set_font(_FONT, style, size)
        pdf.set_text_color(*colour)
        pdf.set_x(left)
        pdf.cell(width, height, text, new_x="LEFT", new_y="NEXT")


def _picture(pdf: "FPDF", picture: bytes) -> None:
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as found:
        height = pdf.epw * found.height / found.width
    if pdf.will_page_break(height):
        pdf.add_page()
    pdf.image(io.BytesIO(picture), w=pdf.epw)
    pdf.ln(2)


def _table(pdf: "FPDF", section: ReportSection, language: Language) -> None:
    from fpdf.fonts import FontFace

    many = len(section.columns) > _WIDE_TABLE
    pdf.set_font(_FONT, "", 6.5 if many else 8.5)
    pdf.set_text_color(*_TEXT)
    pdf.set_draw_color(*_LINE)
    widths = [_width(column.kind, first=not at, many=many) for at, column in enumerate(section.columns)]
    aligns = ["LEFT" if column.kind in {"text", "date"} else "RIGHT" for column in section.columns]
    with pdf.table(
        borders_layout="HORIZONTAL_LINES",
        col_widths=widths,
        text_align=tuple(aligns),
        line_height=4.2 if many else 5.2,
        headings_style=FontFace(emphasis="BOLD", color=_MUTED),
    ) as shown:
        shown.row([column.label for column in section.columns])
        for cells in table(section, language, _MOST_ROWS):
            row = shown.row()
            for one in cells:
                row.cell(one.text, style=FontFace(fill_color=one.colour) if one.colour else None)


def _width(kind: str, *, first: bool, many: bool) -> int:
    if kind == "text":
        return 40
    return 18 if many and first else 12 if not many else 10
