"""Where the server and the key come from, and one way to ask it something."""

import json
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer

from shared.config import DATA, SettingsT, load, read_env_file, setting

UrlOption = Annotated[
    str, typer.Option("--url", help="The server; else SLUICE_URL, else the local one.", show_default=False)
]
KeyOption = Annotated[
    str, typer.Option("--key", help="An API key; else SLUICE_KEY, else the local demo's.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]
Purpose = Literal["write", "read"]

UNREACHABLE = 3
_TIMEOUT_SECONDS = 60.0


class CliError(Exception):
    """Ends the command with one sentence on stderr and an exit code other than 0."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class ClientSettings:
    """What the command line client needs."""

    url: str = setting("SLUICE_URL", "The server the `sluice` commands talk to.", default="")
    key: str = setting("SLUICE_KEY", "The API key the `sluice` commands use.", default="", secret=True)
    data: Path = setting("SLUICE_DATA", DATA, default=Path(".sluice"))


def environment_from_here() -> dict[str, str]:
    """The environment over the current folder's `.env`."""
    return {**read_env_file(Path(".env")), **os.environ}


def settings_from_here(cls: type[SettingsT]) -> SettingsT:
    """Settings of the environment over those of the current folder's `.env`; raises ConfigError."""
    return load(cls, environment_from_here())


class Demo(msgspec.Struct, frozen=True):
    """What `up` leaves in `$SLUICE_DATA/demo.json` about the local instance's demo project."""

    url: str
    project_id: str
    write_key: str
    secret_key: str


@dataclass(frozen=True)
class Connection:
    """A server and a key; `project_id` is known only when the key is the local demo's."""

    url: str
    key: str
    project_id: uuid.UUID | None = None


def read_demo(data: Path) -> Demo | None:
    """The local instance's demo project; None where none was made. Raises CliError for a damaged file."""
    path = data / "demo.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Demo)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise CliError(f"{path} cannot be used ({error}); `sluice up` writes it anew.") from error


def connect(url: str, key: str, purpose: Purpose) -> Connection:
    """The server and key in effect: options, then settings, then the local instance; raises CliError.

    The demo's keys are only ever used with the demo's own URL.
    """
    settings = settings_from_here(ClientSettings)
    demo = read_demo(settings.data)
    wanted = (url or settings.url or (demo.url if demo else "")).rstrip("/")
    if not wanted:
        raise CliError("No server is known: start one with `sluice up`, or give --url and --key.")
    if not wanted.startswith(("http://", "https://")):
        raise CliError(f"{wanted} is not a URL: it begins with http:// or https://.", 2)
    given = key or settings.key
    if given:
        return Connection(wanted, given)
    if demo is None or wanted != demo.url.rstrip("/"):
        raise CliError(f"No API key for {wanted}: give --key, or set SLUICE_KEY.")
    chosen = demo.write_key if purpose == "write" else demo.secret_key
    return Connection(wanted, chosen, uuid.UUID(demo.project_id))


def ask(connection: Connection, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """POST `body` and return the JSON object of the answer; raises CliError with what to do."""
    return _asked(connection, "POST", path, body)


def fetch(connection: Connection, path: str) -> dict[str, Any]:
    """GET an address and return the JSON object of the answer; raises CliError with what to do."""
    return _asked(connection, "GET", path, None)


def send(connection: Connection, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """PUT or DELETE, likewise; the answer of what has none is an empty object."""
    return _asked(connection, method, path, body)


def _asked(connection: Connection, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
    import httpx

    from shared.importing.transport import describe_problem, is_local

    try:
        response = httpx.request(
            method,
            connection.url + path,
            json=body,
            headers={"X-API-Key": connection.key},
            timeout=_TIMEOUT_SECONDS,
            trust_env=not is_local(connection.url),
        )
    except httpx.InvalidURL as error:
        raise CliError(f"{connection.url} is not a URL: {error}", 2) from error
    except httpx.TransportError as error:
        raise unreachable(connection.url, error) from error
    if not response.is_success:
        raise refused(describe_problem(response), response.status_code)
    if response.status_code == httpx.codes.NO_CONTENT:
        return {}
    try:
        answer = response.json()
    except json.JSONDecodeError as error:
        raise CliError(f"{connection.url} does not answer JSON; is it a Sluice server?") from error
    if not isinstance(answer, dict):
        raise CliError(f"{connection.url} answered {answer!r} instead of an object; is it a Sluice server?")
    return answer


def unreachable(url: str, error: Exception) -> CliError:
    """The server does not answer: what to do."""
    why = str(error) or type(error).__name__
    return CliError(f"No answer from {url} ({why}). Is it running? `sluice up` starts a local one.", UNREACHABLE)


def refused(problem: str, status: int) -> CliError:
    """The server says no: what it says, and what to do about a key."""
    if status in {401, 403}:
        problem += " Give another key with --key or SLUICE_KEY; `sluice keys list` shows the local ones."
    return CliError(problem)


def print_json(value: Any) -> None:
    """Write `value` to stdout as JSON, for programs."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value)))
