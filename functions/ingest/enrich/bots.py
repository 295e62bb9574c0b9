"""Whether a User-Agent is a program and not a person, and why: a flag on the event, never a refusal.

The list is the community's (`crawler-user-agents`): every entry has a kind, which becomes the reason, such as
`search-engine: Googlebot`. What is plainly one of the common browsers is not looked up at all.
"""

import importlib.util
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from ua_parser_rs import UserAgentExtractor

_PACKAGE, _LIST = "crawleruseragents", "crawler-user-agents.json"
_MOST_NAME = 60
HTTP_LIBRARY = "http-library"

_BROWSER = re.compile(
    r"Mozilla/5\.0 \((?:Windows NT [\d.]+(?:; (?:Win64|x64|WOW64))*|Macintosh; Intel Mac OS X [\d_.]+"
    r"|X11; (?:Ubuntu; )?(?:Linux|CrOS) [\w .]+|iPhone; CPU iPhone OS [\d_]+ like Mac OS X"
    r"|iPad; CPU OS [\d_]+ like Mac OS X|Linux; Android [\d.]+; K)(?:; rv:[\d.]+)?\)"
    r"(?: (?:AppleWebKit|Gecko|Chrome|Version|Mobile|Safari|Firefox|CriOS|FxiOS|Edg|EdgA|EdgiOS|OPR|YaBrowser"
    r"|SamsungBrowser)/[\w.]+(?: \(KHTML, like Gecko\))?| Mobile)+"
)
# Not in the list, but what programs of all kinds call themselves.
_WORDS = re.compile(
    r"(?<!cu)bots?\b|\bcrawl(?:er|ing)?\b|\bspider\b|\bscrap(?:er|ing)\b|\bheadless|\bwebdriver\b|\bslimerjs\b",
    re.IGNORECASE,
)
_LIBRARIES = re.compile(
    r"(?:java|ruby|guzzlehttp|faraday|undici|node|deno|bun|postmanruntime|insomnia|k6|vegeta|locust|reqwest|ureq"
    r"|libcurl|powershell|typhoeus|rest-client|requests|apache-httpasyncclient|winhttp)\b",
    re.IGNORECASE,
)
# Networking of phone apps, and a cache that hides what the person's browser said: there is a person behind them.
_PEOPLE = frozenset({"okhttp", "httpurlconnection", "amazon cloudfront"})


class _Crawler(msgspec.Struct):
    pattern: str
    tags: list[str] = []
    instances: list[str] = []


class Bots:
    """Judges User-Agent texts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._crawlers: list[_Crawler] = []
        self._extractor: UserAgentExtractor | None = None

    def warm(self) -> None:
        """Build the list's matcher; may run on a thread, whoever needs it meanwhile waits."""
        self._opened()

    def reason(self, text: str) -> str:
        """Why this is a bot, as `kind: name`; '' for a person, and for no text at all."""
        if not text or _BROWSER.fullmatch(text):
            return ""
        if found := self._opened().extract(text):
            return _from_list(self._crawlers[int(found.family)], text)
        if library := _LIBRARIES.match(text):
            return f"{HTTP_LIBRARY}: {library[0]}"
        word = _WORDS.search(text)
        return f"other: {word[0]}" if word else ""

    def _opened(self) -> "UserAgentExtractor":
        with self._lock:
            if self._extractor is None:
                from ua_parser_rs import UserAgentExtractor

                self._crawlers = _read_list()
                self._extractor = UserAgentExtractor(
                    (crawler.pattern, str(index), None, None, None, None)
                    for index, crawler in enumerate(self._crawlers)
                )
            return self._extractor


def _from_list(crawler: _Crawler, text: str) -> str:
    found = re.search(crawler.pattern, text)
    name = found[0].strip(" /;(),\\")[:_MOST_NAME] if found else crawler.pattern
    if name.lower() in _PEOPLE:
        return ""
    return f"{crawler.tags[0] if crawler.tags else 'other'}: {name}"


def _read_list() -> list[_Crawler]:
    """The list as the package carries it, without importing the package: that reads it a slower way."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(_PACKAGE)
    return msgspec.json.decode((Path(spec.origin).parent / _LIST).read_bytes(), type=list[_Crawler])
