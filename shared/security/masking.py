"""Secrets never reach a log or an error: what looks like one is masked, and so is what stands under a secret's name."""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

from shared.config import MASK

# Kept: the first characters of an API key or a share's token, by which people recognise them; of refresh tokens and of
# those that are mailed only what they are.
_TEXT = re.compile(
    r"(?P<key>(?:sl[ps]|shr)_[A-Za-z0-9_-]{4})[A-Za-z0-9_-]{16,}"
    r"|(?P<own>sl[rmi]_)[A-Za-z0-9_-]{16,}"
    r"|(?P<token>eyJ)[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.?[A-Za-z0-9_-]*"
    r"|(?P<webhook>whsec_)[A-Za-z0-9+/=_-]{8,}"
    r"|(?P<url>://[^/\s:@\"']*:)[^/\s@\"']+(?=@)"
    r"|(?P<scheme>(?i:\b(?:bearer|basic) ))[A-Za-z0-9._~+/=-]{6,}"
    r"|(?P<named>(?i:(?:password|passwd|secret|token|api_?key|authorization)\w*[\"']?\s*[=:]\s*[\"']?))"
    r"(?!\*{4})(?:(?i:bearer |basic ))?[^\s\"',;&}\])]{4,}"
)
_NAME = re.compile(
    r"(?i)passw|secret|token|authorization|cookie|credential|api[_-]?key|private|recovery|totp|signature"
)
# Without one of these a text holds no secret that could be told by its form.
_FORMS = ("sls_", "slp_", "slr_", "slm_", "sli_", "shr_", "eyJ", "whsec_", "://", "earer ", "asic ")
_DEEPEST = 6


def mask(text: str) -> str:
    """The text without its secrets: API keys, JSON Web Tokens, passwords in addresses, `password=…` and the like."""
    return _TEXT.sub(lambda found: f"{found[found.lastgroup or 0]}{MASK}", text)


def mask_forms(text: str) -> str:
    """The same where it must cost nothing: only a text that holds the beginning of a secret is looked through."""
    return mask(text) if any(form in text for form in _FORMS) else text


def mask_value(value: Any, depth: int = 0) -> Any:
    """The same of what a log line holds, however nested; what stands under a secret's name is masked whole."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, bytes):
        return mask(value.decode("utf-8", "replace"))
    if depth > _DEEPEST:
        return mask(repr(value))
    if isinstance(value, Mapping):
        return {name: _masked(name, inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [mask_value(inner, depth + 1) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return mask(repr(value))


def mask_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: the last but the one that writes."""
    for name, value in event.items():
        event[name] = _masked(name, value, 0)
    return event


def _masked(name: Any, value: Any, depth: int) -> Any:
    is_secret = isinstance(name, str) and _NAME.search(name) is not None
    return MASK if is_secret and value not in (None, "") and not isinstance(value, bool) else mask_value(value, depth)
