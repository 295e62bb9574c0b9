"""PII rules at ingest: before anything of an event is stored, and before what was refused is kept."""

from collections.abc import Sequence
from typing import Any

import msgspec

from functions.ingest.known import KnownOfProjects
from functions.ingest.validate import SPELLINGS, Valid
from shared.catalog.client import Row
from shared.events import RefusedEvent
from shared.pii import Rule, Rules, taken_by

WITHHELD = "(the payload is not kept: the project has PII rules, and it is no readable JSON)"

_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
_taken = taken_by(SPELLINGS)


class PiiRules(KnownOfProjects[Rules]):
    """The rules of all projects."""

    query = "all_pii_rules"
    what = "the project's PII rules"

    def same_or_new(self, rows: Sequence[Row], before: Rules | None) -> Rules:
        rules = tuple(Rule(row["match"], row["text"], row["action"], row["length"]) for row in rows)
        return before if before is not None and before.rules == rules else Rules(rules, bytes(rows[0]["person_key"]))


def clean(valid: Valid, rules: Rules) -> Valid:
    """A sound event after the rules: its properties, context and address."""
    row, properties, context = valid.row, valid.properties, valid.context
    if (after := rules.cleaned(row.properties_raw)) is not None:
        row.properties_raw, properties = msgspec.Raw(after), _decode_object(after)
    if (after := rules.cleaned(row.context_raw, "context")) is not None:
        row.context_raw, context = msgspec.Raw(after), _decode_object(after)
    row.url = rules.text("url", row.url)
    return valid._replace(row=row, properties=properties, context=context)


def clean_refused(refused: RefusedEvent, rules: Rules) -> RefusedEvent:
    """A refused event after the rules; without its payload where nobody can say what that holds."""
    after = rules.payload(refused.raw, _taken)
    if after is None:
        return refused._replace(raw=b"", detail=f"{refused.detail} {WITHHELD}")
    return refused._replace(raw=after)
