"""`sluice retention`, `sluice pii` and `sluice replay`: how long data is kept, what of it, and refused events again."""

import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from shared.cli.client import (
    CliError,
    Connection,
    JsonOption,
    KeyOption,
    UrlOption,
    ask,
    connect,
    fetch,
    print_json,
    send,
)

_RETENTION = "/api/v1/retention"
_HOLDS = f"{_RETENTION}/holds"
_RULES = "/api/v1/pii/rules"
_REPLAYS = "/api/v1/rejected/replays"
_WAIT_SECONDS = 1.0
_FOR_EVER = "forever"

DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing, only say what would be.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept with the hold and in the audit log.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`. All need a key with the scope `admin`."""
    retention = typer.Typer(no_args_is_help=True, help="How long events are kept, and legal holds.")
    retention.command("show")(show)
    retention.command("set")(keep)
    retention.command("run")(run)
    retention.command("holds")(holds)
    retention.command("hold")(hold)
    retention.command("release")(release)
    app.add_typer(retention, name="retention")
    pii = typer.Typer(no_args_is_help=True, help="What is hashed, dropped or cut before it is stored.")
    pii.command("rules")(rules)
    pii.command("add")(add)
    pii.command("remove")(remove)
    pii.command("scan")(scan)
    app.add_typer(pii, name="pii")
    app.command("replay")(replay)


def show(*, url: UrlOption = "", key: KeyOption = "", as_json: JsonOption = False) -> None:
    """Show for how long a project keeps what, and the last runs."""
    _print_retention(fetch(connect(url, key, "read"), _RETENTION), as_json=as_json)


def keep(
    days: Annotated[str, typer.Argument(help=f"Days of all events no rule names, or {_FOR_EVER}.")],
    *,
    rejected: Annotated[str, typer.Option(help="Days of refused payloads, or `events` for as long as events.")] = "",
    rule: Annotated[
        list[str] | None,
        typer.Option("--rule", help=f"EVENT=DAYS or EVENT={_FOR_EVER}; repeated; takes the place of all rules."),
    ] = None,
    url: UrlOption = "",
    key: KeyOption = "",
    as_json: JsonOption = False,
) -> None:
    """Set for how long a project keeps its events."""
    body: dict[str, Any] = {"days": _days(days)}
    if rejected:
        body["rejected_days"] = None if rejected == "events" else _days(rejected)
    if rule:
        body["rules"] = [_rule(text) for text in rule]
    _print_retention(send(connect(url, key, "read"), "PUT", _RETENTION, body), as_json=as_json)


def run(*, dry_run: DryRun = False, url: UrlOption = "", key: KeyOption = "", as_json: JsonOption = False) -> None:
    """Drop what is due now instead of within the hour."""
    result = _finished(connect(url, key, "read"), f"{_RETENTION}/runs", {"dry_run": dry_run})
    if as_json:
        print_json(result)
        return
    due = result["due"] or {"events": 0, "rejected": 0, "held_rows": 0}
    typer.echo(f"dropped: {result['events']} events, {result['rejected']} refused payloads")
    typer.echo(f"due: {due['events']} events, {due['rejected']} refused payloads; held: {due['held_rows']} rows")


def holds(*, url: UrlOption = "", key: KeyOption = "", as_json: JsonOption = False) -> None:
    """Show the legal holds of a project, released ones too."""
    items = fetch(connect(url, key, "read"), _HOLDS)["items"]
    if as_json:
        print_json(items)
        return
    for one in items:
        state = "released" if one["released_at"] else "in force" if one["in_force"] else "pending"
        typer.echo(f"{one['id']}  {state:9} {one['person'] or 'the whole project'}  {one['reason']}")


def hold(
    *,
    reason: Reason,
    user_id: Annotated[str, typer.Option(help="Whose events stay: a known user's.")] = "",
    anonymous_id: Annotated[str, typer.Option(help="Whose events stay: a device's.")] = "",
    project: Annotated[bool, typer.Option("--project", help="Everything stays.")] = False,
    url: UrlOption = "",
    key: KeyOption = "",
) -> None:
    """Keep somebody's events, or all, until the hold is released."""
    body = {"user_id": user_id, "anonymous_id": anonymous_id, "project": project, "reason": reason}
    made = ask(connect(url, key, "read"), _HOLDS, body)
    typer.echo(f"{made['id']}  {'in force' if made['in_force'] else 'pending: a run of retention is under way'}")


def release(
    hold_id: Annotated[str, typer.Argument(help="The hold's id.")], *, url: UrlOption = "", key: KeyOption = ""
) -> None:
    """Release a legal hold."""
    send(connect(url, key, "read"), "DELETE", f"{_HOLDS}/{hold_id}")
    typer.echo("released")


def rules(*, url: UrlOption = "", key: KeyOption = "", as_json: JsonOption = False) -> None:
    """Show a project's PII rules in the order they are tried."""
    items = fetch(connect(url, key, "read"), _RULES)["items"]
    if as_json:
        print_json(items)
        return
    for one in items:
        typer.echo(f"{one['id']}  {one['action']:8} {one['match']:7} {one['text']}")


def add(
    text: Annotated[str, typer.Argument(help="A property's name, or a pattern.")],
    *,
    action: Annotated[str, typer.Option(help="hash, drop or truncate.")] = "hash",
    match: Annotated[str, typer.Option(help="name, pattern (of the path) or value (of the value itself).")] = "name",
    length: Annotated[int, typer.Option(help="How many characters truncate leaves.")] = 0,
    url: UrlOption = "",
    key: KeyOption = "",
) -> None:
    """Hash, drop or cut a property from now on; holds within 15 seconds."""
    made = ask(connect(url, key, "read"), _RULES, {"text": text, "action": action, "match": match, "length": length})
    typer.echo(made["id"])


def remove(
    rule_id: Annotated[str, typer.Argument(help="The rule's id.")], *, url: UrlOption = "", key: KeyOption = ""
) -> None:
    """Remove a PII rule."""
    send(connect(url, key, "read"), "DELETE", f"{_RULES}/{rule_id}")
    typer.echo("removed")


def scan(
    *,
    days: Annotated[int, typer.Option(help="Of how many last days.")] = 30,
    rows: Annotated[int, typer.Option(help="How many events are looked at.")] = 20_000,
    url: UrlOption = "",
    key: KeyOption = "",
    as_json: JsonOption = False,
) -> None:
    """Look for personal data in what is stored."""
    result = _finished(connect(url, key, "read"), "/api/v1/pii/scans", {"days": days, "rows": rows})
    if as_json:
        print_json(result)
        return
    typer.echo(f"looked at {result['events']} events and {result['rejected']} refused payloads")
    for one in result["findings"]:
        covered = "  (a rule covers it)" if one["covered"] else ""
        typer.echo(f"{one['property']}: {one['kind']} in {one['share']:.1%}  {', '.join(one['examples'])}{covered}")


def replay(
    *,
    reason: Annotated[str, typer.Option(help="Only events refused for this reason.")] = "",
    event: Annotated[str, typer.Option(help="Only events of this name.")] = "",
    edits: Annotated[
        Path | None, typer.Option(help='A file of edits: [{"op": "rename", "field": "usr", "to": "user_id"}, …].')
    ] = None,
    dry_run: DryRun = False,
    url: UrlOption = "",
    key: KeyOption = "",
    as_json: JsonOption = False,
) -> None:
    """Take refused events again, edited so that they can be taken."""
    body = {"reason": reason, "event": event, "edits": _edits(edits), "dry_run": dry_run}
    result = _finished(connect(url, key, "read"), _REPLAYS, body)
    if as_json:
        print_json(result)
        return
    verb = "would be taken" if dry_run else "taken"
    typer.echo(f"{result['passed']} of {result['seen']} {verb}, {result['events']} events in all")
    for code, number in result["reasons"].items():
        typer.echo(f"  {code}: {number}")
    if result["unusable"]:
        typer.echo(f"  not all there any more: {result['unusable']}")


def _edits(path: Path | None) -> list[Any]:
    if path is None:
        return []
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Any])
    except (OSError, msgspec.MsgspecError) as error:
        raise CliError(f"{path} is no list of edits: {error}", 2) from error


def _days(text: str) -> int | None:
    if text == _FOR_EVER:
        return None
    if not text.isdecimal() or not int(text):
        raise CliError(f"{text!r} is neither a number of days above 0 nor {_FOR_EVER}.", 2)
    return int(text)


def _rule(text: str) -> dict[str, Any]:
    event, found, days = text.rpartition("=")
    if not found or not event:
        raise CliError(f"{text!r} is no rule: write EVENT=DAYS.", 2)
    return {"event": event, "days": _days(days)}


def _print_retention(shown: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(shown)
        return
    typer.echo(f"events: {_kept(shown['days'])}")
    for one in shown["rules"]:
        typer.echo(f"  {one['event']}: {_kept(one['days'])}")
    rejected = shown["rejected_days"]
    typer.echo(f"refused payloads: {'as long as events' if rejected is None else _kept(rejected)}")
    if shown["holds"]:
        typer.echo(f"legal holds: {shown['holds']}")
    for one in shown["runs"]:
        typer.echo(f"{one['at']}  {one['state']:9} {one['events']} events, {one['rejected']} refused payloads")


def _kept(days: int | None) -> str:
    return "for ever" if days is None else f"{days} days"


def _finished(connection: Connection, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The result of a job that is asked for here; raises CliError where it fails."""
    job = ask(connection, path, body)
    while (shown := fetch(connection, f"{path}/{job['id']}"))["state"] in {"queued", "running"}:
        time.sleep(_WAIT_SECONDS)
    if shown["state"] != "completed":
        error = shown["error"] or {"detail": shown["state"]}
        raise CliError(f"The job {job['id']} ended: {error['detail']}")
    result: dict[str, Any] = shown["result"]
    return result
