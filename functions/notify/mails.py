"""Templates → mails: a subject, a text and an HTML part that say the same.

A template sets `subject`, `body` (paragraphs with an empty line between), and where it has them `facts` (label and
value), `table`, `parts` (sections of a report; `brief` is what of them a message has room for), `button` (label and
address), `note` and `tone`; the layouts mail.html and mail.txt show these. `pictures` names the pictures that go with a
mail, which parts show by `cid:`. What a template has no value for is left out: a mail that says less is better than
none.
"""

import functools
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import ChainableUndefined, Environment, FileSystemLoader

from shared.notifications import Language, Template

FOLDER = Path(__file__).parent / "templates"
_LINKS = ("https://", "http://")
_UNITS: dict[Language, tuple[str, ...]] = {
    "en": ("bytes", "KiB", "MiB", "GiB", "TiB"),
    "ru": ("байт", "КиБ", "МиБ", "ГиБ", "ТиБ"),
}
_STEP = 1024
_SAID = ("subject", "body", "note", "table", "parts", "brief")
_SPACES = re.compile(r"[^\S\u00a0]+")  # a subject is one line; spaces inside of numbers stay


class Mail(NamedTuple):
    """A mail without its head."""

    subject: str
    text: str
    html: str


def render(template: Template, language: Language, values: Mapping[str, Any], public_url: str = "") -> Mail:
    """The mail of a template; raises jinja2.TemplateError where there is no such template or it cannot be filled."""
    parts = {kind: filled(kind, template, language, values, public_url) for kind in ("txt", "html")}
    subject = _SPACES.sub(" ", str(parts["txt"]["subject"])).strip()[:200]
    text = _environment("txt").get_template("mail.txt").render(parts["txt"]).strip() + "\n"
    html = _environment("html").get_template("mail.html").render(parts["html"], title=subject)
    return Mail(subject, text, html)


def filled(
    kind: str, template: Template, language: Language, values: Mapping[str, Any], public_url: str
) -> dict[str, Any]:
    """What a template says, for a layout of that kind (`txt` or `html`): `subject`, `paragraphs`, `facts`, `button`."""
    environment = _environment(kind)
    module = environment.get_template(f"{language}/{template}.jinja").make_module({**values, "home": public_url})
    found: dict[str, Any] = {
        name: getattr(module, name, "") for name in ("subject", "body", "note", "table", "parts", "brief")
    }
    found["paragraphs"] = [part.strip() for part in found["body"].split("\n\n") if part.strip()]
    found["facts"] = [(name, value) for name, value in getattr(module, "facts", ()) if str(_or_nothing(value)).strip()]
    label, address = getattr(module, "button", ("", ""))
    found["button"] = (label, address) if str(address).startswith(_LINKS) else None
    found["tone"] = getattr(module, "tone", "plain")
    pictures = values.get("pictures", [])
    return {**found, "language": language, "home": public_url, "pictures": pictures}


@functools.cache
def _environment(kind: str) -> Environment:
    """The templates' environment, one that escapes for HTML and one that does not."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=kind == "html",  # noqa: S701 (the text part is no markup)
        undefined=ChainableUndefined,
        finalize=_or_nothing,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=_number, size=_size, moment=_moment, share=_share)
    return environment


def _or_nothing(value: Any) -> Any:
    return "" if value is None else value


def _number(value: Any, language: Language = "en") -> str:
    """1,234,567.5 or, in Russian, 1 234 567,5."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value if isinstance(value, str) else ""
    digits = f"{value:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"
    return digits.replace(",", "\u00a0").replace(".", ",") if language == "ru" else digits


def _size(value: Any, language: Language = "en") -> str:
    """Bytes as people say them."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    amount, power = float(value), 0
    while amount >= _STEP and power < len(_UNITS["en"]) - 1:
        amount, power = amount / _STEP, power + 1
    return f"{_number(round(amount, 1), language)}\u00a0{_UNITS[language][power]}"


def _moment(value: Any, language: Language = "en") -> str:
    """An ISO instant to the minute, in its own offset; what is no instant stays as it is."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return "" if value is None else str(value)
    shown = found.strftime("%d.%m.%Y %H:%M" if language == "ru" else "%Y-%m-%d %H:%M")
    if found.tzinfo is None:
        return shown
    return f"{shown} {'UTC' if found.utcoffset() == UTC.utcoffset(None) else found.strftime('UTC%z')}"


def _share(value: Any, language: Language = "en") -> str:
    """A ratio as percents with a sign, of which there are none without a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    sign = "+" if value > 0 else "\u2212" if value < 0 else ""
    return f"{sign}{_number(round(abs(value) * 100, 1), language)}%"
