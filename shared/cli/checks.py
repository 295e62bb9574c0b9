"""What `sluice doctor` looks at: each check is one fact, whether it is well, and what to do if not."""

import asyncio
import contextlib
import platform
import shutil
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec

from shared.cli.client import Connection
from shared.importing.transport import describe_problem, is_local
from shared.local.control import parts_of
from shared.local.ports import PARTS, LocalSettings

OLDEST_PYTHON = (3, 11)
WANTED_DISK_BYTES = 2 * 1024**3
OLDEST_COUNTRIES_DAYS = 400
MOST_LAG_RECORDS = 1_000
MOST_SKEW_SECONDS = 5.0
SEEN_SECONDS = 15.0
_GIB = 1024**3
_HTTP_SECONDS = 5.0
_HEALTH = {"warehouse": "/ping"}
_OK = 200
_ACCEPTED = 202
_UNAUTHORISED = (401, 403)
_REFUSED_FOR_CONTENT = (400, 422)


class Finding(msgspec.Struct, frozen=True):
    """One check: what was looked at, whether it is well, the fact, and what to do when it is not."""

    what: str
    well: bool
    fact: str
    advice: str = ""


def machine(data: Path) -> Iterator[Finding]:
    """Python, platform and the disk below the data folder."""
    version = platform.python_version()
    recent = sys.version_info >= OLDEST_PYTHON
    yield Finding("Python", recent, version, "Sluice needs Python 3.11 or newer.")
    yield Finding(
        "platform",
        sys.platform in {"linux", "darwin"},
        f"{platform.system()} {platform.machine()}",
        "The embedded engines run on Linux and macOS; on Windows use WSL2 or docker compose.",
    )
    folder = next(path for path in (data.resolve(), *data.resolve().parents) if path.exists())
    free = shutil.disk_usage(folder).free
    yield Finding(
        "disk",
        free >= WANTED_DISK_BYTES,
        f"{free / _GIB:.1f} GiB free at {folder}",
        "Less than 2 GiB is left: make room, or set SLUICE_DATA to a folder on another disk.",
    )


def countries(path: str) -> Iterator[Finding]:
    """Whether the file countries are looked up in can be used, and how old it is."""
    from shared.geo import CountryFileError, open_country_file

    try:
        file = open_country_file(path)
    except CountryFileError as error:
        yield Finding("countries", False, str(error), "Until then the column `country` stays empty.")
        return
    built = file.built
    days = (datetime.now(tz=UTC) - built).days if built else 0
    yield Finding(
        "countries",
        days <= OLDEST_COUNTRIES_DAYS,
        f"{file.source}, built {built:%Y-%m-%d}, {days} days ago" if built else f"{file.source}, of unknown age",
        f"Addresses move: update the package iptocc, or point SLUICE_GEO_FILE at a newer file ({path or 'unset'}).",
    )


def ports(settings: LocalSettings, *, running: bool) -> Iterator[Finding]:
    """Whether each port is ours or free."""
    for part in PARTS:
        port = settings.port_of(part)
        taken = _is_taken(port)
        fact = f"{port} " + (("is ours" if running else "is taken") if taken else "is free")
        yield Finding(
            f"port of {part}",
            taken if running else not taken,
            fact,
            f"Nothing listens on {port}; look at `sluice logs {part}`."
            if running
            else f"Stop what listens on {port}, or choose other ports with SLUICE_PORT.",
        )


def parts(state: Mapping[str, Any], settings: LocalSettings) -> Iterator[Finding]:
    """Whether each part of the running local instance lives and answers its health address."""
    for part in parts_of(state):
        well, fact = part.running, f"pid {part.pid}" if part.running else "not running"
        if part.running and part.name in PARTS:
            well, fact = _answers(settings.port_of(part.name), _HEALTH.get(part.name, "/healthz"))
        if part.restarts:
            fact += f", restarted {part.restarts} times"
        yield Finding(part.name, well, fact, f"Look at `sluice logs {part.name}`.")


def bus_lag(bus_url: str) -> Iterator[Finding]:
    """How many records each function has not taken from the bus yet."""
    from shared.bus import BusUnavailableError
    from shared.local.control import lags_of

    try:
        lags = asyncio.run(lags_of(bus_url))
    except BusUnavailableError as error:
        yield Finding("bus", False, str(error), "Until it is back events are refused with 503: `sluice logs valkey`.")
        return
    for service, lag in lags.items():
        advice = "Events wait to be stored: look at `sluice logs work` and `sluice logs warehouse`."
        yield Finding(f"bus lag of {service}", lag <= MOST_LAG_RECORDS, f"{lag} records", advice)


def server(write: Connection, read: Connection) -> Iterator[Finding]:
    """Whether the server answers, its clock agrees, and both keys work; nothing is stored."""
    reply = _post(write, "/api/v1/events", {"events": []})  # refused for being empty, after the key was looked at
    if reply is None:
        yield Finding("server", False, f"no answer from {write.url}", "Start it with `sluice up`, or give --url.")
        return
    yield Finding("server", True, f"{write.url} answers")
    yield from _clock(reply)
    status = reply.status_code
    yield _key_finding("key for events", status, well=status in _REFUSED_FOR_CONTENT)
    today = datetime.now(tz=UTC).date().isoformat()
    found = _post(read, "/api/v1/query/count", {"from": today, "to": today})
    status = found.status_code if found is not None else 0
    yield _key_finding("key for queries", status, well=status == _OK)


def _clock(reply: httpx.Response) -> Iterator[Finding]:
    try:
        date = parsedate_to_datetime(reply.headers["Date"])
    except (KeyError, ValueError):
        return
    skew = (datetime.now(tz=UTC) - date).total_seconds()
    side = "ahead of" if skew > 0 else "behind"
    well = abs(skew) <= MOST_SKEW_SECONDS
    yield Finding(
        "clock",
        well,
        "agrees with the server's" if well else f"{abs(skew):.0f} s {side} the server's",
        "Set this machine's clock (NTP): timestamps decide which hour an event is counted in.",
    )


def round_trip(write: Connection, read: Connection) -> Iterator[Finding]:
    """Send one event named `sluice_doctor` and wait until it is counted."""
    now = datetime.now(tz=UTC)
    mark = f"doctor-{now.timestamp():.6f}"
    event = {"event": "sluice_doctor", "id": mark, "timestamp": now.isoformat(), "properties": {"mark": mark}}
    started = time.monotonic()
    reply = _post(write, "/api/v1/events", event)
    if reply is None or reply.status_code != _ACCEPTED:
        fact = f"not accepted: {describe_problem(reply) if reply is not None else 'no answer'}"
        yield Finding("round trip", False, fact, "What is said of the server and the key above comes first.")
        return
    query = {
        "from": (now - timedelta(hours=1)).isoformat(),
        "to": (now + timedelta(hours=1)).isoformat(),
        "filters": [{"property": "properties.mark", "op": "eq", "value": mark}],
    }
    seen = 0
    while not seen and time.monotonic() - started < SEEN_SECONDS:
        time.sleep(0.1)
        seen = _value(read, query)
    waited = time.monotonic() - started
    advice = "It is safe on the bus but not stored yet: look at the bus lag and `sluice logs work`."
    yield Finding("round trip", seen == 1, f"counted {seen} after {waited:.1f} s", advice)


def _key_finding(what: str, status: int, *, well: bool) -> Finding:
    if well:
        return Finding(what, True, "accepted")
    if status in _UNAUTHORISED:
        return Finding(what, False, f"refused ({status})", "Give another with --key, or see `sluice keys list`.")
    return Finding(what, False, f"answered {status or 'nothing'}", "Look at `sluice logs` for what failed.")


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _answers(port: int, path: str) -> tuple[bool, str]:
    try:
        reply = httpx.get(f"http://127.0.0.1:{port}{path}", timeout=_HTTP_SECONDS, trust_env=False)
    except httpx.TransportError as error:
        return False, f"does not answer ({error or type(error).__name__})"
    return reply.status_code == _OK, f"answers {reply.status_code}"


def _post(to: Connection, path: str, body: dict[str, Any]) -> httpx.Response | None:
    """The server's answer; None where it gives none."""
    headers = {"X-API-Key": to.key}
    with contextlib.suppress(httpx.TransportError, httpx.InvalidURL):
        return httpx.post(
            to.url + path, json=body, headers=headers, timeout=_HTTP_SECONDS, trust_env=not is_local(to.url)
        )
    return None


def _value(read: Connection, query: dict[str, Any]) -> int:
    reply = _post(read, "/api/v1/query/count", query)
    try:
        return msgspec.json.decode(reply.content, type=_Counted).value if reply is not None else 0
    except msgspec.MsgspecError:
        return 0


class _Counted(msgspec.Struct):
    value: int
