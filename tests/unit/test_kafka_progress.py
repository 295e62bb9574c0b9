"""What a group has done in a partition: kept over lives, members and commits."""

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.bus.kafka_progress import Progress, read_progress


def committed(progress: Progress) -> Progress:
    found = read_progress(progress.base, progress.metadata("1234abcd"), "1234abcd")
    assert found is not None
    return found


def known(offset: int, metadata: str, log: str = "") -> Progress:
    found = read_progress(offset, metadata, log)
    assert found is not None
    return found


def meet_all(progress: Progress, offsets: Iterable[int]) -> dict[int, int]:
    """The attempt of each record that is to be handed out."""
    found = {offset: progress.meet(offset) for offset in offsets}
    return {offset: attempt for offset, attempt in found.items() if attempt}


def test_only_what_is_done_without_a_gap_moves_the_committed_offset() -> None:
    progress = Progress()
    meet_all(progress, range(5))
    for offset in (1, 3):
        progress.done(offset)
    assert progress.base == 0
    progress.done(0)
    assert progress.base == 2


def test_the_next_life_gets_exactly_what_was_not_done_and_knows_that_it_was_tried() -> None:
    progress = Progress(10)
    meet_all(progress, range(10, 15))
    for offset in (10, 12, 13):
        progress.done(offset)
    assert meet_all(committed(progress), range(11, 17)) == {11: 2, 14: 2, 15: 1, 16: 1}


def test_a_reader_that_knows_nothing_of_our_metadata_starts_at_the_committed_offset() -> None:
    for metadata in ("", "x", "other - 3 1", "sluice1 - -1 ", "sluice1 - x 1", "sluice1 - 1 x", "sluice1 3 1"):
        assert meet_all(known(4, metadata), range(4, 7)) == {4: 1, 5: 1, 6: 1}


@given(st.sets(st.integers(0, 39)), st.sets(st.integers(0, 59)))
def test_what_either_member_has_done_is_not_handed_out_again_and_nothing_else_is_left_out(
    mine: set[int], theirs: set[int]
) -> None:
    one, other = Progress(), Progress()
    meet_all(one, range(40))
    meet_all(other, range(60))
    for offset in mine:
        one.done(offset)
    for offset in theirs:
        other.done(offset)
    held = set(range(40)) - mine
    both = one.merged(committed(other))
    again = meet_all(both, range(both.start, 62))
    assert set(again) == set(range(62)) - mine - theirs - held
    assert both.held >= held - theirs


@settings(max_examples=25)
@given(st.sets(st.integers(0, 3_000), max_size=2_000))
def test_metadata_fits_a_broker_and_never_calls_done_what_is_not(still_open: set[int]) -> None:
    progress = Progress()
    meet_all(progress, range(3_001))
    for offset in set(range(3_001)) - still_open:
        progress.done(offset)
    assert len(progress.metadata("1234abcd").encode()) < 4_096
    read = committed(progress)
    assert all(read.lacks(offset) for offset in still_open)
    if len(still_open) < 500:
        assert read.open == still_open
        assert read.next == 3_001


def test_a_log_that_starts_anew_is_read_from_its_start() -> None:
    progress = Progress()
    meet_all(progress, range(5))
    assert meet_all(progress, range(3)) == {0: 1, 1: 1, 2: 1}


def test_a_committed_offset_beyond_a_log_that_starts_anew_hides_nothing() -> None:
    assert meet_all(known(90, "sluice1 - 10 3,4"), range(3)) == {0: 1, 1: 1, 2: 1}


def test_what_was_committed_for_an_earlier_topic_of_the_same_name_is_not_of_this_one() -> None:
    assert read_progress(3, "sluice1 aaaaaaaa 0 ", "bbbbbbbb") is None
    assert known(3, "sluice1 - 0 ", "bbbbbbbb").next == 3, "the broker had no ids then"
    assert known(3, "sluice1 aaaaaaaa 0 ").next == 3, "the broker has no ids now"


def test_what_retention_took_no_longer_holds_back_the_committed_offset() -> None:
    progress = known(10, "sluice1 - 10 0,2")
    assert meet_all(progress, range(15, 22)) == {20: 1, 21: 1}
    assert progress.base == 20


def test_records_that_never_existed_are_no_gap() -> None:
    progress = Progress()
    meet_all(progress, (0, 3, 7))
    for offset in (0, 3, 7):
        progress.done(offset)
    assert progress.base == 8
