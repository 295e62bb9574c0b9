"""The closed lists of a project's login that need no parser: functions, formats, and what a refusal looks like."""

import functools
import re
from pathlib import Path

SYNTAX_ERROR = 62
UNKNOWN_TABLE = 60
UNKNOWN_FORMAT = 73
UNKNOWN_DATABASE = 81
NOT_IMPLEMENTED = 48
READONLY = 164
QUERY_IS_TOO_LARGE = 229
ACCESS_DENIED = 497

_FUNCTIONS = Path(__file__).with_name("project_functions.txt")
FORMATS = frozenset(
    {"csv", "csvwithnames", "csvwithnamesandtypes", "json", "jsoncolumns", "jsoncolumnswithmetadata", "jsoncompact"}
    | {"jsoncompactcolumns", "jsoncompacteachrow", "jsoncompacteachrowwithnames", "jsoncompactstrings", "jsonlines"}
    | {"jsoncompacteachrowwithnamesandtypes", "jsoncompactstringseachrow", "jsoncompactstringseachrowwithnames"}
    | {"jsoncompactstringseachrowwithnamesandtypes", "jsoneachrow", "jsonl", "jsonstrings", "jsonstringseachrow"}
    | {"ndjson", "markdown", "vertical", "xml", "values", "null", "native", "rowbinary", "rowbinarywithnames"}
    | {"rowbinarywithnamesandtypes", "arrow", "arrowstream", "parquet", "msgpack", "pretty", "prettycompact"}
    | {"tabseparated", "tabseparatedraw", "tabseparatedwithnames", "tabseparatedwithnamesandtypes", "tsv", "tsvraw"}
    | {"tsvwithnames", "tsvwithnamesandtypes", "tabseparatedrawwithnames", "tabseparatedrawwithnamesandtypes"}
    | {"tsvrawwithnames", "tsvrawwithnamesandtypes"}
)
_INSIDE = re.compile(r":? ?\(?\b(?:[Ii]n scope|[Ww]hile (?:executing|processing|reading|converting))\b.*", re.DOTALL)
_COMBINATORS = (
    *("simplestate", "ordefault", "distinct", "resample", "foreach", "ornull", "argmin", "argmax"),
    *("array", "state", "merge", "map", "if"),
)
# The engine would name itself, not what the client talks to: these are answered without it.
DATABASE_FUNCTIONS = frozenset(
    {"currentdatabase", "current_database", "database", "schema", "hostname", "fqdn", "fullhostname"}
)
USER_FUNCTIONS = frozenset({"currentuser", "current_user", "user"})


class ProjectSqlError(Exception):
    """What a project's login may not ask, or not in this way: ClickHouse's error number and name, and a sentence.

    `at` is the character of the statement where it stands, from 0; None where that is not known.
    """

    def __init__(self, code: int, name: str, message: str, at: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.name = name
        self.message = message
        self.at = at


def syntax_error(message: str, at: int | None = None) -> ProjectSqlError:
    return ProjectSqlError(SYNTAX_ERROR, "SYNTAX_ERROR", f"Syntax error: {message}", at)


def denied(message: str) -> ProjectSqlError:
    return ProjectSqlError(ACCESS_DENIED, "ACCESS_DENIED", f"Not enough privileges: {message}")


def without_insides(message: str) -> str:
    """An engine's error without where in its insides it was: it quotes our subqueries and the paths of its files."""
    return _INSIDE.sub("", message)


@functools.cache
def functions() -> frozenset[str]:
    """The names that may be called, in lower case."""
    lines = _FUNCTIONS.read_text(encoding="utf-8").splitlines()
    return frozenset(name.lower() for line in lines if not line.startswith("#") for name in line.split())


def is_allowed_function(name: str) -> bool:
    """Whether a function may be called: listed, alone or with aggregate combinators; or answered by us."""
    if name.lower() in DATABASE_FUNCTIONS | USER_FUNCTIONS:
        return True
    rest = name.lower()
    while rest not in functions():
        suffix = next((suffix for suffix in _COMBINATORS if rest.endswith(suffix) and rest != suffix), None)
        if suffix is None:
            return False
        rest = rest.removesuffix(suffix)
    return True
