"""ClickHouse's SQL as sqlglot reads it for a project's login, and the closed list of what may stand in it.

Calls stay calls by their own name (sqlglot would turn many into expressions of its own), so that one list of
functions decides. What sqlglot reads otherwise than the engine does no harm: the engine is given what is written out
of the tree, and only nodes, arguments, names and types of these lists are ever written.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

from sqlglot import ErrorLevel, exp
from sqlglot.dialects.clickhouse import ClickHouse
from sqlglot.parsers.clickhouse import ClickHouseParser

from shared.warehouse.project_rules import (
    NOT_IMPLEMENTED,
    READONLY,
    ProjectSqlError,
    denied,
    is_allowed_function,
    syntax_error,
)

_SPECIAL = frozenset({"CAST", "EXTRACT", "TRIM", "COLUMNS"})
_NAME = re.compile(r"[^\W\d]\w*")
_NUMBER = re.compile(r"\d*\.?\d*(?:[eE][+-]?\d+)?")
_LONGEST_NAME = 256
# An identifier where a function is expected is the function: these reach outside, whatever they stand in.
_REACHING = re.compile(
    r"file|dict(?:get|has|isin).*|joinget.*|hascolumnintable|ai(?:classify|embed|extract|filter|generate|redact|similarity"
    r"|translate)|catboost.*|sleep.*|get(?:macro|setting|server|mergetree|client|oskernel|maxtable).*|icebergbucket",
    re.IGNORECASE,
)
# Where a call takes a type's name as text.
_TYPE_AT = MappingProxyType({"accuratecast": 1, "accuratecastornull": 1, "accuratecastordefault": 1, "jsonextract": -1})
# Such a column would be read back from bytes of the asker.
_STATES = re.compile(r"aggregatefunction", re.IGNORECASE)


class ProjectParser(ClickHouseParser):
    """ClickHouse's grammar without sqlglot's own reading of functions."""

    FUNCTIONS: ClassVar = {}
    FUNCTION_PARSERS: ClassVar = {
        name: parse for name, parse in ClickHouseParser.FUNCTION_PARSERS.items() if name in _SPECIAL
    }
    NO_PAREN_FUNCTIONS: ClassVar = {}


class ProjectDialect(ClickHouse):
    """The dialect statements are read and written in."""

    class Tokenizer(ClickHouse.Tokenizer):
        """Every word a token, also after SHOW, where sqlglot would take the rest as one."""

        COMMANDS: ClassVar = set()

    Parser = ProjectParser


def parse(sql: str) -> exp.Expr:
    """The one statement in `sql`; raises ProjectSqlError."""
    from sqlglot.errors import ParseError, SqlglotError

    try:
        dialect = ProjectDialect()
        statements = dialect.parser(error_level=ErrorLevel.IMMEDIATE).parse(dialect.tokenize(sql), sql)
    except ParseError as error:
        raise syntax_error(_plainly(str(error)), _place(sql, error.errors)) from None
    except SqlglotError as error:
        raise syntax_error(_plainly(str(error))) from None
    except RecursionError:
        raise syntax_error("it is nested too deeply") from None
    found = [statement for statement in statements if statement is not None]
    if len(found) != 1 or isinstance(found[0], exp.Semicolon):
        raise syntax_error("one statement is expected (Multi-statements are not allowed)")
    return found[0]


def _place(sql: str, faults: Sequence[Mapping[str, Any]]) -> int | None:
    """The character at which the first fault stands; sqlglot counts columns to the end of what it stumbled over."""
    line, column = (faults[0].get(name) for name in ("line", "col")) if faults else (None, None)
    if not (isinstance(line, int) and isinstance(column, int)):
        return None
    before = sum(len(one) + 1 for one in sql.split("\n")[: line - 1])
    return max(0, min(before + column - len(str(faults[0].get("highlight") or " ")), len(sql)))


def _plainly(message: str) -> str:
    """The first line of sqlglot's words, without the names of its classes and what underlines a place on a terminal."""
    return re.sub(r"\x1b\[\d+m| for <.*?>|<.*", "", message.splitlines()[0])


def tokenize(sql: str) -> list[str]:
    """The words of a statement, unquoted, without comments and what ends it; raises ProjectSqlError."""
    from sqlglot.errors import SqlglotError

    try:
        words = [token.text for token in ProjectDialect().tokenize(sql)]
    except SqlglotError as error:
        raise syntax_error(_plainly(str(error))) from None
    while words and words[-1] == ";":
        words.pop()
    return words


def render(tree: exp.Expr) -> str:
    """The statement the engine is given."""
    return ProjectDialect().generate(
        tree, identify=True, comments=False, pretty=False, normalize_functions=False, unsupported_level=ErrorLevel.RAISE
    )


def is_reaching(name: str) -> bool:
    """Whether a name is a function's that reaches a file, a dictionary, a setting or another machine."""
    return _REACHING.fullmatch(name) is not None


# Nodes that only hold others; their text, if any, is sqlglot's own.
_PLAIN: tuple[type[exp.Expr], ...] = (
    *(exp.Where, exp.PreWhere, exp.Having, exp.Qualify, exp.From, exp.Order, exp.Ordered, exp.WithFill),
    *(exp.Limit, exp.Offset, exp.Distinct, exp.WindowSpec, exp.Alias, exp.Aliases, exp.Paren, exp.Tuple),
    *(exp.Array, exp.Bracket, exp.Dot, exp.Boolean, exp.Null, exp.Filter, exp.Lambda, exp.JSONCast),
    *(exp.NestedJSONSelect, exp.Case, exp.If, exp.Exists, exp.In, exp.Between, exp.Like, exp.ILike, exp.RegexpLike),
    *(exp.Not, exp.And, exp.Or, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ),
    *(exp.Is, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Neg, exp.DPipe, exp.Final),
    *(exp.Rollup, exp.Cube, exp.GroupingSets, exp.IgnoreNulls, exp.RespectNulls, exp.Columns),
    *(exp.TableAlias, exp.Trim, exp.Extract, exp.DataTypeParam, exp.Interval, exp.VarMap),
)
_CLAUSES = frozenset({"with_", "expressions", "distinct", "from_", "joins", "prewhere", "where", "group", "having"})
_CLAUSES |= {"qualify", "windows", "order", "limit", "offset", "format"}
# Nodes with parts that would reach further than the others: what of them may be filled.
_PARTS: Mapping[type[exp.Expr], frozenset[str]] = MappingProxyType(
    {
        exp.Select: _CLAUSES,
        **dict.fromkeys(
            (exp.Union, exp.Except, exp.Intersect),
            frozenset({"this", "expression", "distinct", "with_", "order", "limit", "offset", "format"}),
        ),
        exp.Subquery: frozenset({"this", "alias", "with_", "order", "limit", "offset", "format"}),
        exp.With: frozenset({"expressions"}),
        exp.CTE: frozenset({"this", "alias", "scalar"}),
        exp.Table: frozenset({"this", "db", "alias"}),
        exp.Join: frozenset({"this", "on", "using", "side", "kind", "method", "global_", "expressions"}),
        exp.Window: frozenset({"this", "partition_by", "order", "spec", "alias", "over"}),
        exp.Group: frozenset({"expressions", "grouping_sets", "cube", "rollup", "totals", "all"}),
        exp.Star: frozenset({"except_", "replace"}),
        exp.Column: frozenset({"this", "table", "db", "catalog"}),
    }
)
_CALLS = (exp.Anonymous, exp.AnonymousAggFunc, exp.CombinedAggFunc, exp.ParameterizedAgg, exp.CombinedParameterizedAgg)
_JOINS = frozenset(
    {"", "LEFT", "RIGHT", "FULL", "INNER", "OUTER", "CROSS", "SEMI", "ANTI", "ANY", "ALL", "ASOF", "ARRAY"}
)
_TYPES = frozenset(
    {*exp.DataType.INTEGER_TYPES, *exp.DataType.FLOAT_TYPES, *exp.DataType.TEXT_TYPES, *exp.DataType.TEMPORAL_TYPES}
    | {exp.DType.BOOLEAN, exp.DType.UUID, exp.DType.ARRAY, exp.DType.MAP, exp.DType.STRUCT}
    | {exp.DType.LOWCARDINALITY, exp.DType.DECIMAL, exp.DType.DECIMAL32, exp.DType.DECIMAL64, exp.DType.DECIMAL128}
    | {exp.DType.DECIMAL256, exp.DType.FIXEDSTRING, exp.DType.ENUM8, exp.DType.ENUM16, exp.DType.ENUM}
    | {exp.DType.IPV4, exp.DType.IPV6, exp.DType.JSON, exp.DType.DYNAMIC, exp.DType.VARIANT, exp.DType.INTERVAL}
)


def check_node(node: exp.Expr) -> None:
    """Refuse a node that is not of the lists; its children are checked one by one as well."""
    if type(node) in _PARTS:
        _check_parts(node)
    elif isinstance(node, _CALLS):
        _check_call(node)
    elif (check := _CHECKS.get(type(node))) is not None:
        check(node)
    elif type(node) not in _PLAIN:
        raise ProjectSqlError(NOT_IMPLEMENTED, "NOT_IMPLEMENTED", f"{_called(node)} is not supported for this login")


def _called(node: exp.Expr) -> str:
    return type(node).key.replace("_", " ").upper()


def _check_parts(node: exp.Expr) -> None:
    for part, value in node.args.items():
        if value and part not in _PARTS[type(node)]:
            if part == "settings":
                raise ProjectSqlError(READONLY, "READONLY", "Cannot modify settings: this login's are fixed")
            clause = part.rstrip("_").upper()
            raise ProjectSqlError(NOT_IMPLEMENTED, "NOT_IMPLEMENTED", f"{clause} is not supported for this login")
    if isinstance(node, exp.Join) and not {node.side, node.kind, node.method} <= _JOINS:
        raise ProjectSqlError(NOT_IMPLEMENTED, "NOT_IMPLEMENTED", "This kind of JOIN is not supported for this login")


def _check_call(node: exp.Expr) -> None:
    name = node.this
    if not isinstance(name, str) or not _NAME.fullmatch(name) or not is_allowed_function(name):
        raise denied(f"this login may not call {node.name or 'this'}()")
    at = _TYPE_AT.get(name.lower().removesuffix("caseinsensitive"))
    if at is not None and len(node.expressions) > 1:
        _check_type_text(node.expressions[at])


def _check_type_text(node: exp.Expr) -> None:
    """Refuse a type that is computed, or one that reads back an aggregate's memory."""
    if not isinstance(node, exp.Literal) or not node.is_string or _STATES.search(node.name):
        raise denied("a type is given as a plain text, and not one of aggregate states")


def _check_identifier(node: exp.Expr) -> None:
    name = node.this
    if not isinstance(name, str) or not name or len(name) > _LONGEST_NAME:
        raise syntax_error("a name is empty or too long")
    if not name.isprintable() or any(quote in name for quote in '\\`"'):
        raise syntax_error("a name holds a quote, a backslash or what cannot be printed")
    if is_reaching(name):
        raise denied(f"this login may not use the name {name}, a function outside the warehouse has it")


def _check_literal(node: exp.Expr) -> None:
    text = node.this
    if "\0" in text or not (node.is_string or (_NUMBER.fullmatch(text) and text.strip("."))):
        raise syntax_error("a text holds a zero byte, or a number is none")


def _check_digits(node: exp.Expr) -> None:
    if not isinstance(node.this, str) or not node.this.isalnum():
        raise syntax_error("a number is none")


def _check_word(node: exp.Expr) -> None:
    if not isinstance(node.this, str) or not _NAME.fullmatch(node.this):
        raise syntax_error(f"unexpected {node.name!r}")


def _check_placeholder(node: exp.Expr) -> None:
    kind = node.args.get("kind")
    if not isinstance(kind, exp.DataType) or not isinstance(node.this, exp.Var):
        raise denied("a bound parameter is a value: {name:Type}, and never the name of a table")


def _check_type(node: exp.Expr) -> None:
    if node.this not in _TYPES or node.args.get("kind"):
        raise denied("this login may not use this data type")


def _check_cast(node: exp.Expr) -> None:
    to = node.args.get("to")
    if not isinstance(to, exp.DataType):
        _check_type_text(to if isinstance(to, exp.Expr) else node)


def _check_apply(node: exp.Expr) -> None:
    if not isinstance(node.expression, exp.Var) or not is_allowed_function(node.expression.name):
        raise denied("APPLY takes the name of a function this login may call")


_CHECKS: Mapping[type[exp.Expr], Callable[[exp.Expr], None]] = MappingProxyType(
    {
        exp.Identifier: _check_identifier,
        exp.Literal: _check_literal,
        exp.HexString: _check_digits,
        exp.BitString: _check_digits,
        exp.Var: _check_word,
        exp.Placeholder: _check_placeholder,
        exp.DataType: _check_type,
        exp.Apply: _check_apply,
        exp.Cast: _check_cast,
        exp.CastToStrType: _check_cast,
    }
)
