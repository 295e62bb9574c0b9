"""The page behind a link in a message. Looking acknowledges nothing: mail scanners follow every link they see."""

import functools
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from functions.incidents.asked import IncidentAnswer
from functions.incidents.links import Link
from functions.incidents.ports import Ports
from functions.incidents.states import By, Incident, Move, acknowledged
from functions.incidents.store import Incidents
from shared.catalog.client import Queries
from shared.http import Reply, Request, json_reply
from shared.notifications import Language
from shared.refusals import Refusal, Rejected, describe
from shared.security import audit

if TYPE_CHECKING:
    from jinja2 import Environment

_MOST_BODY_BYTES = 64 * 1024
_SHOWN = 10
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}
_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "ask": "Acknowledge?",
        "asked": "Nobody else is told while you look after it.",
        "button": "Acknowledge",
        "done": "Acknowledged",
        "nothing": "There is nothing to acknowledge",
        "open": "open",
        "acknowledged": "acknowledged",
        "resolved": "resolved",
        "more": "and {} more",
        "failed": "This link does not work any more",
        "why": "It has expired, or a part of it is missing. Sign in and acknowledge the incident there.",
    },
    "ru": {
        "ask": "Взять в работу?",
        "asked": "Пока вы разбираетесь, остальным сообщения приходить не будут.",
        "button": "Взять в работу",
        "done": "Взято в работу",
        "nothing": "Брать в работу уже нечего",
        "open": "открыт",
        "acknowledged": "в работе",
        "resolved": "закрыт",
        "more": "и ещё {}",
        "failed": "Ссылка больше не действует",
        "why": "Срок её действия истёк, или она скопирована не целиком. Войдите в Sluice и отметьте инцидент там.",
    },
}


class LinkAnswer(msgspec.Struct, frozen=True):
    """What a link is about, for who asks for JSON: the incidents of one message and how they stand."""

    incidents: list[IncidentAnswer]


async def answer(request: Request, ports: Ports, token: str) -> Reply:
    """GET: what the link is about. POST: acknowledge that. Refuses a link that is over or not ours (`bad_link`)."""
    if request.method not in {"GET", "POST"}:
        raise Rejected(Refusal.METHOD_NOT_ALLOWED, "a link is looked at with GET and acknowledges with POST")
    for_people = "text/html" in request.headers.get("accept", "")
    try:
        link = ports.links.read(token)
        found = await _incidents(ports, link)
    except Rejected as rejected:
        if not for_people:
            raise
        return _failed(request, rejected)
    acted = request.method == "POST"
    if acted:
        await request.body(_MOST_BODY_BYTES)
        found = [await _acknowledge(request, ports, link, one) for one in found]
    if not for_people:
        reply = json_reply(LinkAnswer([IncidentAnswer.of(one) for one in found]))
        reply.headers |= _HEADERS
        return reply
    return _shown(link.language, found, acted=acted)


async def _incidents(ports: Ports, link: Link) -> list[Incident]:
    incidents = Incidents(ports.catalog)
    found = [one.incident for one in await incidents.of_batch(link.batch_id)]
    if not found:
        raise Rejected(Refusal.BAD_LINK, "what it was about was removed")
    return found


async def _acknowledge(request: Request, ports: Ports, link: Link, incident: Incident) -> Incident:
    """An incident that is open is acknowledged, any other stays as it is."""
    if incident.state != "open":
        return incident
    by, now = By("link", await _named(ports, link, incident)), ports.keeper.now()

    def work(held: Incident) -> Move | None:
        return acknowledged(held, by, now) if held.state == "open" else None

    async with ports.catalog.transaction() as transaction:
        after = await ports.keeper.change(transaction, incident.id, incident.project_id, work)
        address = ports.proxies.address(request.headers, request.peer)
        await _record(transaction, incident, after, by, {"request_id": request.request_id, "address": address})
    return after or incident


async def _record(queries: Queries, before: Incident, after: Incident | None, by: By, told: Mapping[str, str]) -> None:
    """Put it into the log of the project's organisation; `told` says from where it came."""
    rows = await queries.rows("organisation_of_project", {"project_id": before.project_id})
    await audit.record(
        queries,
        organisation_id=rows[0]["organisation_id"] if rows else None,
        actor=audit.Agent(by.who, "system", "link"),
        action="incident.acknowledged",
        target=f"incident:{before.id}",
        before={"state": before.state},
        after={"state": after.state if after is not None else None},
        project_id=before.project_id,
        **told,
    )


async def _named(ports: Ports, link: Link, incident: Incident) -> str:
    """Whom the link was sent to, as people know them: an address, or a channel by what it is called."""
    try:
        channel = uuid.UUID(link.who)
    except ValueError:
        return link.who
    rows = await ports.catalog.rows("find_webhook", {"id": channel, "project_id": incident.project_id})
    return str(rows[0]["description"] or rows[0]["kind"]) if rows else "a channel"


def _shown(language: Language, found: Sequence[Incident], *, acted: bool) -> Reply:
    """What became of it, or what there is to do."""
    words, asks = _WORDS[language], not acted and any(one.state == "open" for one in found)
    title = words["done"] if acted else words["ask"] if asks else words["nothing"]
    return _page(language, title, words["asked"] if asks else "", incidents=found, asks=asks)


def _failed(request: Request, rejected: Rejected) -> Reply:
    language: Language = "ru" if request.headers.get("accept-language", "").lower().startswith("ru") else "en"
    reply = _page(language, _WORDS[language]["failed"], _WORDS[language]["why"])
    reply.status = describe(rejected.refusal).status
    return reply


def _page(language: Language, title: str, text: str, **more: Any) -> Reply:
    words = _WORDS[language]
    page = _environment().get_template("page.html")
    body = page.render(language=language, title=title, text=text, words=words, shown=_SHOWN, **more)
    return Reply(200, body.encode(), "text/html; charset=utf-8", _HEADERS)


@functools.cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader

    return Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True)
