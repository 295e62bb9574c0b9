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
_USER = re.compile(r"^((?:[^/?#]*:)?//)[^/?#]*@")
_UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
_TOLD = frozenset({*_UTM, *CLICK_IDS})

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


@functools.lru_cache(_REMEMBERED)
def _location(sent: str) -> _Location:
    """The parts of an address, a relative one too, without user name and password."""
    text = _USER.sub(r"\1", _bounded(sent, MAX_URL))
    if not text:
        return _NOWHERE
    try:
        parts = urlsplit("//" + text if text.startswith("www.") else text)
        host = _host(parts)
    except ValueError:
        return _Location(text, "", "", "")
    if host:
        return _Location(text, host, parts.path or "/", parts.query)
    if _SCHEME.match(text):
        return _Location(text, "", "", "")
    return _Location(text, "", "/" + parts.path.lstrip("/"), parts.query)


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
    if "=" not in query:
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
