"""The second look at a project's statement: as the engine itself spells it, for names its tree would never hold.

sqlglot may read a text otherwise than the engine does. What the engine understood is what it prints, in one spelling
without comments or escapes; every table, function and database in that must be one the tree was allowed to have.
"""

import re
from collections.abc import Iterable
from uuid import UUID

from shared.warehouse.project_rules import ProjectSqlError, denied, is_allowed_function
from shared.warehouse.project_tables import CATALOGUE, DATABASE, TABLES

EMPTY_DATABASE = "sluice_project"
"""Where a name that slipped through would be looked up: nothing is in it."""
TOKEN = re.compile(r"'(?:[^'\\]|\\.|'')*'|`(?P<quoted>(?:[^`\\]|\\.)*)`|(?P<word>[^\W\d]\w*)|(?P<open>\()")

# What the engine writes before a bracket beside functions.
_KEYWORDS = frozenset({"cast", "columns", "except", "exists", "extract", "in", "interval", "replace", "apply"})
_WORD = re.compile(r"\w+")
_DATABASES = frozenset({DATABASE, EMPTY_DATABASE, "system", "information_schema", "default"})
_OWN_ROWS = r"(?:{tables}) FINAL PREWHERE project_id = toUUID\('(?P<project>[0-9a-f-]{{36}})'\)"


def forbidden_names(functions: Iterable[str]) -> frozenset[str]:
    """Of the names of the engine's functions those that may stand nowhere in a statement, in lower case.

    A name that a column of ours has is not among them: the tree decides whether it is called.
    """
    columns = set(_WORD.findall(" ".join((*CATALOGUE.values(), *(" ".join(t.columns) for t in TABLES.values())))))
    named = {name.lower() for name in functions} - columns
    return frozenset(name for name in named if not is_allowed_function(name))


def look_through(
    text: str, project_id: UUID, forbidden: frozenset[str], ours: Iterable[str] = (), stored_in: str = DATABASE
) -> None:
    """Raise ProjectSqlError where the engine understands something otherwise than the tree was meant.

    `text` is the statement and `ours` further pieces of ours in it, all in the engine's spelling in one line.
    `stored_in` is the database of the project's tables.
    """
    for inner in (*CATALOGUE.values(), *ours):
        text = text.replace(inner, "")
    own_rows = rf"FROM {re.escape(stored_in)}\.{_OWN_ROWS.format(tables='|'.join(TABLES))}"
    text = re.sub(own_rows, lambda found: _own(found, project_id), text)
    databases = {*_DATABASES, stored_in.lower()}
    called, ends = "", -1
    for token in TOKEN.finditer(text):
        name = (token["quoted"] or token["word"] or "").lower()
        calls = token["open"] and called and ends == token.start()
        if calls and called not in _KEYWORDS and not is_allowed_function(called):
            raise _not_for_it(called)
        if name in forbidden - _KEYWORDS or (name in databases and text[token.end() :].startswith(".")):
            raise _not_for_it(name)
        called, ends = name, token.end()


def _own(found: re.Match[str], project_id: UUID) -> str:
    if found["project"] != str(project_id):
        raise _not_for_it(found["project"])
    return ""


def _not_for_it(name: str) -> ProjectSqlError:
    return denied(f"this login may not use the name {name}")
