"""The shapes of a request body: what is taken as events and what is refused as a whole."""

import pytest

from functions.ingest.logic import decode
from shared.refusals import Refusal, Rejected


@pytest.mark.parametrize(
    ("body", "count", "single"),
    [
        (b'{"event":"a"}', 1, True),
        (b'\xef\xbb\xbf {"event":"a"} ', 1, True),
        (b'[{"event":"a"},{"event":"b"}]', 2, False),
        (b'{"events":[{"event":"a"}]}', 1, False),
        (b'{"event":"a","events":[1]}', 1, True),
        (b'{"events":[{"event":"a","properties":{"events":1}}]}', 1, False),
    ],
)
def test_one_event_a_list_or_an_object_with_events_are_taken(body: bytes, count: int, single: bool) -> None:  # noqa: FBT001 (a case's value)
    events = decode(body)
    assert (len(events.raw), events.single) == (count, single)


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"", Refusal.MALFORMED_JSON),
        (b"3", Refusal.WRONG_SHAPE),
        (b"[]", Refusal.WRONG_SHAPE),
        (b'{"events":[]}', Refusal.WRONG_SHAPE),
        (b'{"events":{}}', Refusal.WRONG_SHAPE),
        (b'{"events":[{"event":"a"}],"sent_at":1}', Refusal.WRONG_SHAPE),
        (b'{"events":[{"event":"a"}],"events":[{"event":"b"}]}', Refusal.DUPLICATE_KEY),
        (b"[" + b"[" * 5_000 + b"]" * 5_000 + b"]", Refusal.TOO_DEEP),
    ],
)
def test_what_would_lose_something_is_refused_as_a_whole(body: bytes, refusal: Refusal) -> None:
    with pytest.raises(Rejected) as caught:
        decode(body)
    assert caught.value.refusal == refusal
