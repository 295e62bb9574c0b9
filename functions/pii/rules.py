"""The rules of a project in the catalog."""

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import msgspec

from shared.catalog.client import Catalog, Queries
from shared.catalog.people import person_key
from shared.ids import uuid7
from shared.pii import Action, Match, Rule, Rules, check
from shared.refusals import Refusal, Rejected

MOST_RULES = 100


class RuleRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A rule: which values (`match` and `text`), and what becomes of them (`action`).

    `name` is a property's name at any depth, or the end of a path (`traits.email`); `pattern` an RE2 pattern found in
    the path; `value` one found in a text or number itself. `length` is what `truncate` leaves.
    """

    match: Match = "name"
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    action: Action
    length: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 0
    description: Annotated[str, msgspec.Meta(max_length=1_000)] = ""

    def check(self) -> None:
        """Refuse what could not be applied (`bad_value`, `bad_text`)."""
        if "\0" in self.text + self.description:
            raise Rejected(Refusal.BAD_TEXT, "a text holds a null character")
        if self.length and self.action != "truncate":
            raise Rejected(Refusal.BAD_VALUE, "`length` is for `truncate`")
        check(Rule(self.match, self.text, self.action, self.length))


class KeptRule(msgspec.Struct, frozen=True):
    """A rule as it is kept; the first that fits a value decides, the oldest first."""

    id: uuid.UUID
    match: Match
    text: str
    action: Action
    length: int
    description: str
    created_at: datetime
    updated_at: datetime


class TryRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Properties as a client would send them, and a rule to try with those there are: new, or in the place of `id`.

    Without `rule` the project's rules are tried as they are.
    """

    sample: dict[str, msgspec.Raw]
    rule: RuleRequest | None = None
    id: uuid.UUID | None = None


class Tried(msgspec.Struct, frozen=True):
    """What would be stored of a sample, and the paths where that is something else than was sent."""

    after: msgspec.Raw
    changed: list[str]


async def listed(queries: Queries, project_id: uuid.UUID, rule_id: uuid.UUID | None = None) -> list[KeptRule]:
    """The project's rules in the order they are tried, or the one of that id."""
    rows = await queries.rows("list_pii_rules", {"project_id": project_id, "id": rule_id})
    return [KeptRule(**row) for row in rows]


async def kept(
    queries: Queries, project_id: uuid.UUID, asked: RuleRequest, rule_id: uuid.UUID | None = None
) -> KeptRule | None:
    """A rule, new or in the place of that id; refuses more than MOST_RULES (`conflict`)."""
    if rule_id is None:
        # Locked, or two at once could both be the last there is room for.
        await queries.rows("lock_project", {"project_id": project_id})
        if len(await listed(queries, project_id)) >= MOST_RULES:
            raise Rejected(Refusal.CONFLICT, f"{MOST_RULES} rules at most: put several names in one pattern")
    elif not await listed(queries, project_id, rule_id):
        return None
    values = {"id": rule_id or uuid7(), "project_id": project_id, **msgspec.structs.asdict(asked)}
    rows = await queries.rows("keep_pii_rule", values)
    return KeptRule(**rows[0]) if rows else None


async def removed(queries: Queries, project_id: uuid.UUID, rule_id: uuid.UUID) -> None:
    """Remove a rule; harmless to repeat."""
    await queries.rows("remove_pii_rule", {"project_id": project_id, "id": rule_id})


async def rules_of(catalog: Catalog, project_id: uuid.UUID) -> Rules | None:
    """The project's rules as ingest applies them; None without any."""
    found, secret = await listed(catalog, project_id), await person_key(catalog, project_id)
    if not found or secret is None:
        return None
    return Rules([Rule(one.match, one.text, one.action, one.length) for one in found], secret)


async def tried(catalog: Catalog, project_id: uuid.UUID, asked: TryRequest) -> Tried:
    """What the project's rules, and the one that is asked about, make of a sample; nothing is kept.

    Refuses a rule that could not be applied, as making it does, and one in the place of none (`not_found`).
    """
    if asked.rule is not None:
        asked.rule.check()
    found, secret = await listed(catalog, project_id), await person_key(catalog, project_id)
    if secret is None or (asked.id is not None and asked.id not in {one.id for one in found}):
        raise Rejected(Refusal.NOT_FOUND, "the rule, or the project, is not there any more")
    wanted: list[KeptRule | RuleRequest] = [*found]
    if asked.rule is not None:
        place = next((at for at, one in enumerate(found) if one.id == asked.id), len(found))
        wanted[place : place + 1] = [asked.rule]
    rules = Rules([Rule(one.match, one.text, one.action, one.length) for one in wanted], secret)
    before = msgspec.json.encode(asked.sample)
    after = rules.cleaned(msgspec.Raw(before)) or before
    return Tried(msgspec.Raw(after), sorted(_differing(msgspec.json.decode(before), msgspec.json.decode(after))))


def _differing(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """The paths of a JSON value under which another is something else or nothing."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        if before != after:
            yield path
        return
    for name, value in before.items():
        yield from _differing(value, after.get(name), f"{path}.{name}" if path else name)
