"""Properties of people's profiles in SQL: computed at query time from what events said, merges and all."""

from pathlib import Path

from shared.query.buckets import local_sql
from shared.query.fields import Field
from shared.query.identity import Identity
from shared.query.parameters import Parameters
from shared.query.period import Period
from shared.query.scope import read_sql
from shared.refusals import Refusal, Rejected

PROFILE_PREFIX = "profile."
MAX_NAME = 300

_NO_MOMENT = "toInt64(-1000000000000000)"
_DAY = "^[0-9]{4}-[0-9][0-9]-[0-9][0-9]"
_LOCAL = f"{_DAY}($|[T ][0-9][0-9]:)"
_WITH_OFFSET = f"{_DAY}[T ].*(Z|[+-][0-9][0-9](:?[0-9][0-9])?)$"
_HERE = Path(__file__).parent


def property_of(name: str) -> str:
    """The property that a field `profile.<name>` names; refuses what is none (`unknown_field`)."""
    wanted = name.removeprefix(PROFILE_PREFIX)
    if wanted == name or not wanted or len(wanted) > MAX_NAME:
        raise Rejected(Refusal.UNKNOWN_FIELD, f"{name!r} is no property of a profile: profile.<name>")
    return wanted


def profile_sql(identity: Identity, name: str, parameters: Parameters) -> str:
    """A SELECT of `person`, `value`: the JSON of one property of everybody who has it."""
    return read_sql(
        _HERE,
        "profile",
        project=parameters.bind("UUID", str(identity.project_id)),
        person=identity.person(parameters),
        property=parameters.bind("String", name),
    ).rstrip()


def field_of_json(name: str, column: str) -> Field:
    """A column of JSON texts ('' for none) as a field to filter by; a text is compared without its quotes."""
    text = f"if(startsWith({column}, '\"'), JSONExtractString({column}), {column})"
    number = f"toFloat64OrNull({text})"
    return Field(name, text, f"if(isFinite({number}), {number}, NULL)", f"notEmpty({column})", column)


def moment_of_json(column: str, period: Period, parameters: Parameters) -> str:
    """SQL of the instant that a column of JSON texts names, in microseconds since 1970; long before it where none.

    It takes ISO 8601 dates and times, on the period's wall clock where they name no offset, and numbers as ingest
    takes them: seconds below 10^11, milliseconds below 10^14, else microseconds. Its parts are named in the SELECT
    that it stands in: `said`, `read_at`, `sent_at`.
    """
    named = field_of_json("", column)
    read = f"ifNull(toUnixTimestamp64Micro(parseDateTime64BestEffortOrNull(said, 6, 'UTC')), {_NO_MOMENT}) AS read_at"
    sent = f"ifNull({named.number}, -1.) AS sent_at"
    micros = (
        f"multiIf(({sent}) < 0 OR sent_at >= 1e16, {_NO_MOMENT}, sent_at < 1e11, toInt64(sent_at * 1000000),"
        " sent_at < 1e14, toInt64(sent_at * 1000), toInt64(sent_at))"
    )
    local = local_sql("read_at", period, parameters)
    return f"multiIf(match({named.text} AS said, '{_WITH_OFFSET}'), {read}, match(said, '{_LOCAL}'), {local}, {micros})"
