"""What the door must know of a statement before the engine runs it, and whether it may run at all."""

import itertools
import re
from dataclasses import dataclass

from shared.local.chdb_engine import Connection, EngineError

NOT_IMPLEMENTED = 48
SYNTAX_ERROR = 62
READONLY = 164

_COMMENT = rb"--[^\n]*|\#[\ !][^\n]*|/\*.*?\*/"
_TOKEN = re.compile(
    rb"(?P<comment>" + _COMMENT + rb")"
    rb"|(?P<quoted>'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\")"
    rb"|(?P<heredoc>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"
    rb"|(?P<word>[A-Za-z_]\w*)|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<end>;)",
    re.DOTALL,
)
_INSERT = re.compile(rb"(?:\s+|" + _COMMENT + rb")*INSERT\b", re.DOTALL | re.IGNORECASE)
_SETTINGS = re.compile(rb"SETTINGS(?:\s+|" + _COMMENT + rb")+\w+\s*=", re.DOTALL | re.IGNORECASE)
_DATA = re.compile(rb"[ \t\f]*\r?\n?")
_DATA_FREE = frozenset({b"SELECT", b"WITH", b"VALUES", b"FROM", b"WATCH", b"EXPLAIN"})

# Formats whose pieces, one block each, are together the same as the whole: no header, footer or frame.
_CONCATENABLE = frozenset(
    {"native", "tabseparated", "tsv", "tabseparatedraw", "tsvraw", "csv", "rowbinary", "jsoneachrow"}
    | {"ndjson", "jsonlines", "jsonl", "jsoncompacteachrow", "jsonstringseachrow", "tskv", "lineasstring"}
)
# The engine reads no more of a statement (max_query_size) unless told to.
_LONGEST = 1024 * 1024
_SELECTS = frozenset({b"SELECT", b"WITH", b"FROM", b"("})
# What adds rows outside the blocks, as keywords or as settings.
_FRAMING = frozenset({b"TOTALS", b"EXTREMES", b"OUTPUT_FORMAT_JSON_ARRAY_OF_ROWS"})


@dataclass(frozen=True)
class InsertHead:
    """`INSERT INTO … FORMAT name data` taken apart: what stands before FORMAT, the name, where data begin."""

    sql: bytes
    input_format: str
    data_at: int

    def from_file(self, path: str) -> bytes:
        """The same statement with its data in a file."""
        at, depth = len(self.sql), 0
        for token in _TOKEN.finditer(self.sql):
            depth += (token.lastgroup == "open") - (token.lastgroup == "close")
            if depth == 0 and token.lastgroup == "word" and _SETTINGS.match(self.sql, token.start()):
                at = token.start()
                break
        parts = (self.sql[:at], f"FROM INFILE '{path}'".encode(), self.sql[at:], f"FORMAT {self.input_format}".encode())
        return b"\n".join(parts)  # what stands before may end in a comment


def insert_head(text: bytes) -> InsertHead | None:
    """Take an INSERT with FORMAT and data apart; None for every other statement, INSERT … VALUES included."""
    if not _INSERT.match(text):
        return None
    depth, format_at = 0, -1
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "comment":
            continue
        if format_at >= 0 and kind == "word":
            data = _DATA.match(text, token.end())
            return InsertHead(text[:format_at], token[0].decode(), data.end() if data else token.end())
        format_at = -1
        depth += (kind == "open") - (kind == "close")
        if kind == "end":
            return None
        if kind == "word" and depth == 0:
            word = token[0].upper()
            if word in _DATA_FREE:
                return None
            if word == b"FORMAT":
                format_at = token.start()
    return None


@dataclass(frozen=True)
class Statement:
    """A statement without data: its first word, the FORMAT it asks for ('' if none), its other keywords.

    `single` says that nothing follows a semicolon.
    """

    first: bytes
    output_format: str
    single: bool
    words: frozenset[bytes]
    pairs: frozenset[tuple[bytes, bytes]]

    def streamable(self, output_format: str) -> bool:
        """Whether its result may be sent piece by piece: a SELECT, in a format without frame or totals."""
        return self.selects and output_format.lower() in _CONCATENABLE and not self.words & _FRAMING

    @property
    def selects(self) -> bool:
        """Whether it can be nothing but one SELECT."""
        return self.single and self.first in _SELECTS and b"INSERT" not in self.words

    @property
    def changes_session(self) -> bool:
        """Whether it is SET or USE, which a session keeps."""
        return self.first in {b"SET", b"USE"}


def read_statement(text: bytes) -> Statement:
    """Read `text` word by word, not the data after VALUES; what stands in quotes and comments is no word."""
    words: list[bytes] = []
    first, output_format = b"", b""
    depth, wanted, settled, ended, single = 0, False, False, False, len(text) <= _LONGEST
    for token in _TOKEN.finditer(text, 0, _LONGEST):
        kind = token.lastgroup
        if kind == "comment":
            continue
        first = first or token[0].upper()
        single = single and not ended
        ended = kind == "end"
        depth += (kind == "open") - (kind == "close")
        if kind == "word":
            word = token[0].upper()
            words.append(word)
            if word == b"VALUES" and first == b"INSERT" and depth == 0:
                break
            if wanted:
                output_format = token[0]
            elif depth == 0 and word == b"SETTINGS":
                settled = True
            elif not settled:
                # a word after the name: it was an alias or a column, not the clause
                output_format = b""
        wanted = kind == "word" and not wanted and depth == 0 and words[-1] == b"FORMAT"
    return Statement(first, output_format.decode(), single, frozenset(words), frozenset(itertools.pairwise(words)))


def check_statement(statement: Statement) -> None:
    """Refuse what a server's HTTP interface refuses too, or what would silently do something else here."""
    if (b"INTO", b"OUTFILE") in statement.pairs or (b"FROM", b"INFILE") in statement.pairs:
        raise EngineError(NOT_IMPLEMENTED, "INTO OUTFILE and FROM INFILE are for a client's own files")
    if (b"CREATE", b"TEMPORARY") in statement.pairs:
        raise EngineError(
            NOT_IMPLEMENTED,
            "A temporary table would not outlive this request: create a table with ENGINE = Memory",
        )
    if statement.first == b"INSERT" and b"INPUT" in statement.words:
        raise EngineError(
            NOT_IMPLEMENTED,
            "INSERT … SELECT FROM input() stores nothing in this engine: use the format() function",
        )


def check_single(connection: Connection, sql: bytes, statement: Statement, *, readonly: bool) -> str:
    """The statement's kind (see Classified); refuses several in one request and, for a reader, all but reads."""
    if statement.selects:
        # the engine's own answer takes half a millisecond for a long SELECT
        return "READ_ONLY"
    found = connection.classify(sql)
    if found.statements > 1:
        raise EngineError(SYNTAX_ERROR, "Syntax error (Multi-statements are not allowed)", "SYNTAX_ERROR")
    unreadable = found.kind == "UNKNOWN" and found.statements == 0
    if readonly and found.kind != "READ_ONLY" and not unreadable:
        raise EngineError(READONLY, "Cannot execute query in readonly mode", "READONLY")
    return found.kind
