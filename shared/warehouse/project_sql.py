"""A project's SELECT made safe: read into a tree, every table replaced by the project's own rows, written anew.

Nothing of the asker's text reaches the engine. Names of tables are resolved here and nowhere else: a WITH query gets a
name nobody can write, a known table becomes a subquery (see project_tables), and every other name is refused, also
after IN, where ClickHouse takes a bare name for a table.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from uuid import UUID

from sqlglot import exp

from shared.warehouse.project_dialect import check_node, parse, render, tokenize
from shared.warehouse.project_rules import (
    DATABASE_FUNCTIONS,
    FORMATS,
    QUERY_IS_TOO_LARGE,
    READONLY,
    UNKNOWN_DATABASE,
    UNKNOWN_FORMAT,
    UNKNOWN_TABLE,
    USER_FUNCTIONS,
    ProjectSqlError,
    denied,
    syntax_error,
)
from shared.warehouse.project_tables import CATALOGUE, DATABASE, TABLES, Wanted, relation

LONGEST = 64 * 1024
# What a client may call the database; `default` is what drivers send when nobody says anything.
_OWN = frozenset({"", DATABASE, "default"})
_CATALOGUES = frozenset(database for database, _ in CATALOGUE)
_SELECTS = frozenset({"SELECT", "WITH", "FROM", "("})
_PROPERTIES = "properties"
_UNITS = frozenset(
    {"YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND"}
)
_WITH_UNIT = re.compile(r"(?:date|timestamp)_?(?:add|sub|diff)", re.IGNORECASE)


@dataclass(frozen=True)
class Allowed:
    """What a statement may name beside the project's tables; as it is, what clients of SQL need.

    `views` are further tables by name, each a whole SELECT of ours over the project's own rows; `computed` are further
    columns of `events`. Without `catalogue` nothing is told of the server, and without `formats` FORMAT is refused.
    `stored_in` is the engine's name of the database.
    """

    catalogue: bool = True
    formats: bool = True
    views: Mapping[str, str] = field(default_factory=dict)
    computed: Mapping[str, str] = field(default_factory=dict)
    stored_in: str = DATABASE


USUAL = Allowed()


def rewrite(sql: str, project_id: UUID, database: str = DATABASE, allowed: Allowed = USUAL) -> str:
    """The statement to run for a project, and nothing but a SELECT.

    `sql` is one SELECT, or SHOW DATABASES|TABLES, DESCRIBE and EXISTS of a known table. `database` is where unqualified
    names are looked up: the warehouse's, `system` or `information_schema`. Raises ProjectSqlError for everything
    else. The result names tables of `sluice` and `system` only inside the SELECTs of project_tables.
    """
    if len(sql) > LONGEST:
        raise ProjectSqlError(
            QUERY_IS_TOO_LARGE, "QUERY_IS_TOO_LARGE", f"The query is larger than {LONGEST} characters"
        )
    tree = parse(_as_select(sql))
    if not isinstance(tree, exp.Query):
        raise ProjectSqlError(READONLY, "READONLY", "Cannot execute query in readonly mode: this login may only SELECT")
    try:
        return _Rewriting(project_id, _database(database), allowed).run(tree)
    except RecursionError:
        raise syntax_error("it is nested too deeply") from None


def _database(name: str) -> str:
    name = name.lower() if name.lower() in _CATALOGUES else name
    if name in _OWN:
        return DATABASE
    if name not in _CATALOGUES:
        raise ProjectSqlError(UNKNOWN_DATABASE, "UNKNOWN_DATABASE", f"Database {name} does not exist: use {DATABASE}")
    return name


@dataclass
class _Rewriting:
    """One statement on its way; `names` counts the WITH queries."""

    project_id: UUID
    database: str
    allowed: Allowed = USUAL
    names: int = 0
    wanted: Wanted = field(default_factory=Wanted)

    def run(self, tree: exp.Expr) -> str:
        for node in tree.walk():
            try:
                check_node(node)
            except ProjectSqlError as error:
                error.at = _place(node) if error.at is None else error.at
                raise
        _check_formats(tree, allowed=self.allowed.formats)
        self.wanted = replace(_wanted(tree), computed=self.allowed.computed)
        self._visit(tree, {})
        return render(tree)

    def _visit(self, node: exp.Expr, visible: Mapping[str, str]) -> None:
        """Resolve the tables below a node; `visible` are the WITH queries by the names they were given."""
        match node:
            case exp.Table():
                with _placed(node):
                    self._table(node, visible)
                return
            case exp.In():
                with _placed(node):
                    self._membership(node, visible)
            case exp.Select():
                if not node.expressions:
                    raise syntax_error("SELECT of nothing")
                _merge_prewhere(node)
            case exp.Anonymous():
                self._call(node)
            case exp.Column() if node.db in _OWN - {""} and node.table in TABLES:
                node.set("db", None)
        with_ = node.args.get("with_")
        if with_ is not None:
            visible = self._with(with_, visible)
        for child in list(node.iter_expressions()):
            if child is not with_:
                self._visit(child, visible)

    def _with(self, with_: exp.Expr, visible: Mapping[str, str]) -> Mapping[str, str]:
        for cte in with_.expressions:
            self._visit(cte.this, visible)
            if not isinstance(cte.this, exp.Query) or cte.args.get("scalar"):
                continue
            self.names += 1
            given = cte.args["alias"].this
            visible = {**visible, given.name: f"_sluice_with_{self.names}"}
            given.replace(exp.to_identifier(visible[given.name], quoted=True))
        return visible

    def _table(self, table: exp.Expr, visible: Mapping[str, str]) -> None:
        name = table.this
        if not isinstance(name, exp.Identifier):
            raise denied("table functions are not for this login: name a table")
        database = table.args.get("db")
        if not (database is None or isinstance(database, exp.Identifier)):
            raise denied("the name of a table is unfinished")  # `.events`
        renamed = visible.get(name.name) if database is None else None
        alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(name.name, quoted=True))
        outer = table.parent if isinstance(table.parent, exp.Final) else table
        if renamed is not None:
            source: exp.Expr = exp.Table(this=exp.to_identifier(renamed, quoted=True), alias=alias)
        else:
            text = self._relation(database.name if database is not None else None, name.name)
            source = exp.Subquery(this=exp.Var(this=text), alias=alias)
        outer.replace(source)

    def _relation(self, database: str | None, name: str) -> str:
        where = self.database if database is None else _database(database)
        if where == DATABASE and name in self.allowed.views:
            return self.allowed.views[name]
        known_as = name if where != "information_schema" else name.lower()
        found = relation(where, known_as, self.project_id, self.wanted, self.allowed.stored_in)
        if found is None or (where in _CATALOGUES and not self.allowed.catalogue):
            known = ", ".join((*TABLES, *self.allowed.views))
            message = f"Unknown table expression identifier '{name}': this login knows {known}"
            raise ProjectSqlError(UNKNOWN_TABLE, "UNKNOWN_TABLE", message)
        return found

    def _membership(self, node: exp.Expr, visible: Mapping[str, str]) -> None:
        """`x IN name` and `x IN (name)` are of a table where there is one: only a WITH query may be meant."""
        named = node.args.get("field")
        values = node.expressions
        if named is None and len(values) == 1:
            named = values[0].unnest()
        if named is None or isinstance(named, exp.Literal | exp.Tuple | exp.Array | exp.Placeholder | exp.Subquery):
            return
        if isinstance(named, exp.Column) and not named.table and named.name in visible:
            rows = exp.Select(expressions=[exp.Star()]).from_(exp.Table(this=named.this.copy()))
            node.set("field", None)
            node.set("expressions", None)
            node.set("query", exp.Subquery(this=rows))
            return
        if isinstance(named, exp.Column | exp.Dot | exp.Identifier):
            raise denied("after IN a name is a table: write IN (SELECT … FROM …) or has(array, value)")

    def _call(self, call: exp.Expr) -> None:
        name = call.name.lower()
        if name in DATABASE_FUNCTIONS:
            call.replace(exp.Literal.string(DATABASE))
        elif name in USER_FUNCTIONS:
            call.replace(exp.Literal.string(str(self.project_id)))
        elif _WITH_UNIT.fullmatch(name) and call.expressions:
            unit = call.expressions[0]
            if isinstance(unit, exp.Column) and unit.name.upper() in _UNITS:
                # a keyword there, and quoted it would be a column
                unit.replace(exp.Var(this=unit.name.upper()))


@contextmanager
def _placed(node: exp.Expr) -> Iterator[None]:
    """A refusal within is given the place of the node, or of the first below it that has one."""
    try:
        yield
    except ProjectSqlError as error:
        error.at = _place(node) if error.at is None else error.at
        raise


def _place(node: exp.Expr) -> int | None:
    """Where a node begins in the text, or the first below it that knows."""
    return next((one.meta["start"] for one in node.walk() if "start" in one.meta), None)


def _wanted(tree: exp.Expr) -> Wanted:
    names = [node.name for node in tree.find_all(exp.Identifier)]
    paths = [path for column in tree.find_all(exp.Column) if (path := _path(column))]
    stars = (
        star for star in tree.find_all(exp.Star) if not isinstance(star.parent, exp.Anonymous | exp.AnonymousAggFunc)
    )
    whole = names.count(_PROPERTIES) != len(paths) or any(stars) or tree.find(exp.Columns) is not None
    return Wanted(frozenset(names), None if whole else frozenset(paths))


def _path(column: exp.Column) -> tuple[str, ...]:
    """The path of `[alias.]properties.path`; () for every other column, and for one with more behind it."""
    parts = [part.name for part in column.parts]
    if len(parts) > 1 and parts[0] != _PROPERTIES:
        del parts[0]
    longer = isinstance(column.parent, exp.Dot | exp.JSONCast | exp.NestedJSONSelect)
    return tuple(parts[1:]) if parts[0] == _PROPERTIES and not longer else ()


def _merge_prewhere(select: exp.Expr) -> None:
    """PREWHERE is for a table; what stands in its place is a subquery."""
    prewhere = select.args.get("prewhere")
    if prewhere is not None and isinstance(select, exp.Select):
        select.set("prewhere", None)
        select.where(prewhere.this, copy=False)


def _check_formats(tree: exp.Expr, *, allowed: bool) -> None:
    for node in tree.find_all(exp.Query):
        wanted = node.args.get("format")
        if wanted is None:
            continue
        if not allowed:
            raise ProjectSqlError(UNKNOWN_FORMAT, "UNKNOWN_FORMAT", "leave FORMAT out: the answer has its own")
        if node is not tree:
            raise syntax_error("FORMAT stands at the end of the statement")
        if wanted.name.lower() not in FORMATS:
            raise ProjectSqlError(UNKNOWN_FORMAT, "UNKNOWN_FORMAT", f"Unknown format {wanted.name} for this login")
        tree.set("format", exp.Var(this=wanted.name))


def _as_select(sql: str) -> str:
    """SHOW, DESCRIBE and EXISTS as the SELECT that answers them; a SELECT as it is."""
    words = tokenize(sql)
    first = words[0].upper() if words else ""
    if first in _SELECTS:
        return sql
    tail = ""
    if len(words) > 2 and words[-2].upper() == "FORMAT":  # noqa: PLR2004 (FORMAT, its name and something before)
        words, tail = words[:-2], f" FORMAT {words[-1]}"
    found = _shown([word.upper() for word in words], words)
    if found is None:
        raise ProjectSqlError(READONLY, "READONLY", f"Cannot execute {first or 'nothing'}: this login may only SELECT")
    return found + tail


def _shown(upper: Sequence[str], words: Sequence[str]) -> str | None:
    match upper:
        case ["SHOW", "DATABASES"]:
            return "SELECT name FROM system.databases"
        case ["SHOW", "TABLES", *rest]:
            return _tables(rest, words[2:])
        case ["DESCRIBE" | "DESC", "TABLE", *_] if len(words) > 2:  # noqa: PLR2004 (the keywords and a name)
            return _described(words[2:])
        case ["DESCRIBE" | "DESC", _, *_]:
            return _described(words[1:])
        case ["EXISTS", "DATABASE", _]:
            return f"SELECT toUInt8(count()) AS result FROM system.databases WHERE name = {_text(words[2])}"
        case ["EXISTS", "TABLE", *_] if len(words) > 2:  # noqa: PLR2004 (the keywords and a name)
            return _existing(words[2:])
        case ["EXISTS", _, *_]:
            return _existing(words[1:])
        case _:
            return None


def _tables(upper: Sequence[str], words: Sequence[str]) -> str | None:
    database, pattern = DATABASE, "%"
    match upper:
        case []:
            pass
        case ["FROM" | "IN", _]:
            database = words[1]
        case ["LIKE", _]:
            pattern = words[1]
        case ["FROM" | "IN", _, "LIKE", _]:
            database, pattern = words[1], words[3]
        case _:
            return None
    named = f"database = {_text(_database(database))} AND name LIKE {_text(pattern)}"
    return f"SELECT name FROM system.tables WHERE {named} ORDER BY name"


def _named(words: Sequence[str]) -> str | None:
    match words:
        case [table]:
            return f"`table` = {_text(table)}"
        case [database, ".", table]:
            return f"database = {_text(_database(database))} AND `table` = {_text(table)}"
        case _:
            return None


def _described(words: Sequence[str]) -> str | None:
    named = _named(words)
    if named is None or words[-1] not in TABLES:
        raise ProjectSqlError(UNKNOWN_TABLE, "UNKNOWN_TABLE", f"Unknown table: this login knows {', '.join(TABLES)}")
    columns = "name, type, default_kind AS default_type, default_expression, comment"
    return (
        f"SELECT {columns}, '' AS codec_expression, '' AS ttl_expression FROM system.columns"
        f" WHERE {named} ORDER BY position"
    )


def _existing(words: Sequence[str]) -> str | None:
    named = _named(words)
    return f"SELECT toUInt8(count() > 0) AS result FROM system.columns WHERE {named}" if named else None


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
