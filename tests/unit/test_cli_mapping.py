"""From somebody's row to our event."""

import json
import uuid

import pytest

from shared.ids import named
from shared.importing.job import row_ids
from shared.importing.mapping import MappingError, parse_mapping
from shared.refusals import Refusal, Rejected

ROW = b'{"time":"2015-09-12T00:46:58.771Z","user":"Ann","page":"Talk:A, B","delta":36,"city":null}'


def event(line: bytes, *maps: str, name: str = "") -> dict[str, object]:
    made: dict[str, object] = json.loads(parse_mapping(list(maps), event=name).event(line, "the-id"))
    return made


def refusal(line: bytes, *maps: str, name: str = "edit") -> Rejected:
    with pytest.raises(Rejected) as caught:
        event(line, *maps, name=name)
    return caught.value


def test_mapped_fields_leave_the_properties_and_the_others_stay_in_them() -> None:
    assert event(ROW, "event='edit',timestamp=time, user_id = user") == {
        "id": "the-id",
        "event": "edit",
        "timestamp": "2015-09-12T00:46:58.771Z",
        "user_id": "Ann",
        "properties": {"page": "Talk:A, B", "delta": 36, "city": None},
    }


def test_values_keep_their_bytes() -> None:
    line = b'{"event":"e","timestamp":1,"a":1.10,"b":123456789012345678901234567890,"c":"\\u00e9","d":[1.0, 2]}'
    sent = parse_mapping([]).event(line, "x")
    for value in (b'"a":1.10', b'"b":123456789012345678901234567890', b'"c":"\\u00e9"', b'"d":[1.0, 2]'):
        assert value in sent


def test_a_dotted_path_reaches_inside_and_leaves_the_object_whole() -> None:
    line = b'{"account":{"id":7,"plan":"pro"},"at":1}'
    made = event(line, "user_id=account.id,timestamp=at", name="seen")
    assert made["user_id"] == 7
    assert made["properties"] == {"account": {"id": 7, "plan": "pro"}}


def test_a_whole_key_with_a_dot_is_found_before_the_path() -> None:
    line = b'{"account.id":"whole","account":{"id":"inside"},"timestamp":1}'
    assert event(line, "user_id=account.id", name="seen")["user_id"] == "whole"


def test_our_own_names_mean_themselves_unless_mapped_otherwise() -> None:
    line = b'{"event":"a","user_id":"u","timestamp":1,"properties":{"x":1},"y":2}'
    own = event(line)
    assert (own["event"], own["user_id"], own["properties"]) == ("a", "u", {"x": 1, "y": 2})
    other = event(line, "user_id=y")
    assert (other["user_id"], other["properties"]) == (2, {"x": 1, "user_id": "u"})


def test_names_the_server_would_reinterpret_stay_properties() -> None:
    line = b'{"timestamp":1,"name":"n","type":"t","id":"i","data":{"k":1},"context":"c","properties":5}'
    made = event(line, name="seen")
    assert made["properties"] == {
        "name": "n",
        "type": "t",
        "id": "i",
        "data": {"k": 1},
        "context": "c",
        "properties": 5,
    }
    assert made["id"] == "the-id"


def test_an_id_of_the_row_is_used_only_when_mapped() -> None:
    line = b'{"id":"order-1","timestamp":1}'
    assert event(line, "id=id", name="bought")["id"] == "order-1"
    assert event(b'{"id":null,"timestamp":1}', "id=id", name="bought")["id"] == "the-id"


def test_a_null_or_absent_mapped_field_is_left_out() -> None:
    assert "user_id" not in event(b'{"user":null,"timestamp":1}', "user_id=user", name="seen")
    assert "user_id" not in event(b'{"user":5,"timestamp":1}', "user_id=user.name", name="seen")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"timestamp":1', Refusal.MALFORMED_JSON),
        (b"[1,2]", Refusal.NOT_AN_OBJECT),
        (b'"text"', Refusal.NOT_AN_OBJECT),
        (b'{"\xff":1}', Refusal.MALFORMED_JSON),
        (b'{"timestamp":1,"a":1,"a":2}', Refusal.DUPLICATE_KEY),
        (b'{"timestamp":1,"a":1, "\\u0061":2}', Refusal.DUPLICATE_KEY),
        (b'{"timestamp":1,"a":2,"properties":{"a":1}}', Refusal.DUPLICATE_KEY),
        (b'{"a":1}', Refusal.BAD_TIMESTAMP),
        (b'{"timestamp":null}', Refusal.BAD_TIMESTAMP),
        (b'{"timestamp":1, "a":"\xff"}', Refusal.BAD_TEXT),
        (b'{"timestamp":1, "a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", Refusal.TOO_DEEP),
    ],
)
def test_an_unusable_row_is_refused_with_its_reason(line: bytes, reason: Refusal) -> None:
    assert refusal(line).refusal is reason


def test_a_row_without_a_name_says_how_to_give_one() -> None:
    found = refusal(b'{"timestamp":1}', name="")
    assert found.refusal is Refusal.NAME_MISSING
    assert "--event NAME" in found.detail


def test_a_row_of_spaces_is_not_taken_for_one_with_a_repeated_key() -> None:
    assert event(b'{ "timestamp": 1, "nested": {"a": 1, "b": {"a": 2}} }', name="seen")["timestamp"] == 1


@pytest.mark.parametrize("text", ["nonsense=a", "user_id", "user_id=", "=x", "user_id=a;b=c d, ,"])
def test_an_unreadable_mapping_is_refused(text: str) -> None:
    with pytest.raises(MappingError):
        parse_mapping([text])


def test_constants_may_hold_commas_and_either_quotes() -> None:
    made = event(b'{"a":1}', """event="it's, so",timestamp='2026-01-01'""")
    assert (made["event"], made["timestamp"]) == ("it's, so", "2026-01-01")


def test_a_column_that_a_table_does_not_have_is_said_with_those_it_has() -> None:
    columns = {"time": "VARCHAR", "account": "JSON", "user.id": "VARCHAR"}
    parse_mapping(["timestamp=time,user_id=user.id,session_id=account.session,id='x'"]).require_columns(columns)
    for path in ("nope", "time.zone", "accounts.session"):
        with pytest.raises(
            MappingError, match=f"no column '{path}' for user_id; the columns are time, account, user.id"
        ):
            parse_mapping([f"user_id={path}"]).require_columns(columns)


def test_what_is_not_asked_for_is_not_missed() -> None:
    parse_mapping(["timestamp=time"], event="seen").require_columns({"time": "VARCHAR"})
    parse_mapping(["event=nope"], event="seen").require_columns({"time": "VARCHAR"})
    parse_mapping(["user_id=nope", "user_id=time"]).require_columns({"time": "VARCHAR"})


def test_ids_are_named_by_project_content_and_row() -> None:
    project = uuid.UUID("11111111-2222-4333-8444-555555555555")
    text = "ab" * 32 + ":3"
    ids = [row_ids(project, "ab" * 32)(row) for row in range(50)]
    assert ids == [str(named(project, "ab" * 32 + f":{row}")) for row in range(50)]
    assert ids[3] == str(uuid.uuid5(project, text))
    assert row_ids(None, "ab" * 32)(3) == text
