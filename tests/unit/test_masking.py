"""What looks like a secret leaves neither by a log line nor by an error."""

import json

import pytest
import structlog

from shared.http import problem
from shared.refusals import Refusal
from shared.security.keys import new_key
from shared.security.masking import mask, mask_value
from shared.telemetry import configure_logging

KEY = new_key("secret")
TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"  # pragma: allowlist secret (it says nothing)
SECRETS = [
    (f"the key {KEY} is", KEY[9:]),
    (f"Bearer {TOKEN}", TOKEN[10:]),
    (TOKEN.rpartition(".")[0] + ".", "eyJzdWIi"),
    ("postgresql://sluice:s3cret-word@h/x", "s3cret-word"),
    ("redis://:pw-1234@h:1/0", "pw-1234"),
    ("Authorization: Bearer abcdefghij", "abcdefghij"),
    ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
    ("{'password': 'hunter2222'}", "hunter2222"),
    ('{"new_password":"hunter2222"}', "hunter2222"),
    ("https://x.example/reset?token=abc12345&x=1", "abc12345"),
    ("GET /api/v1/shared/shr_Qz7XwR1kq0n9c2v8b4m6l3j5h7g9f1d2s0a8/widgets/w1", "Qz7XwR1kq0n9"[5:] + "c2v8"),
    ("the link slm_Qz7XwR1kq0n9c2v8b4m6l3j5h7g9f1d2s0a8 is over", "Qz7XwR1k"),
    ("sli_Qz7XwR1kq0n9c2v8b4m6l3j5h7g9f1d2s0a8", "Qz7XwR1k"),
    ("slr_Qz7XwR1kq0n9c2v8b4m6l3j5h7g9f1d2s0a8", "Qz7XwR1k"),
    ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8G"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS, ids=range(len(SECRETS)))  # the key is a new one each time
def test_a_secret_in_a_text_is_masked(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in mask(text)
    assert "****" in mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "it needs the scope 'read', and has []",
        "`token`: field required",
        "the token is not sound",
        "https://analytics.example/app/?a=b",
        "GET /api/v1/query/count?from=2026-01-01",
        "01a1fcc1-fa4c-701a-8b86-fa38db7fa1d3",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask(text) == text


def test_a_key_stays_recognisable_by_its_beginning() -> None:
    assert mask(KEY) == KEY[:8] + "********"


def test_nested_values_are_masked_by_their_names_and_by_their_forms() -> None:
    found = mask_value({"a": [{"client_secret": "x1"}, KEY], "b": {"totp_code": 1}, "n": 3, "t": (True, None, b"sls_")})
    assert found == {
        "a": [{"client_secret": "********"}, KEY[:8] + "********"],
        "b": {"totp_code": "********"},
        "n": 3,
        "t": [True, None, "sls_"],
    }


def test_a_log_line_and_its_traceback_hold_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("test")
    try:
        int(f"cannot reach postgresql://u:s3cret-word@h with {KEY}")
    except ValueError:
        structlog.get_logger().exception("bug", headers={"authorization": "x", "x-api-key": KEY}, password="abc")
    finally:
        structlog.reset_defaults()
    line = capsys.readouterr().out
    assert json.loads(line)["headers"] == {"authorization": "********", "x-api-key": "********"}
    assert not [secret for secret in ("s3cret-word", KEY[9:], '"abc"') if secret in line]


def test_an_error_does_not_repeat_a_key_it_was_sent() -> None:
    body = problem(Refusal.BAD_REQUEST, f"no such thing: {KEY}").body.decode()
    assert KEY[9:] not in body
    assert KEY[:8] in body
