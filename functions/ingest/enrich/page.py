"""The page an event happened on and how its visitor came: address, referrer, campaign, channel. Nothing here raises."""

import functools
import re
import unicodedata
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, urlsplit

from functions.ingest.enrich.channels import CLICK_IDS, Origin, channel

MAX_URL = 2_048
MAX_TEXT = 512
_REMEMBERED = 4_096
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_SITE = re.compile(r"https?://[^/]+")
_USER = re.compile(r"^((?:[^/?#]*:)?//)[^/?#]*@")
_UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
_TOLD = frozenset({*_UTM, *CLICK_IDS})
# A query without any of these says nothing of how its visitor came; a % may spell one of them.
_TELLING = re.compile("|".join(["%", "utm_", *CLICK_IDS]), re.IGNORECASE)

Campaign = tuple[str, str, str, str, str]
NO_CAMPAIGN: Campaign = ("", "", "", "", "")


class Page(NamedTuple):
    """What the address and the referrer say, in the columns of the `events` table."""

    url: str = ""
    hostname: str = ""
    path: str = ""
    referrer: str = ""
    referrer_domain: str = ""
    campaign: Campaign = NO_CAMPAIGN
    channel: str = ""


class _Location(NamedTuple):
    url: str
    hostname: str
    path: str
    query: str


_NOWHERE = _Location("", "", "", "")


@functools.lru_cache(_REMEMBERED)
def page(url: str, referrer: str, campaign: Campaign = NO_CAMPAIGN, host: str = "") -> Page:
    """The page of an event.

    `campaign` are the values its sender gave, which beat those in the address; `host` is the site where the address
    is relative or missing.
    """
    here, before = _location(url), _location(referrer)
    host = here.hostname or host
    told = _told(here.query)
    utm: Campaign = tuple(map(_bounded, campaign))  # type: ignore[assignment]  # as many as came in
    utm = tuple(given or told.get(name, "") for given, name in zip(utm, _UTM, strict=True))  # type: ignore[assignment]  # as many
    internal = bool(before.hostname) and _same_site(host, before.hostname)
    domain = "" if internal else before.hostname.removeprefix("www.")
    by = ""
    if here.url or before.url or any(utm):
        click_id = next((name for name in CLICK_IDS if told.get(name)), "")
        by = channel(Origin(*utm[:3], click_id, domain, internal))
    return Page(here.url, host, here.path, before.url, domain, utm, by)


@functools.lru_cache(_REMEMBERED)
def sent_from(referer: str) -> tuple[str, str]:
    """What the header Referer of a browser's own request says: the page it was sent from, and that page's site.

    Browsers tell another site no more than the origin; then the page is '', not the site's front page.
    """
    here = _location(referer)
    return (here.url if here.path not in {"", "/"} or here.query else ""), here.hostname


def _location(sent: str) -> _Location:
    """The parts of an address, a relative one too, without user name and password."""
    text = _bounded(sent, MAX_URL)
    if not text:
        return _NOWHERE
    if "@" in text:
        text = _USER.sub(r"\1", text)
    clean = text.replace("\t", "").replace("\n", "").replace("\r", "")  # as browsers read an address
    address, _, query = clean.partition("#")[0].partition("?")
    site = _SITE.match(address)
    if site:  # sites repeat where whole addresses do not
        host, path = _host_and_path(site[0])
        return _Location(text, host, address[site.end() :] or "/", query) if host else _Location(text, "", "", "")
    host, path = _host_and_path(address)
    return _Location(text, host, path, query if path else "")


@functools.lru_cache(_REMEMBERED)
def _host_and_path(address: str) -> tuple[str, str]:
    """Host and path of an address without its query; '' where unknown."""
    try:
        parts = urlsplit("//" + address if address.startswith("www.") else address)
        host = _host(parts)
    except ValueError:
        return "", ""
    if host:
        return host, parts.path or "/"
    if _SCHEME.match(address):
        return "", ""
    return "", "/" + parts.path.lstrip("/")


def _host(parts: SplitResult) -> str:
    """The host as people read it: lower case, and `пример.рф` rather than `xn--e1afmkfd.xn--p1ai`."""
    host = (parts.hostname or "").rstrip(".")
    if host.isascii() and "xn--" not in host:
        return host
    import idna

    try:
        return idna.decode(host) if host.isascii() else unicodedata.normalize("NFKC", host).lower()
    except (idna.IDNAError, UnicodeError):
        return host


def _told(query: str) -> dict[str, str]:
    """Campaign values and click ids in the query of an address, the first of each."""
    if not _TELLING.search(query):
        return {}
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, errors="replace"):
        lower = name.lower()
        if lower in _TOLD and lower not in found:
            found[lower] = _bounded(value)
    return found


def _bounded(text: str, most: int = MAX_TEXT) -> str:
    return text.replace("\0", "").strip()[:most]


def _same_site(here: str, before: str) -> bool:
    """Whether both are one site: the same host but for `www.`, or one below the other."""
    one, other = here.removeprefix("www."), before.removeprefix("www.")
    return one == other or (bool(one) and (one.endswith("." + other) or other.endswith("." + one)))
