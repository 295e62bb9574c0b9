"""Properties of people's profiles in SQL: computed at query time from what events said, merges and all."""

from pathlib import Path

from shared.query.fields import Field
from shared.query.identity import Identity
from shared.query.parameters import Parameters
from shared.query.scope import read_sql
from shared.refusals import Refusal, Rejected

PROFILE_PREFIX = "profile."
MAX_NAME = 300

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
