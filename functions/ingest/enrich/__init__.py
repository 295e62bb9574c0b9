"""Enrichment: the columns Sluice adds to an event from its address, its sender and the project's reference tables."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog

from functions.ingest.enrich.bots import HTTP_LIBRARY, Bots
from functions.ingest.enrich.handlers import UTM, Handler, handler_of
from functions.ingest.enrich.lookups import Lookup, Lookups, look_up
from functions.ingest.enrich.page import MAX_TEXT, MAX_URL, Campaign, page, sent_from
from functions.ingest.enrich.place import NOWHERE, KeepAddress, Places, Sender, TrustedProxies, without_address
from functions.ingest.enrich.user_agent import MOST_CHARACTERS, Client, UserAgents, stated
from shared import metrics
from shared.addresses import TRUSTED_PROXIES
from shared.config import setting
from shared.events import Row
from shared.geo import CountryFileError, GeoSettings, open_country_file

__all__ = ["EnrichSettings", "Enricher", "Lookups", "Sender", "TrustedProxies"]

log = structlog.get_logger()

_BROWSERS = ("Mozilla/", "Opera/")
_CAMPAIGN = ("source", "medium", "name", "term", "content")
_UTM = frozenset(UTM)
_REMEMBERED = 8_192


@dataclass(frozen=True, kw_only=True)
class EnrichSettings(GeoSettings):
    """What enrichment looks at and keeps."""

    trusted_proxies: str = setting(
        "SLUICE_TRUSTED_PROXIES",
        TRUSTED_PROXIES,
        default="loopback",
    )
    keep_address: KeepAddress = setting(
        "SLUICE_IP",
        "Of an address: truncate (to /24, IPv6 /48), keep, or drop; its country is kept.",
        default="truncate",
    )


class Enricher:
    """Fills the enrichment columns of rows. Never raises but Rejected, from an event's handler."""

    def __init__(self, settings: EnrichSettings | None = None) -> None:
        settings = settings or EnrichSettings()
        self._keep = settings.keep_address
        self._places = Places(_country(settings.geo_file), settings.keep_address)
        self._agents = UserAgents()
        self._bots = Bots()
        self._program = functools.lru_cache(_REMEMBERED)(self._read_program)

    def warm(self) -> None:
        """Build the tables the first event would wait for (about 0.1 s); may run on another thread."""
        self._agents.warm()
        self._bots.warm()

    def enrich(
        self,
        row: Row,
        sender: Sender,
        properties: dict[str, Any],
        context: dict[str, Any],
        lookups: Sequence[Lookup] = (),
    ) -> None:
        """Set the enrichment columns of `row`; what a column holds already, the event's own field, is kept.

        A value is taken from the event's own field, else its context, else its properties, else the HTTP request.
        """
        handler = handler_of(row.event)
        handler.apply(row, properties)
        user_agent, address, referer, server, keep = sender
        if server and not user_agent.startswith(_BROWSERS):
            user_agent = address = referer = ""
        if context or referer or row.url or row.referrer or not handler.page_properties.isdisjoint(properties):
            _set_page(row, referer, properties, context, handler)
        if context:
            _set_library(row, context)
            user_agent = _text(context, "userAgent") or _text(context, "user_agent") or user_agent
        if user_agent:
            self._set_program(row, user_agent[:MOST_CHARACTERS])
        if context or address:
            self._set_place(row, address, context, keep or self._keep)
        if "os" in context or "device" in context:
            _set_stated(row, context)
        if lookups:
            look_up(row, properties, lookups)

    def _set_program(self, row: Row, text: str) -> None:
        client, reason = self._program(text)
        row.browser, row.browser_version, row.os, row.os_version, row.device = client
        # An SDK's own networking is no bot: a library that says who it is speaks for a person.
        if reason and not (row.library and reason.startswith(HTTP_LIBRARY)):
            row.bot, row.bot_reason = True, reason

    def _read_program(self, text: str) -> tuple[Client, str]:
        return self._agents.of(text), self._bots.reason(text)

    def _set_place(self, row: Row, address: str, context: dict[str, Any], keep: KeepAddress) -> None:
        sent = _text(context, "ip") if context else ""
        if not (sent or address):
            return
        place = self._places.of((sent or address)[:MAX_TEXT], keep)
        row.ip, row.country = place
        if sent and keep != "keep" and place is not NOWHERE:
            row.context_raw = msgspec.Raw(without_address(bytes(row.context_raw), sent, place.ip))


def _set_page(row: Row, referer: str, properties: dict[str, Any], context: dict[str, Any], handler: Handler) -> None:
    url, referrer = row.url, row.referrer
    told = _object(context, "page") if context else context
    if told:
        url = url or _text(told, "url")
        referrer = referrer or _text(told, "referrer")
    url = url or _first(properties, handler.addresses)
    referrer = referrer or _text(properties, "referrer")
    if told and not url:
        url = _text(told, "path") + _text(told, "search")
    site = ""
    if referer:
        here, site = sent_from(referer[:MAX_URL])
        url = url or here
    found = page(url[:MAX_URL], referrer[:MAX_URL], _campaign(row, properties, context), site)
    row.url, row.hostname, row.path, row.referrer, row.referrer_domain, utm, row.channel = found
    row.utm_source, row.utm_medium, row.utm_campaign, row.utm_term, row.utm_content = utm


def _country(path: str) -> Any:
    """The lookup of countries; where there is no usable file, one that knows none, and the log says so."""
    try:
        file = open_country_file(path)
    except CountryFileError as error:
        log.warning("countries_unknown", detail=str(error))
        metrics.COUNTRY_FILE_BUILT.set(0)
        return lambda _address: ""
    metrics.COUNTRY_FILE_BUILT.set(file.built.timestamp() if file.built else 0)
    return file.country


def _campaign(row: Row, properties: dict[str, Any], context: dict[str, Any]) -> Campaign:
    own = (row.utm_source, row.utm_medium, row.utm_campaign, row.utm_term, row.utm_content)
    told = _object(context, "campaign") if context else context
    if told:
        own = tuple([text or _text(told, name)[:MAX_TEXT] for text, name in zip(own, _CAMPAIGN, strict=True)])  # type: ignore[assignment]  # as many
    if not _UTM.isdisjoint(properties):
        given = [name in properties and _text(properties, name)[:MAX_TEXT] for name in UTM]
        own = tuple([text or told or "" for text, told in zip(own, given, strict=True)])  # type: ignore[assignment]  # as many
    return own


def _set_stated(row: Row, context: dict[str, Any]) -> None:
    """What a native SDK states of the device beats what its User-Agent lets guess."""
    _, _, system, version, device = stated(context)
    if system:
        row.os, row.os_version = system, version
    row.device = device or row.device


def _set_library(row: Row, context: dict[str, Any]) -> None:
    library = _object(context, "library")
    row.library = row.library or _text(library, "name")[:MAX_TEXT]
    row.library_version = row.library_version or _text(library, "version")[:MAX_TEXT]


def _object(values: dict[str, Any], name: str) -> dict[str, Any]:
    found = values.get(name)
    return found if isinstance(found, dict) else {}


def _text(values: dict[str, Any], name: str) -> str:
    """A text, or a whole number as one (campaigns have such names); '' for anything else."""
    found = values.get(name)
    if isinstance(found, str):
        return found
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else ""


def _first(values: dict[str, Any], names: Sequence[str]) -> str:
    for name in names:
        if name in values and (text := _text(values, name)):
            return text
    return ""
