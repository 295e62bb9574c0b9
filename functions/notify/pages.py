"""The mails of a laptop: what would have been sent, as a page. Only where they are kept in a folder, and locally."""

import asyncio
import base64
import functools
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from functions.notify.ports import Ports
from shared.http import Reply, Request, from_this_machine
from shared.paths import match
from shared.refusals import Refusal, Rejected

if TYPE_CHECKING:
    from jinja2 import Environment

MAILS = "/dev/mails"
MAIL = "/dev/mails/{id}"
_TEMPLATES = Path(__file__).parent / "templates"
_MOST = 200
_LOOPBACK = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class Kept(msgspec.Struct, frozen=True):
    """A mail as it was kept."""

    id: str
    subject: str
    to: str
    date: str
    text: str
    html: str


class MailsAnswer(msgspec.Struct, frozen=True):
    """The mails, the newest first, for who asks for JSON."""

    items: list[Kept]


async def answer(request: Request, ports: Ports) -> Reply:
    """The list of mails or one of them; a 404 for everybody who is not at this machine."""
    found = match(MAIL, request.path)
    if ports.mails is None or not is_local(request) or (found is None and request.path != MAILS):
        raise Rejected(Refusal.NOT_FOUND)
    if request.method != "GET":
        raise Rejected(Refusal.METHOD_NOT_ALLOWED, "mails are only looked at")
    mails = await asyncio.to_thread(read, ports.mails, found["id"] if found else "")
    if found and not mails:
        raise Rejected(Refusal.NOT_FOUND, "there is no such mail")
    if "application/json" in request.headers.get("accept", ""):
        return Reply(200, msgspec.json.encode(MailsAnswer(mails)), headers=_HEADERS)
    page = _environment().get_template("dev.html").render(mails=mails, one=found is not None, mails_at=MAILS)
    return Reply(200, page.encode(), "text/html; charset=utf-8", _HEADERS)


def is_local(request: Request) -> bool:
    """Whether the one who asks sits at this machine, every proxy in between too, and named it as this machine.

    The name keeps out web pages whose own name was made to point here: mails hold links to new passwords.
    """
    passed = [part.strip() for part in request.headers.get("x-forwarded-for", "").split(",") if part.strip()]
    named = request.headers.get("x-forwarded-host", request.headers.get("host", ""))
    return all(each in _LOOPBACK for each in [*passed, request.peer]) and from_this_machine({"host": named})


def read(folder: Path, wanted: str = "") -> list[Kept]:
    """The newest mails of a folder, or the one of that id; what is no mail is passed over."""
    if wanted:
        names = [name for name in _names(folder) if name.stem == wanted][:1]
    else:
        names = sorted(_names(folder), reverse=True)[:_MOST]
    return [_kept(name) for name in names]


def _names(folder: Path) -> Iterator[Path]:
    return folder.glob("*.eml") if folder.is_dir() else iter(())


def _kept(path: Path) -> Kept:
    message = message_from_bytes(path.read_bytes(), EmailMessage, policy=default)
    parts = {kind: message.get_body([kind]) for kind in ("plain", "html")}
    text, html = (part.get_content() if part is not None else "" for part in parts.values())
    html = _with_pictures(html, message)
    subject, to, date = (str(message[name] or "") for name in ("Subject", "To", "Date"))
    return Kept(path.stem, subject, to, date, text, html)


def _with_pictures(html: str, message: EmailMessage) -> str:
    """The HTML part with the pictures of its mail in it."""
    for part in message.walk():
        name = str(part["Content-ID"] or "").strip("<>")
        if name and part.get_content_maintype() == "image":
            content = part.get_payload(decode=True)
            data = base64.b64encode(content if isinstance(content, bytes) else b"").decode()
            html = html.replace(f"cid:{name}", f"data:{part.get_content_type()};base64,{data}")
    return html


@functools.cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader

    return Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
