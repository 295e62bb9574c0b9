"""PII rules: what they find, what they leave of it, and that they cannot be made to leak or to hang."""

import json
import time
import uuid

import msgspec
import pytest

from functions.ingest.pii import PiiRules, clean, clean_refused
from functions.ingest.validate import SPELLINGS, arrival, validate
from functions.pii.detectors import masked, of_name, of_value
from functions.pii.scan import Scan
from shared.catalog.client import CatalogUnavailableError
from shared.clock import FixedClock
from shared.events import RefusedEvent
from shared.pii import Rule, Rules, check, is_hashed, taken_by
from shared.refusals import Refusal, Rejected, UnavailableError

SECRET = b"s" * 32
PROJECT = uuid.UUID("018f7a00-0000-7000-8000-000000000001")
TAKEN = taken_by(SPELLINGS)


def rules(*given: Rule) -> Rules:
    return Rules(given, SECRET)


def cleaned(text: str, *given: Rule) -> object:
    after = rules(*given).cleaned(msgspec.Raw(text.encode()))
    return None if after is None else json.loads(after)


def test_a_name_is_found_at_any_depth_in_lists_and_in_any_case() -> None:
    drop = Rule("name", "email", "drop")
    assert cleaned('{"n":1,"Email":"a","$set":{"email":"b","x":[{"email":"c","y":1}]}}', drop) == {
        "n": 1,
        "$set": {"x": [{"y": 1}]},
    }
    assert cleaned('{"emails":"a","e":{"mail":"b"}}', drop) is None


def test_a_path_is_found_at_its_end_and_a_pattern_in_it() -> None:
    assert cleaned('{"traits":{"email":"a"},"email":"b"}', Rule("name", "traits.email", "drop")) == {
        "traits": {},
        "email": "b",
    }
    found = cleaned('{"a":{"home_phone":"1","phones":["2"]},"b":3}', Rule("pattern", "phone", "drop"))
    assert found == {"a": {}, "b": 3}


def test_a_value_is_found_wherever_it_stands() -> None:
    rule = Rule("value", r"\d{4}[ -]\d{4}", "drop")
    assert cleaned('{"note":"card 4111 1111","n":[1,"x 1234-5678"],"ok":"y"}', rule) == {"n": [1], "ok": "y"}
    assert cleaned('{"number":12345678}', Rule("value", r"^\d{8}$", "drop")) == {}


def test_the_first_rule_that_fits_decides() -> None:
    first, second = Rule("name", "email", "truncate", 2), Rule("pattern", "mail", "drop")
    assert cleaned('{"email":"ada@x","mailbox":"y"}', first, second) == {"email": "ad"}


def test_what_was_changed_once_stays_as_it_is() -> None:
    given = (Rule("name", "email", "hash"), Rule("name", "note", "truncate", 3), Rule("name", "x", "drop"))
    raw = msgspec.Raw(b'{"email":["a@b","c@d"],"note":"long text","x":1,"price":1.10}')
    once = rules(*given).cleaned(raw)
    assert once is not None
    assert rules(*given).cleaned(msgspec.Raw(once)) is None
    assert b'"price":1.10' in once  # nobody's bytes change but those a rule is about
    held = json.loads(once)
    assert all(map(is_hashed, held["email"]))
    assert len(set(held["email"])) == 2
    assert Rules(given, b"t" * 32).cleaned(raw) != once  # another project's hash is another


def test_what_is_no_text_is_hashed_whole_or_left_out() -> None:
    assert cleaned('{"a":{"b":1},"n":5,"z":null}', Rule("pattern", "^[anz]$", "truncate", 3)) == {"z": None}
    found = cleaned('{"a":{"b":1},"n":5}', Rule("pattern", "^[an]$", "hash"))
    assert isinstance(found, dict)
    assert all(is_hashed(value) for value in found.values())


def test_an_event_is_cleaned_before_anything_is_made_of_it() -> None:
    raw = b'{"event":"signup","name":"Ada","url":"https://x/?mail=ada@x.org","context":{"traits":{"name":"Ada"}}}'
    valid = validate(raw, arrival(PROJECT, 1_780_000_000_000_000), b"0" * 10)
    given = rules(Rule("name", "name", "drop"), Rule("value", "@", "drop"))
    after = clean(valid, given)
    assert (bytes(after.row.properties_raw), bytes(after.row.context_raw)) == (b"{}", b'{"traits":{}}')
    assert (after.properties, after.context, after.row.url, after.row.event) == ({}, {"traits": {}}, "", "signup")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b'{"event":"x","email":"a","timestamp":"soon"}', b'{"event":"x","timestamp":"soon"}'),
        (b'{"type":"x","name":"Ada","n":1}', b'{"type":"x","n":1}'),
        (b'{"name":"x","n":1}', b'{"name":"x","n":1}'),  # the event's own name
        (b'[{"event":"x","email":"a"},{"event":"y"}]', b'[{"event":"x"},{"event":"y"}]'),
        (b'{"events":[{"event":"x","properties":{"email":"a"}}]}', b'{"events":[{"event":"x","properties":{}}]}'),
        (b'{"event":"x","a":{"email":1},"a":{}}', b'{"event":"x","a":{}}'),  # a key twice hides nothing
        (b'{"event":"x","email":"a"}\n{"event":"y","email":"b"}', b'{"event":"x"}\n{"event":"y"}'),
        (b'{"event":"x","email":"a"', b""),
        (b"email=a@b.c", b""),
        (b"\xff\xfe", b""),
        (b"[" * 100_000, b""),
    ],
)
def test_a_refused_payload_is_cleaned_or_not_kept(sent: bytes, kept: bytes) -> None:
    given = rules(Rule("name", "email", "drop"), Rule("name", "name", "drop"))
    after = clean_refused(RefusedEvent(0, Refusal.BAD_TIMESTAMP, "why", sent), given)
    assert after.raw == kept
    assert after.detail == "why" or (not kept and "not kept" in after.detail)


def test_what_cannot_be_a_rule_is_refused() -> None:
    for rule, says in (
        (Rule("pattern", "(a", "drop"), "RE2"),
        (Rule("pattern", "(?=a)", "drop"), "RE2"),
        (Rule("value", "(?:a{1000}){1000}", "drop"), "RE2"),
        (Rule("value", "a*", "drop"), "everything"),
        (Rule("name", "User_ID", "drop"), "field of the event"),
    ):
        with pytest.raises(Rejected, match=says) as refused:
            check(rule)
        assert refused.value.refusal == Refusal.BAD_VALUE


def test_a_pattern_that_explodes_elsewhere_takes_no_time() -> None:
    rule = Rule("value", "^(a+)+$", "drop")
    check(rule)
    started = time.perf_counter()
    assert cleaned(json.dumps({"x": "a" * 50_000 + "b"}), rule) is None
    assert time.perf_counter() - started < 1.0


class FakeCatalog:
    """A catalog that answers, or is away."""

    def __init__(self) -> None:
        self.away = True
        self.asked = 0

    async def rows(self, _query: str) -> list[dict[str, object]]:
        self.asked += 1
        if self.away:
            raise CatalogUnavailableError("away")
        rule = {"match": "name", "text": "email", "action": "drop", "length": 0}
        return [{"project_id": PROJECT, "person_key": SECRET, **rule}]


async def test_nothing_is_taken_before_the_rules_were_read_and_the_last_ones_hold() -> None:
    catalog, clock = FakeCatalog(), FixedClock(0)
    found = PiiRules(catalog, clock)  # type: ignore[arg-type]  # what it asks of it
    with pytest.raises(UnavailableError):
        await found.of(PROJECT)
    assert not found.none_for(uuid.uuid4())
    catalog.away = False
    held = await found.of(PROJECT)
    assert held is not None
    assert await found.of(uuid.uuid4()) is None
    assert (found.none_for(uuid.uuid4()), found.none_for(PROJECT)) == (True, False)
    catalog.away = True
    clock.advance(3_600)
    assert await found.of(PROJECT) is held
    await found.close()


def test_values_are_taken_for_what_they_look_like() -> None:
    for text, kind in {
        "write to ada.lovelace+x@example.co.uk": "email",
        "4111 1111 1111 1111": "card",
        "4111111111111112": None,
        "1780000000000000": None,
        "GB82 WEST 1234 5698 7654 32": "iban",
        "GB83 WEST 1234 5698 7654 32": None,
        "+44 20 7946 0958": "phone",
        "+1 000 000 0000": None,
        "8.8.8.8": "ip",
        "192.168.0.1": None,
        "2001:4860:4860::8888": "ip",
        "1.2.3": None,
        "12:30:45": None,
        "d2f1c3a4-5b6c-4d7e-8f90-a1b2c3d4e5f6": None,
        "a@b": None,
    }.items():
        assert (text, of_value(text)) == (text, kind)
    for name, kind in {"userEmail": "name", "date_of_birth": "name", "zip": "name", "emailed": None, "n": None}.items():
        assert (name, of_name(name)) == (name, kind)
    assert masked("ada.lovelace@example.com") == "***.l******e@e*****e.***"


def test_a_scan_says_how_often_and_what_a_rule_covers() -> None:
    scan = Scan(rules(Rule("name", "mail", "hash")))
    for number in range(4):
        scan.look("properties", {"to": "x@example.com" if number else "nobody", "mail": "y@example.com", "zip": 1})
    scan.look("properties", {"mail": f"hash:{'0' * 32}"})
    found = {one.property: (one.kind, one.seen, one.found, one.share, one.covered) for one in scan.findings()}
    assert found == {
        "properties.to": ("email", 4, 3, 0.75, False),
        "properties.mail": ("email", 4, 4, 1.0, True),
        "properties.zip": ("name", 4, 4, 1.0, False),
    }
    assert all("example" not in text for one in scan.findings() for text in one.examples)
