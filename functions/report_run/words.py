"""The words of reports in both languages, as words.toml has them."""

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path

from shared.notifications import Language

_FILE = Path(__file__).parent / "words.toml"
_LANGUAGES: tuple[Language, ...] = ("en", "ru")


def say(language: Language, word: str) -> str:
    """A word in a language; raises KeyError where there is none."""
    return _words()[word][_LANGUAGES.index(language)]


def known(language: Language, word: str) -> str:
    """The same for what may be a name of the project's own, which stays as it is."""
    return say(language, word) if word in _words() else word


@functools.cache
def _words() -> Mapping[str, list[str]]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))
