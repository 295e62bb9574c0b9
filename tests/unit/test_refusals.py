"""The closed list of refusals is complete and says what to do."""

from pathlib import Path

import pytest

from shared.refusals import Refusal, Rejected, describe

ERRORS_PAGE = Path(__file__).resolve().parents[2] / "docs" / "errors.md"


def test_codes_are_unique_and_fit_for_labels() -> None:
    codes = [str(refusal) for refusal in Refusal]
    assert len(set(codes)) == len(codes) == len(Refusal.__members__)
    assert all(code.replace("_", "").isalpha() and code == code.lower() for code in codes)


@pytest.mark.parametrize("refusal", Refusal)
def test_every_refusal_has_a_status_and_a_sentence(refusal: Refusal) -> None:
    description = describe(refusal)
    assert 400 <= description.status < 600
    assert description.title.endswith(".")
    assert description.title[0].isupper()


@pytest.mark.parametrize("refusal", Refusal)
def test_repeating_is_advised_exactly_where_the_fault_may_pass(refusal: Refusal) -> None:
    description = describe(refusal)
    assert description.retryable == (description.status in {408, 429} or description.status >= 500)


@pytest.mark.parametrize("refusal", Refusal)
def test_the_docs_list_every_refusal_with_its_status(refusal: Refusal) -> None:
    assert f"| `{refusal}` | {describe(refusal).status} |" in ERRORS_PAGE.read_text(encoding="utf-8")


# What is answered to requests of people and never to a source: no event asks for a project or changes a definition.
_ONLY_TO_PEOPLE = {
    Refusal.NOT_FOUND,
    Refusal.PROJECT_REQUIRED,
    Refusal.ORGANISATION_REQUIRED,
    Refusal.LAST_OWNER,
    Refusal.CONFLICT,
    Refusal.SCHEMA_INCOMPATIBLE,
}


@pytest.mark.parametrize("refusal", Refusal)
def test_a_source_never_repeats_what_can_never_succeed(refusal: Refusal) -> None:
    """KafkaSource repeats 404, 408, 409 and 429; a refusal of an event's content must not be among them."""
    if not describe(refusal).retryable and refusal not in _ONLY_TO_PEOPLE:
        assert describe(refusal).status not in {404, 408, 409, 429}


def test_a_rejection_carries_its_detail_and_more() -> None:
    rejected = Rejected(Refusal.MALFORMED_JSON, "a comma is missing", position=17)
    assert (rejected.refusal, rejected.detail, rejected.extra) == (
        Refusal.MALFORMED_JSON,
        "a comma is missing",
        {"position": 17},
    )
    assert str(rejected) == "malformed_json: a comma is missing"
