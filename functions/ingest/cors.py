"""CORS on every ingest path: which pages of the web may send events from a browser.

Keys authorise, cookies never do, so any page may send by default. The answer names the page's own origin instead of
`*`, and allows credentials: `navigator.sendBeacon` always sends with credentials, and browsers then refuse `*`.
Nothing here may ever read a cookie.
"""

import dataclasses
import re
from collections.abc import Mapping

from shared.config import ConfigError, setting

ORIGINS = "SLUICE_CORS_ORIGINS"
ANY = "*"

_METHODS = "POST, OPTIONS"
_MAX_AGE = "86400"  # Firefox' maximum; the others cut it to theirs
_EXPOSED = "x-request-id, retry-after"
_ALLOWED = (
    "content-type",
    "content-encoding",
    "x-api-key",
    "authorization",
    "idempotency-key",
    "x-request-id",
    "traceparent",
    "tracestate",
)
_CE_HEADER = re.compile(r"ce-[a-z0-9]{1,64}")
_MOST_CE_HEADERS = 50
_ORIGIN = re.compile(r"(?:null|[a-z][a-z0-9+.-]*://(?:\*\.)?(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?)")
# What an Origin header may hold to be said back in ours: no space, comma or control character.
_SAYABLE = re.compile(r"[!-+\--~]{1,512}")
_VARY = {"vary": "origin"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class CorsSettings:
    """Which origins may send from a browser."""

    cors_origins: str = setting(
        ORIGINS,
        "Origins whose pages may send events (https://shop.example,https://*.shop.example), comma-separated; * is any.",
        default=ANY,
    )


class Cors:
    """The headers for requests from pages; made once from the setting, raises ConfigError where it is not usable."""

    def __init__(self, origins: str = ANY) -> None:
        listed = [origin.strip().rstrip("/").lower() for origin in origins.split(",") if origin.strip()]
        self._any = ANY in listed
        wrong = [origin for origin in listed if origin != ANY and not _ORIGIN.fullmatch(origin)]
        if wrong or not listed:
            shown = ", ".join(wrong) or repr(origins)
            raise ConfigError([f"{ORIGINS} holds {shown}: an origin is scheme://host[:port], or *"])
        self._exact = frozenset(origin for origin in listed if "*" not in origin)
        wildcards = [origin.partition("*") for origin in listed if "*" in origin and origin != ANY]
        self._wildcards = [(before, after) for before, _, after in wildcards]

    def allows(self, origin: str) -> bool:
        """Whether pages of that origin may send."""
        if self._any:
            return True
        origin = origin.lower()
        return origin in self._exact or any(
            origin.startswith(before) and origin.endswith(after) and len(origin) > len(before) + len(after)
            for before, after in self._wildcards
        )

    def answer(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """What to add to any answer, success or error; nothing for a request that no browser sent across origins."""
        origin = headers.get("origin")
        if origin is None:
            return {}
        if not _SAYABLE.fullmatch(origin) or not self.allows(origin):
            return _VARY
        return {
            "access-control-allow-origin": origin,
            "access-control-allow-credentials": "true",
            "access-control-expose-headers": _EXPOSED,
            "vary": "origin",
        }

    def preflight(self, headers: Mapping[str, str]) -> dict[str, str]:
        """What to answer OPTIONS with, beside what `answer` adds; needs no key and has no body.

        CloudEvents have headers of any name that begins with `ce-`: those asked for are allowed.
        """
        asked = headers.get("access-control-request-headers", "")[:8_192].lower().split(",")
        names = (name.strip() for name in asked)
        more = sorted({name for name in names if _CE_HEADER.fullmatch(name)})[:_MOST_CE_HEADERS]
        return {
            "access-control-allow-methods": _METHODS,
            "access-control-allow-headers": ", ".join((*_ALLOWED, *more)),
            "access-control-max-age": _MAX_AGE,
            "allow": _METHODS,
        }
