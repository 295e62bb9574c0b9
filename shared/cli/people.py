"""`sluice people` and `sluice erasure`: people erased, their data handed over, consent, and certificates checked."""

import time
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

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

ERASURES = "/api/v1/erasures"
ACCESS = "/api/v1/access-requests"
KEYS = "/.well-known/jwks.json"
_POLL_SECONDS = 1.0
_NOT_GENUINE = 4

Ids = Annotated[list[str], typer.Argument(help="u:<user_id> for a known person, else a:<anonymous_id>.")]
Id = Annotated[str, typer.Argument(help="u:<user_id> for a known person, else a:<anonymous_id>.")]
Reason = Annotated[str, typer.Option(help="Kept with the job; it should name nobody.")]
Only = Annotated[bool, typer.Option("--only-this-id", help="Not all ids of the person but the given ones alone.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Until it is done; an erasure takes some minutes.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`. All but `erasure verify` need a key with the scope `admin`."""
    people = typer.Typer(no_args_is_help=True, help="People in the data: erasure, access, consent.")
    people.command("erase")(erase)
    people.command("lift")(lift)
    people.command("access")(access)
    people.command("consent")(consent)
    app.add_typer(people, name="people")
    erasure = typer.Typer(no_args_is_help=True, help="Erasures and their certificates.")
    erasure.command("show")(show)
    erasure.command("verify")(verify)
    app.add_typer(erasure, name="erasure")


def erase(
    ids: Ids,
    *,
    reason: Reason = "",
    anonymise: Annotated[
        bool, typer.Option("--anonymise", help="Keep the events under names that nobody can trace.")
    ] = False,
    keep_properties: Annotated[
        bool, typer.Option("--keep-properties", help="With --anonymise: what a client wrote freely stays.")
    ] = False,
    only: Only = False,
    wait: Wait = True,
    url: UrlOption = "",
    key: KeyOption = "",
) -> None:
    """Erase people for good; prints the signed certificate."""
    body = {"people": ids, "reason": reason, "linked": not only}
    body |= {"mode": "anonymise" if anonymise else "erase", "properties": "keep" if keep_properties else "drop"}
    connection = connect(url, key, "read")
    job = ask(connection, ERASURES, body)
    _finish(connection, ERASURES, job, wait=wait, shown=lambda result: result["certificate"])


def lift(ids: Ids, *, url: UrlOption = "", key: KeyOption = "") -> None:
    """Let erased people in again: from now on their events are stored."""
    answer = ask(connect(url, key, "read"), f"{ERASURES}/lift", {"people": ids})
    typer.echo(f"{answer['readmitted']} ids are let in again.")


def access(
    person: Id,
    *,
    reason: Reason = "",
    only: Only = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to save the archive.")] = None,
    wait: Wait = True,
    url: UrlOption = "",
    key: KeyOption = "",
) -> None:
    """Gather everything about a person as a zip, with a page they can read."""
    connection = connect(url, key, "read")
    job = ask(connection, ACCESS, {"person": person, "reason": reason, "linked": not only})
    result = _finish(connection, ACCESS, job, wait=wait or output is not None, shown=lambda found: found)
    if result is not None and output is not None:
        output.write_bytes(_downloaded(connection, result["files"][0]["url"]))
        typer.echo(f"Saved to {output}.", err=True)


def consent(
    person: Id,
    *,
    state: Annotated[str, typer.Option("--set", help="withdrawn or granted; without, what was said last.")] = "",
    source: Annotated[str, typer.Option(help="Where it was said, such as `banner`; it should name nobody.")] = "",
    only: Only = False,
    url: UrlOption = "",
    key: KeyOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show, withdraw or grant a person's consent; without it nothing of theirs is stored."""
    connection, path = connect(url, key, "read"), f"/api/v1/people/{quote(person, safe='')}/consent"
    if state:
        answer = send(connection, "PUT", path, {"state": state, "source": source, "linked": not only})
    else:
        answer = fetch(connection, path)
    if as_json:
        print_json(answer)
    else:
        typer.echo(f"{answer['state']}{f' since {at}' if (at := answer['changed_at']) else ''}")


def show(
    erasure: Annotated[str, typer.Argument(help="The id of an erasure.")], *, url: UrlOption = "", key: KeyOption = ""
) -> None:
    """Print an erasure with its certificate."""
    print_json(fetch(connect(url, key, "read"), f"{ERASURES}/{erasure}"))


def verify(
    file: Annotated[Path, typer.Argument(help="A certificate, or the answer that holds it.")],
    *,
    keys: Annotated[
        Path | None, typer.Option("--keys", help=f"A JSON Web Key Set; else that of the server ({KEYS}).")
    ] = None,
    url: UrlOption = "",
    key: KeyOption = "",
) -> None:
    """Check that a certificate is genuine; exit code 4 where it is not."""
    from shared.security.certificates import CertificateError
    from shared.security.certificates import verify as check

    certificate = _certificate_in(_json_of(file))
    known = _json_of(keys) if keys is not None else fetch(connect(url, key, "read"), KEYS)
    try:
        signed_with = check(certificate, known)
    except CertificateError as error:
        raise CliError(f"This certificate does not hold: {error}.", _NOT_GENUINE) from error
    typer.echo(f"Genuine: {certificate.get('erasure_id')}, signed with {signed_with}.")


def _certificate_in(found: Any) -> dict[str, Any]:
    for name in ("result", "certificate"):
        if isinstance(found, dict) and isinstance(found.get(name), dict):
            found = found[name]
    if not isinstance(found, dict):
        raise CliError("There is no certificate in the file.", 2)
    return found


def _json_of(file: Path) -> Any:
    try:
        return msgspec.json.decode(file.read_bytes())
    except (OSError, msgspec.MsgspecError) as error:
        raise CliError(f"{file} cannot be read as JSON: {error}", 2) from error


def _finish(connection: Connection, path: str, job: dict[str, Any], *, wait: bool, shown: Any) -> dict[str, Any] | None:
    """Wait for a job and print its result; without, print its id."""
    if not wait:
        typer.echo(job["id"])
        return None
    while (found := fetch(connection, f"{path}/{job['id']}"))["state"] in {"queued", "running"}:
        time.sleep(_POLL_SECONDS)
    if found["state"] != "completed":
        raise CliError(f"It {found['state']}: {(found['error'] or {}).get('detail', '')}")
    result: dict[str, Any] = shown(found["result"])
    print_json(result)
    return result


def _downloaded(connection: Connection, link: str) -> bytes:
    import httpx

    from shared.importing.transport import is_local

    address = link if link.startswith("http") else connection.url + link
    try:
        answer = httpx.get(address, timeout=600, trust_env=not is_local(connection.url))
    except httpx.TransportError as error:
        raise CliError(f"The archive cannot be fetched: {error}") from error
    if not answer.is_success:
        raise CliError(f"The archive cannot be fetched: {answer.status_code}")
    return answer.content
