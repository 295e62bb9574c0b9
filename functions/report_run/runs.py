"""Runs of a report over HTTP: now, listed, one of them, and its files."""

from functions.report_run.asked import ReportRequest
from functions.report_run.ports import Ports
from functions.report_run.results import FORMATS, Format
from functions.report_run.shapes import REPORTS, RunAnswer, RunProblem, RunsAnswer
from functions.report_run.sharing import file_reply
from functions.report_run.store import Report, Run
from functions.report_run.telling import told
from shared.http import Reply, Request, json_reply
from shared.ids import named, uuid7
from shared.listing import Listed, made_time_cursor, read_id, time_cursor
from shared.query.request import from_address
from shared.refusals import Refusal, Rejected

_MOST_KEY_CHARACTERS = 255


async def run_now(request: Request, ports: Ports, report: Report) -> Reply:
    """Run a report and send it; the same `Idempotency-Key` is the same run."""
    if request.method != "POST":
        raise Rejected(Refusal.METHOD_NOT_ALLOWED, "a report is run with POST")
    key = request.headers.get("idempotency-key", "")
    if len(key) > _MOST_KEY_CHARACTERS or not key.isprintable() or not key.isascii():
        raise Rejected(Refusal.BAD_IDEMPOTENCY_KEY, f"1 to {_MOST_KEY_CHARACTERS} printable ASCII characters")
    run_id = named(report.id, "asked", key) if key else uuid7()
    run = await ports.runner.run(report, run_id)
    reply = json_reply(shown(run, ports), 201)
    reply.headers["location"] = f"{REPORTS}/{report.id}/runs/{run.id}"
    return reply


async def listed(request: Request, ports: Ports, report: Report) -> Reply:
    """A report's runs, the newest first."""
    _only_get(request)
    query = from_address(request.query.decode("latin-1"), Listed)
    rows = await ports.reports.runs(report.id, time_cursor(query.cursor), query.limit + 1)
    page = rows[: query.limit]
    more = made_time_cursor(page[-1].due_at, page[-1].id) if len(rows) > query.limit else None
    return json_reply(RunsAnswer([shown(run, ports) for run in page], more))


async def found(ports: Ports, report: Report, text: str) -> Run:
    """A run of this report; refuses another report's as one that never was (`not_found`)."""
    run = await ports.reports.run(read_id(text, "run"))
    if run is None or run.report_id != report.id:
        raise Rejected(Refusal.NOT_FOUND, f"the report has no run {text[:80]!r}")
    return run


def one(request: Request, ports: Ports, run: Run) -> Reply:
    """One run."""
    _only_get(request)
    return json_reply(shown(run, ports))


async def file(request: Request, ports: Ports, run: Run, wanted: str) -> Reply:
    """A run in a format; refuses what is none (`not_found`), naming those there are."""
    _only_get(request)
    if wanted not in FORMATS:
        raise Rejected(Refusal.NOT_FOUND, f"there is no format {wanted[:20]!r}; there are {', '.join(FORMATS)}")
    chosen: Format = next(one for one in FORMATS if one == wanted)
    return await file_reply(ports, run, chosen)


def shown(run: Run, ports: Ports) -> RunAnswer:
    """A run as it is answered."""
    asked: ReportRequest = run.request
    return RunAnswer(
        id=run.id,
        report_id=run.report_id,
        due_at=run.due_at,
        trigger=run.trigger,
        state=run.state,
        sent=run.announced and run.state == "completed",
        report=asked,
        numbers=run.counted,
        values=told(run, ports.public_url),
        files=list(FORMATS) if run.found is not None else [],
        problem=RunProblem(run.error_code, run.error_detail or "") if run.error_code else None,
        created_at=run.created_at,
    )


def _only_get(request: Request) -> None:
    if request.method != "GET":
        raise Rejected(Refusal.METHOD_NOT_ALLOWED, "runs and their files are only looked at")
