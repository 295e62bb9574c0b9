"""`sluice bus`: what waits on the bus and for whom, and the dead letters, straight from the bus and the catalog."""

import base64
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from shared.cli.client import CliError, JsonOption, print_json, settings_from_here
from shared.cli.keys import KeysSettings, with_catalog
from shared.config import BUS_URL, KafkaSettings, setting
from shared.dead_letters import DEAD_LETTERS, Letter, moment, read_letter

if TYPE_CHECKING:  # needed for their types alone
    from shared.bus.inspection import Inspection, TopicState
    from shared.catalog.client import Catalog

WORKER = "dead-letter"  # the group that reads the dead letters, named as its function
_MOST_WAITING = 1_000
_SHORT = 8
_SHOWN_CHARACTERS = 2_000
_WIDTH = 140
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="A letter's id or how it begins, as `sluice bus` shows.")]


@dataclass(frozen=True, kw_only=True)
class BusCliSettings(KafkaSettings, KeysSettings):
    """Where the bus and the catalog are; unset means those of the local instance."""

    bus_url: str = setting("SLUICE_BUS_URL", BUS_URL, default="", secret=True)


class Found(NamedTuple):
    """A dead letter and where it is: `kept` for people in the catalog, or waiting on its topic."""

    letter: Letter
    kept: bool

    @property
    def state(self) -> str:
        return "kept" if self.kept else "waits"


def register(app: typer.Typer) -> None:
    """Add the `bus` commands to `app`."""
    bus = typer.Typer(invoke_without_command=True, help="What waits on the bus, and the dead letters.")
    bus.callback()(overview)
    bus.command("show")(show)
    bus.command("resend")(resend)
    bus.command("discard")(discard)
    app.add_typer(bus, name="bus")


def overview(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    """Show each topic, how far each function is behind, and the dead letters with code, reason, age and type."""
    if ctx.invoked_subcommand is not None:
        return

    async def work(looking: "Inspection", catalog: "Catalog") -> None:
        topics = await looking.topics()
        oldest = {
            (state.name, group): await _oldest(looking, state, group) for state in topics for group in state.groups
        }
        letters = await _letters(looking, catalog)
        if as_json:
            shown = [_topic_json(state, oldest) for state in topics]
            print_json({"topics": shown, "dead_letters": list(map(_json, letters))})
        else:
            _print_topics(topics, oldest)
            _print_letters(letters)

    _run(work)


def show(which: IdArgument, *, as_json: JsonOption = False) -> None:
    """Show one dead letter: what it is, who refused it and why, and what it holds."""

    async def work(looking: "Inspection", catalog: "Catalog") -> None:
        found = await _one(looking, catalog, which)
        if as_json:
            print_json({**_json(found), "attributes": found.letter.event.attributes, **_data(found.letter.event.data)})
            return
        out = Console(highlight=False, markup=False, soft_wrap=True)
        for name, value in {**_json(found), **found.letter.event.attributes}.items():
            out.print(f"{name:>14}  {value}")
        text = found.letter.event.data.decode(errors="replace")
        out.print("\n" + text[:_SHOWN_CHARACTERS])
        if len(text) > _SHOWN_CHARACTERS:
            out.print(f"… {len(text) - _SHOWN_CHARACTERS:,} more characters; --json gives all")

    _run(work)


def resend(
    which: Annotated[str, typer.Argument(metavar="[ID]", help="A letter's id or how it begins.")] = "",
    *,
    everything: Annotated[bool, typer.Option("--all", help="Every kept letter; others go by themselves.")] = False,
) -> None:
    """Publish a dead letter again, for the function that missed it; a repeat is stored once."""
    if everything == bool(which):
        raise CliError("Give the ID of one letter, or --all.", 2)

    async def work(looking: "Inspection", catalog: "Catalog") -> None:
        from shared.catalog.dead_letters import list_letters

        if which:
            chosen = [await _one(looking, catalog, which)]
        else:
            chosen = [Found(letter, kept=True) for letter in await list_letters(catalog)]
        for found in chosen:
            await _publish(catalog, found)
            typer.echo(f"Sent {_name(found.letter)} to {found.letter.topic} for {found.letter.sink or 'all readers'}.")
        if not chosen:
            typer.echo("No dead letter is kept.")

    _run(work)


def discard(which: IdArgument) -> None:
    """Delete a dead letter that is kept; its events are lost."""

    async def work(looking: "Inspection", catalog: "Catalog") -> None:
        from shared.catalog.dead_letters import forget_letter

        found = await _one(looking, catalog, which)
        if not found.kept:
            raise CliError(f"{_name(found.letter)} waits for {found.letter.sink} and is sent again by itself.")
        if not await forget_letter(catalog, found.letter):
            raise CliError(f"{_name(found.letter)} was sent again meanwhile; `sluice bus` shows what became of it.")
        typer.echo(f"Deleted {_name(found.letter)}.")

    _run(work)


def _run(work: Callable[["Inspection", "Catalog"], Awaitable[None]]) -> None:
    """Run `work` on the bus and the catalog in effect; raises CliError where one is not there."""
    from shared.bus.inspection import open_inspection

    settings = settings_from_here(BusCliSettings)
    url = _bus_url(settings)

    async def with_bus(catalog: "Catalog") -> None:
        looking = open_inspection(url, settings)
        try:
            await work(looking, catalog)
        finally:
            await looking.close()

    with_catalog(settings, with_bus)


def _bus_url(settings: BusCliSettings) -> str:
    from shared.local.control import read_state

    url: str = settings.bus_url or read_state(settings.data).get("env", {}).get("SLUICE_BUS_URL", "")
    if not url:
        raise CliError("No bus is known: start one with `sluice up`, or set SLUICE_BUS_URL.")
    return url


async def _publish(catalog: "Catalog", found: Found) -> None:
    """The letter, whole, on its topic; one that was kept is kept no longer then."""
    from shared.bus import open_bus
    from shared.catalog.dead_letters import find_letters, forget_letter

    letter = found.letter
    if found.kept:
        [letter] = await find_letters(catalog, str(letter.id))
    settings = settings_from_here(BusCliSettings)
    bus = open_bus(_bus_url(settings), settings)
    try:
        await bus.publish(letter.topic, [letter.again()])
    finally:
        await bus.close()
    if found.kept:
        await forget_letter(catalog, letter)  # unless it was refused again already


async def _letters(looking: "Inspection", catalog: "Catalog") -> list[Found]:
    """Those kept, then those that wait; each once."""
    from shared.catalog.dead_letters import list_letters

    kept = [Found(letter, kept=True) for letter in await list_letters(catalog)]
    return list({found.letter.id: found for found in [*await _waiting(looking), *kept]}.values())


async def _waiting(looking: "Inspection") -> list[Found]:
    now = time.time_ns() // 1_000
    waiting = await looking.waiting(DEAD_LETTERS, WORKER, _MOST_WAITING)
    return [Found(read_letter(delivery.message, now), kept=False) for delivery in waiting]


async def _one(looking: "Inspection", catalog: "Catalog", which: str) -> Found:
    """The letter whose id begins so, whole; raises CliError unless it is exactly one."""
    from shared.catalog.dead_letters import find_letters

    wanted = which.lower()
    kept = [Found(letter, kept=True) for letter in await find_letters(catalog, wanted)]
    waiting = [found for found in await _waiting(looking) if str(found.letter.id).startswith(wanted)]
    found = list({one.letter.id: one for one in [*waiting, *kept]}.values())
    if len(found) == 1:
        return found[0]
    if not found:
        raise CliError(f"There is no dead letter {which}; `sluice bus` shows them.")
    raise CliError(f"Several dead letters begin with {which}; give more of the id.")


async def _oldest(looking: "Inspection", state: "TopicState", group: str) -> str:
    """When the oldest event came that the group has not done; '' where there is none or it does not say."""
    if not state.groups[group]:
        return ""
    first = await looking.waiting(state.name, group, 1)
    return first[0].message.attributes.get("time", "") if first else ""


def _print_topics(topics: list["TopicState"], oldest: dict[tuple[str, str], str]) -> None:
    table = Table("topic", "messages", "read by", "behind", "oldest", box=None, pad_edge=False)
    for state in topics:
        for group, lag in state.groups.items() or [("nobody", state.length)]:
            table.add_row(state.name, f"{state.length:,}", group, f"{lag:,}", _age(oldest.get((state.name, group), "")))
    Console(highlight=False, width=max(Console().width, _WIDTH)).print(table)


def _print_letters(letters: list[Found]) -> None:
    if not letters:
        typer.echo("\nNo dead letters.")
        return
    columns = ("dead letter", "state", "for", "code", "reason", "age", "sent again", "type")
    table = Table(*columns, box=None, pad_edge=False)
    for found in letters:
        letter = found.letter
        table.add_row(
            _name(letter),
            found.state,
            letter.sink or "?",
            str(letter.code or "none"),
            letter.reason or letter.detail[:40],
            _age(moment(letter.since)),
            str(letter.resent),
            letter.event.attributes.get("type", ""),
        )
    out = Console(highlight=False, width=max(Console().width, _WIDTH))
    out.print()
    out.print(table)
    if any(found.kept for found in letters):
        out.print("\nWhat is kept waits for you: `sluice bus show ID`, then `resend ID` or `discard ID`.", markup=False)


def _topic_json(state: "TopicState", oldest: dict[tuple[str, str], str]) -> dict[str, Any]:
    groups = {
        group: {"behind": lag, "oldest": oldest[state.name, group] or None} for group, lag in state.groups.items()
    }
    return {"topic": state.name, "messages": state.length, "groups": groups}


def _json(found: Found) -> dict[str, Any]:
    letter = found.letter
    return {
        "letter": str(letter.id),
        "state": found.state,
        "for": letter.sink,
        "code": letter.code,
        "reason": letter.reason,
        "detail": letter.detail,
        "since": moment(letter.since),
        "resent": letter.resent,
        "type": letter.event.attributes.get("type", ""),
        "topic": letter.topic,
    }


def _data(data: bytes) -> dict[str, str]:
    try:
        return {"data": data.decode()}
    except UnicodeDecodeError:
        return {"data_base64": base64.b64encode(data).decode()}


def _name(letter: Letter) -> str:
    return str(letter.id)[:_SHORT]


def _age(text: str) -> str:
    """How long ago a time was, in its largest unit; '' where it is none."""
    try:
        seconds = time.time() - datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return ""
    unit, name = next((one for one in _UNITS if seconds >= one[0]), (1, "s"))
    return f"{max(0, int(seconds // unit))} {name}"
