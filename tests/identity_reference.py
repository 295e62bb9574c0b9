"""Who is who and what they are like, in plain Python: slow, obvious, and nothing shared with what it proves."""

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

NAMES = ["plan", "tags", "visits", "city"]
_START = "2026-01-05 10:00:0"


@dataclass
class Event:
    """A stored event; `received` decides among repeats of the same key."""

    event: str
    user_id: str
    anonymous_id: str
    timestamp: str
    event_id: str
    received: int
    properties: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"u:{self.user_id}" if self.user_id else f"a:{self.anonymous_id}" if self.anonymous_id else ""

    @property
    def identity(self) -> tuple[str, ...]:
        return (self.event, self.key, self.timestamp, self.event_id)


@dataclass
class Merge:
    """A merge somebody made; `at` orders them."""

    merge_id: str
    at: str
    from_key: str
    to_key: str


def stored(events: Iterable[Event]) -> list[Event]:
    """Each event once: of repeats the one received last."""
    last: dict[tuple[str, ...], Event] = {}
    for event in events:
        if event.identity not in last or last[event.identity].received < event.received:
            last[event.identity] = event
    return list(last.values())


def people(events: list[Event], merges: list[Merge]) -> dict[str, str]:
    """The person of each key that is linked to somebody."""
    links: dict[str, list[tuple[int, str, str, str]]] = {}
    for event in events:
        for from_key in linked(event):
            if from_key != event.key:
                links.setdefault(from_key, []).append((1, event.timestamp, event.event_id, event.key))
    for merge in merges:
        links.setdefault(merge.from_key, []).append((0, merge.at, merge.merge_id, merge.to_key))
    first = {key: min(found)[3] for key, found in links.items()}
    return {key: end(first[key], first) for key in first}


def end(key: str, first: dict[str, str]) -> str:
    """Where links end; where they do not within 8 steps, the smallest key of the last 4."""
    passed: list[str] = []
    while key in first and len(passed) < 8:
        key = first[key]
        passed.append(key)
    return min(passed[4:]) if len(passed) == 8 else key


def linked(event: Event) -> list[str]:
    """The keys that an event links to its own."""
    if not event.key:
        return []
    if event.event in ("alias", "$create_alias"):
        for name in ("previous_id", "previousId", "alias"):
            value = event.properties.get(name)
            if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
                return [f"a:{value}", f"u:{value}"]
    if event.event in ("identify", "Group", "alias", "$create_alias") and event.user_id and event.anonymous_id:
        return [f"a:{event.anonymous_id}"]
    return []


def operations(event: Event) -> list[tuple[str, str, Any]]:
    """What an event does to the profile of its key."""
    said = event.properties
    if event.event == "Group":
        return [("set", f"groups.{said.get('group_type', '')}", said["group_id"])] if "group_id" in said else []
    if event.event not in ("identify", "$set"):
        return []
    order = ["$set_once", "$set", "$add", "$append", "$union"]
    found = [(name[1:], key, value) for name in order for key, value in said.get(name, {}).items()]
    found += [("unset", key, None) for key in said.get("$unset", [])]
    if event.event == "identify" and not any(name in said for name in [*order, "$unset"]):
        found = [("set", key, value) for key, value in said.items() if not key.startswith("$")]
    return found


def profiles(events: list[Event], who: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The profile of each person."""
    found: dict[str, dict[str, Any]] = {}
    for event in sorted(events, key=lambda one: (one.timestamp, one.event_id, one.event, one.key)):
        if event.key:
            profile = found.setdefault(who.get(event.key, event.key), {})
            for operation, name, value in operations(event):
                apply(profile, operation, name, value)
    return {person: profile for person, profile in found.items() if profile}


def apply(profile: dict[str, Any], operation: str, name: str, value: Any) -> None:
    """One operation on a profile."""
    held = profile.get(name)
    if operation == "unset" or (operation == "set" and value is None):
        profile.pop(name, None)
    elif value is None:
        return
    elif operation == "set" or (operation == "set_once" and held is None):
        profile[name] = value
    elif operation == "add" and number(value) and (held is None or number(held)):
        total = (held or 0) + value
        profile[name] = int(total) if total == int(total) else total
    elif operation == "append":
        profile[name] = [*as_list(held), value]
    elif operation == "union":
        profile[name] = list({json.dumps(one): one for one in [*as_list(held), *as_list(value)]}.values())


def number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def as_list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def history(name: str, chance: random.Random) -> tuple[list[Event], list[Merge]]:
    """One made-up history: few ids and moments, so that ties, repeats, conflicts and circles are common."""
    users = [f"{name}-u{number}" for number in range(chance.randint(1, 4))]
    devices = [f"{name}-d{number}" for number in range(chance.randint(1, 3))]
    events = [_event(users, devices, place, chance) for place in range(chance.randint(3, 7))]
    for received, event in enumerate(chance.sample(events, 1), start=100):
        device = chance.choice(devices) if event.user_id else event.anonymous_id
        events.append(replace(event, anonymous_id=device, received=received))
    chance.shuffle(events)
    keys = sorted({event.key for event in events if event.key})
    merges = []
    for place in range(chance.randint(0, 2) if len(keys) > 1 else 0):
        one, other = chance.sample(keys, 2)
        merges.append(Merge(f"{name}-m{place}", f"2026-02-01 00:00:0{chance.randint(0, 1)}.000000", one, other))
    return events, merges


def _event(users: list[str], devices: list[str], place: int, chance: random.Random) -> Event:
    event = chance.choice(["view", "view", "view", "identify", "identify", "alias", "$create_alias", "Group", "$set"])
    user = chance.choice([*users, ""])
    device = chance.choice([*devices, ""])
    timestamp = f"{_START}{chance.randint(0, 4)}.000000"
    # Few ids, in no order of making; those of one history may be another's, too.
    event_id = f"018f0000-0000-7000-8000-{chance.randint(1, 6):012x}"
    return Event(event, user, device, timestamp, event_id, place, _properties(event, users, devices, chance))


def _properties(event: str, users: list[str], devices: list[str], chance: random.Random) -> dict[str, Any]:
    if event in ("alias", "$create_alias"):
        spelling = chance.choice(["previous_id", "previousId", "alias", "nothing"])
        return {spelling: chance.choice([*users, *devices])}
    if event == "Group":
        return {"group_type": "team", "group_id": chance.choice(["x", 7])} if chance.random() < 0.8 else {"x": 1}
    if event == "identify" and chance.random() < 0.6:
        return {name: _value(chance) for name in chance.sample(NAMES, 2)} | {"$lib": "web"}
    found: dict[str, Any] = {}
    for name in chance.sample(["$set", "$set_once", "$add", "$append", "$union"], 2):
        found[name] = {chance.choice(NAMES): _value(chance)}
    if chance.random() < 0.2:
        found["$unset"] = [chance.choice(NAMES)]
    return found if event in ("identify", "$set") else {"plan": "not a trait"}


def _value(chance: random.Random) -> Any:
    return chance.choice(["pro", "free", 'quo"te', 1, 2, 7.5, True, None, ["a", "b"], ["b", 1, "b"], {"deep": [1]}])


def written(value: Any) -> str:
    """A value as text, so that true is not 1."""
    return json.dumps(value)


def line(event: Event, project: str) -> str:
    """The event as a row of the warehouse."""
    return json.dumps(
        {
            "project_id": project,
            "event": event.event,
            "user_id": event.user_id,
            "anonymous_id": event.anonymous_id,
            "timestamp": event.timestamp,
            "event_id": event.event_id,
            "received_at": f"2026-01-06 00:00:00.{event.received:06}",
            "properties_raw": json.dumps(event.properties),
        }
    )
