"""What people do, as funnels, retention and the like name it: an event of some name on which filters hold."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from shared.query.contradictions import refuse_contradiction
from shared.query.fields import PERSON, SEGMENT, SEGMENT_PREFIX
from shared.query.filters import Filter, condition
from shared.query.parameters import Parameters
from shared.refusals import Refusal, Rejected

CountBy = Literal["users", "sessions"]
# Whose events belong together: a column that every SELECT of a planned source knows.
SUBJECTS: dict[CountBy, str] = {"users": PERSON, "sessions": "session_id"}


class Act(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An event of this name, or of any of these, on which all filters hold; without either, every event."""

    event: str = ""
    any_of: list[str] = []
    filters: list[Filter] = []

    @property
    def events(self) -> Sequence[str]:
        """The names it is about; none means every event."""
        return [self.event] if self.event else self.any_of

    def check(self, place: str, among: Sequence[Filter] | None = None) -> None:
        """Refuse both spellings at once (`bad_question`); `place` says where it stands in the question.

        With the question's own filters, `among` which it happens, refuse what can never happen, too (`bad_filter`).
        """
        if self.event and self.any_of:
            raise bad(f"`{place}`: give `event` or `any_of`, not both")
        if among is not None:
            named = [Filter("event", "in", list(self.events))] if self.events else []
            refuse_contradiction([*among, *named, *self.filters], f"{place}.filters" if self.filters else "filters")

    def sql(self, parameters: Parameters) -> str:
        """The condition of a row being one; refuses segments, which only the question's own filters take."""
        for one in self.filters:
            if one.property == SEGMENT or one.property.startswith(SEGMENT_PREFIX):
                raise bad(f"`{one.property}` is no filter of a step: put it into the question's own `filters`")
        found = [f"event IN {parameters.bind('Array(String)', list(self.events))}"] if self.events else []
        found.extend(condition(one, parameters) for one in self.filters)
        return " AND ".join(found) if found else "true"


def names_of(acts: Sequence[Act]) -> list[str]:
    """The names of all events that any of them is about, in order; none where one is about every event."""
    return sorted({name for act in acts for name in act.events}) if all(act.events for act in acts) else []


def bad(detail: str) -> Rejected:
    """The refusal of a question that cannot be asked like this; `detail` names the field and what to write."""
    return Rejected(Refusal.BAD_QUESTION, detail)
