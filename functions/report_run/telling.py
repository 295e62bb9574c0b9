"""What a mail, a message and a webhook say of a run."""

from datetime import timedelta
from typing import Any

from functions.report_run.charts import is_drawn
from functions.report_run.draw import picture_name
from functions.report_run.files import CONTENT_TYPES, PNG, file_of
from functions.report_run.numbers import Numbers
from functions.report_run.page import figures, is_tabled, left_out, sentence, table
from functions.report_run.results import ReportResult, ReportSection
from functions.report_run.store import Run
from functions.report_run.words import say
from shared.notifications import File, Language

# A mail is 600 pixels wide, and read on phones.
_MOST_ROWS, _MOST_COLUMNS, _MOST_CHARACTERS = 10, 6, 120


def told(run: Run, public_url: str) -> dict[str, Any]:
    """What the mail shows and webhooks get of a run; {} of one that failed."""
    counted, found = run.counted, run.found
    if counted is None and found is None:
        return {}
    asked = run.request
    last = asked.last_day(run.due_at)
    first = last - timedelta(days=asked.days - 1)
    values: dict[str, Any] = {
        "report_id": str(run.report_id),
        "run_id": str(run.id),
        "report": asked.report,
        "name": asked.name,
        "project": run.project,
        "date": f"{last}" if first == last else f"{first} … {last}",
        "days": asked.days,
        "link": f"{public_url}/app/p/{run.project_id}/reports/{run.report_id}" if public_url else "",
    }
    if counted is not None:
        values |= _counts(counted)
    if found is not None:
        values |= {"period": found.days, "range": found.range, "figures": _figures(found)}
        values["sections"] = [_shown(section, found.language) for section in found.sections]
    return values


def files_of(run: Run) -> list[File]:
    """The charts of a run's mail, and the files it is to be sent with."""
    found, asked = run.found, run.request
    if found is None or run.files is None:
        return []
    charts = [
        File(key=f"{run.files}/{picture_name(one.id)}", name=picture_name(one.id), type=PNG, cid=one.id)
        for one in found.sections
        if is_drawn(one)
    ]
    day = asked.last_day(run.due_at)
    attached = [
        File(
            key=f"{run.files}/{file_of(one)}", name=f"{file_name(asked.name, str(day))}.{one}", type=CONTENT_TYPES[one]
        )
        for one in asked.attach
    ]
    return [*charts, *attached]


def file_name(name: str, day: str) -> str:
    """What a downloaded report is called: its name without what file systems refuse, and its last day."""
    plain = "".join(one if one.isalnum() or one in "-_" else " " for one in name)
    return f"{'-'.join(plain.split())[:80] or 'report'}-{day}"


def _counts(counted: Numbers) -> dict[str, Any]:
    week = counted.week_before
    return {
        "range": counted.range,
        "total": counted.totals.events,
        "users": counted.totals.users,
        "sessions": counted.totals.sessions,
        "change": counted.before.events,
        "users_change": counted.before.users,
        "week_change": week.events if week else None,
        "rows": [{"name": row.name, "count": row.count, "change": row.change} for row in counted.rows],
        "other": counted.other,
    }


def _figures(found: ReportResult) -> list[dict[str, Any]]:
    """The report's numbers, for programs."""
    return [
        {"section": section.id, "label": one.label, "value": one.value, "before": one.before, "change": one.change}
        for section in found.sections
        for one in section.numbers
    ]


def _shown(section: ReportSection, language: Language) -> dict[str, Any]:
    """A section as the mail shows it: texts, a chart by its name, and the first rows."""
    most = _MOST_ROWS
    tabled = is_tabled(section) and section.chart not in {"line", "area", "bar"}
    columns = section.columns[:_MOST_COLUMNS] if tabled else []
    rows = table(section, language, most) if tabled else []
    return {
        "title": section.title,
        "text": section.text,
        "numbers": [one._asdict() for one in figures(section, language)],
        "chart": section.id if is_drawn(section) else "",
        "said": sentence(section, language) if section.rows else "",
        "head": [column.label for column in columns],
        "names": [column.kind in {"text", "date"} for column in columns],
        "wraps": [column.kind == "text" for column in columns],
        "rows": [[cell.text[:_MOST_CHARACTERS] for cell in row[:_MOST_COLUMNS]] for row in rows],
        "more": left_out(section, language, most) if tabled else "",
        "note": section.note,
        "problem": f"{say(language, 'failed')}: {section.problem.detail}" if section.problem else "",
    }
