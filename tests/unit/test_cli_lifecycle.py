"""`sluice retention`, `pii` and `replay`: what is typed becomes what the API takes, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from shared.cli import lifecycle
from shared.cli.main import app

ON = ["--url", "http://localhost:1", "--key", "sls_x"]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What the commands ask of a server; a job is completed at once."""
    found: list[tuple[str, Any]] = []
    kept = {"days": 7, "rules": [], "rejected_days": None, "holds": 0, "runs": []}
    ran = {"passed": 1, "seen": 2, "events": 1, "reasons": {"bad_id": 1}, "unusable": 0}

    def send(_: object, method: str, path: str, body: Any = None) -> dict[str, Any]:
        found.append((f"{method} {path}", body))
        return kept

    def ask(_: object, path: str, body: Any) -> dict[str, Any]:
        found.append((f"POST {path}", body))
        return {"id": "1", "in_force": True}

    monkeypatch.setattr(lifecycle, "send", send)
    monkeypatch.setattr(lifecycle, "ask", ask)
    monkeypatch.setattr(lifecycle, "fetch", lambda *_: {"state": "completed", "result": ran, "items": []})
    return found


def test_days_rules_and_holds_are_sent_as_the_api_takes_them(asked: list[tuple[str, Any]]) -> None:
    for words in (
        ["retention", "set", "365", "--rule", "debug=7", "--rule", "a=b=forever", "--rejected", "events", *ON],
        ["retention", "hold", "--user-id", "ada", "--reason", "case", *ON],
        ["retention", "release", "abc", *ON],
        ["pii", "add", "email", "--action", "truncate", "--length", "3", *ON],
        ["pii", "remove", "abc", *ON],
    ):
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output
    rules = [{"event": "debug", "days": 7}, {"event": "a=b", "days": None}]
    hold = {"user_id": "ada", "anonymous_id": "", "project": False, "reason": "case"}
    assert asked == [
        ("PUT /api/v1/retention", {"days": 365, "rejected_days": None, "rules": rules}),
        ("POST /api/v1/retention/holds", hold),
        ("DELETE /api/v1/retention/holds/abc", None),
        ("POST /api/v1/pii/rules", {"text": "email", "action": "truncate", "match": "name", "length": 3}),
        ("DELETE /api/v1/pii/rules/abc", None),
    ]


def test_a_replay_reads_its_edits_and_says_what_came_of_it(asked: list[tuple[str, Any]], tmp_path: Path) -> None:
    edits = [{"op": "drop", "field": "timestamp"}]
    file = tmp_path / "edits.json"
    file.write_text(json.dumps(edits))
    result = CliRunner().invoke(app, ["replay", "--reason", "bad_id", "--edits", str(file), "--dry-run", *ON])
    assert "1 of 2 would be taken" in result.output
    assert "bad_id: 1" in result.output
    assert asked == [
        ("POST /api/v1/rejected/replays", {"reason": "bad_id", "event": "", "edits": edits, "dry_run": True})
    ]


@pytest.mark.parametrize(
    "words",
    [
        ["retention", "set", "0"],
        ["retention", "set", "-1"],
        ["retention", "set", "week"],
        ["retention", "set", "7", "--rule", "debug"],
        ["retention", "set", "7", "--rule", "=7"],
        ["replay", "--edits", "/no/such/file"],
    ],
)
def test_what_is_none_ends_with_a_sentence(asked: list[tuple[str, Any]], words: list[str]) -> None:
    result = CliRunner().invoke(app, [*words, *ON])
    assert result.exit_code == 2
    assert asked == []
