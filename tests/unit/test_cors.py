"""CORS: which pages may send, and what browsers are told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.ingest.cors import Cors, CorsSettings
from shared.config import ConfigError, load

PAGE = "https://shop.example"


def allowed_origin(cors: Cors, origin: str) -> str | None:
    return cors.answer({"origin": origin}).get("access-control-allow-origin")


def test_any_page_may_send_by_default_even_a_beacon_with_credentials() -> None:
    answer = Cors(load(CorsSettings, {}).cors_origins).answer({"origin": PAGE})
    assert answer["access-control-allow-origin"] == PAGE
    assert answer["access-control-allow-credentials"] == "true"
    assert answer["vary"] == "origin"
    assert {"x-request-id", "retry-after"} <= set(answer["access-control-expose-headers"].split(", "))


def test_a_request_that_no_page_sent_gets_no_headers() -> None:
    assert Cors().answer({"host": "sluice.example"}) == {}


def test_a_page_without_an_origin_of_its_own_may_send_by_default_only() -> None:
    assert allowed_origin(Cors(), "null") == "null"
    assert allowed_origin(Cors(PAGE), "null") is None


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://shop.example", True),
        ("https://SHOP.example", True),
        ("http://shop.example", False),
        ("https://shop.example:8443", False),
        ("https://shop.example.evil.example", False),
        ("https://a.shop.example", False),
        ("https://a.other.example", True),
        ("https://a.b.other.example", True),
        ("https://other.example", False),
        ("https://.other.example", False),
        ("https://evilother.example", False),
        ("http://localhost:5173", True),
    ],
)
def test_an_allow_list_names_origins_and_subdomains(origin: str, *, allowed: bool) -> None:
    cors = Cors("https://shop.example/, https://*.other.example,http://localhost:5173")
    assert allowed_origin(cors, origin) == (origin if allowed else None)


def test_a_page_that_may_not_send_is_told_nothing_but_that_origins_differ() -> None:
    assert Cors(PAGE).answer({"origin": "https://evil.example"}) == {"vary": "origin"}


@pytest.mark.parametrize(
    "wrong", ["shop.example", "https://", "https://a/b", "https://*", "*.example", ",", "https://a b"]
)
def test_an_origin_that_is_none_stops_the_start(wrong: str) -> None:
    with pytest.raises(ConfigError, match="SLUICE_CORS_ORIGINS"):
        Cors(wrong)


def test_a_preflight_allows_what_senders_need_and_any_cloudevent_attribute() -> None:
    asked = "content-type,Ce-Id, ce-myextension,x-evil,ce-bad_name,ce-id"
    headers = Cors().preflight({"origin": PAGE, "access-control-request-headers": asked})
    names = headers["access-control-allow-headers"].split(", ")
    assert {"content-type", "content-encoding", "x-api-key", "authorization", "idempotency-key", "traceparent"} <= {
        *names
    }
    assert names[-2:] == ["ce-id", "ce-myextension"]
    assert not {"x-evil", "ce-bad_name"} & {*names}
    assert headers["access-control-allow-methods"] == "POST, OPTIONS"
    assert int(headers["access-control-max-age"]) >= 7_200


def test_a_preflight_that_asks_for_thousands_of_headers_gets_a_short_answer() -> None:
    asked = ",".join(f"ce-a{number}" for number in range(5_000))
    assert len(Cors().preflight({"access-control-request-headers": asked})["access-control-allow-headers"]) < 5_000


@given(st.text(max_size=60))
def test_no_origin_can_break_out_of_its_header(origin: str) -> None:
    said = allowed_origin(Cors(), origin)
    assert said is None or (said == origin and said.isascii() and said.isprintable() and " " not in said)
