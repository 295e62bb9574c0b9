"""A User-Agent as browser, system and kind of device.

ua-parser knows browsers and systems; it names models of devices but not their kind, which is told here from the few
words that makers agree on. Its tables cost about 80 ms to build, so they are built at the first text that needs them,
or before by `warm` on another thread.
"""

import re
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ua_parser.core import OS, Resolver, UserAgent

MOST_CHARACTERS = 1_000
_UNKNOWN = "Other"

# The first row that matches says what it is.
_KINDS = [
    (
        "tv",
        r"smart-?tv|googletv|apple ?tv|android tv|tizen.*\btv\b|web0s|bravia|\baft[a-z]|roku|crkey|hbbtv|netcast|viera",
    ),
    ("console", r"playstation|xbox|nintendo"),
    ("wearable", r"watch|wear os|\bsm-r\d"),
    ("tablet", r"ipad|tablet|playbook|kindle|\bsm-t\d|\bkf[a-z]{2,}|android(?!.*\bmobile\b)"),
    ("mobile", r"mobile|iphone|ipod|android|windows phone|blackberry|bb10|opera mini|symbian|kaios"),
    ("desktop", r"windows nt|macintosh|mac os x|x11|cros|linux|freebsd|openbsd"),
]
_PLATFORM_KINDS = {"ios": "mobile", "android": "mobile", "web": "", "browser": ""}


class Client(NamedTuple):
    """The program an event came from; '' where the text does not say. Versions are `major.minor`, without `.0`."""

    browser: str = ""
    browser_version: str = ""
    os: str = ""
    os_version: str = ""
    device: str = ""


class UserAgents:
    """Reads User-Agent texts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._resolver: Resolver | None = None
        self._kinds = [(kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _KINDS]

    def warm(self) -> None:
        """Build the tables; may run on a thread, whoever needs them meanwhile waits."""
        self._opened()

    def of(self, text: str) -> Client:
        """The program of that User-Agent; 15 µs, so remember it."""
        if not text:
            return Client()
        from ua_parser.core import Domain

        found = self._opened()(text, Domain.USER_AGENT | Domain.OS)
        browser, version = _named(found.user_agent)
        system, system_version = _named(found.os)
        return Client(browser, version, system, system_version, self._kind(text))

    def _kind(self, text: str) -> str:
        return next((kind for kind, pattern in self._kinds if pattern.search(text)), "other")

    def _opened(self) -> "Resolver":
        with self._lock:
            if self._resolver is None:
                from ua_parser.loaders import load_lazy_builtins
                from ua_parser.regex import Resolver

                browsers, systems, _ = load_lazy_builtins()
                self._resolver = Resolver((browsers, systems, []))
            return self._resolver


def _named(found: "UserAgent | OS | None") -> tuple[str, str]:
    if found is None or found.family == _UNKNOWN:
        return "", ""
    return found.family, version(found.major, found.minor)


def version(major: str | None, minor: str | None) -> str:
    """`17.5`, `129` where the rest is only zeros, `XP` where it is a name."""
    if not major:
        return ""
    return f"{major}.{minor}" if minor and minor.strip("0") else major


def stated(context: dict[str, Any]) -> Client:
    """What a native SDK says of itself in `context.os` and `context.device`; nothing of a browser."""
    system, device = context.get("os"), context.get("device")
    name, number = (system.get("name"), system.get("version")) if isinstance(system, dict) else (None, None)
    kind = device.get("type") if isinstance(device, dict) else None
    return Client(os=_text(name), os_version=_text(number), device=_kind_of(_text(kind)))


def _kind_of(text: str) -> str:
    lower = text.lower()
    known = {kind for kind, _ in _KINDS} | {"other"}
    return lower if lower in known else _PLATFORM_KINDS.get(lower, "")


def _text(value: object) -> str:
    return value[:200] if isinstance(value, str) else ""
