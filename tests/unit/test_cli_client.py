"""Where the commands find the server and the key, and how they fail."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from shared.cli.client import CliError, connect
from shared.cli.main import app

DEMO = {
    "url": "http://localhost:8080",
    "project_id": "11111111-2222-4333-8444-555555555555",
    "write_key": "slp_demo",
    "secret_key": "sls_demo",
}


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, and no settings but it."""
    monkeypatch.chdir(tmp_path)
    for name in ("SLUICE_URL", "SLUICE_KEY", "SLUICE_CATALOG_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLUICE_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def demo(data: Path) -> None:
    (data / "demo.json").write_text(json.dumps({**DEMO, "email": "added@later.example"}))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.usefixtures("demo")
def test_the_local_demo_gives_url_project_and_the_key_that_fits() -> None:
    write, read = connect("", "", "write"), connect("", "", "read")
    assert (write.url, write.key, str(write.project_id)) == (DEMO["url"], "slp_demo", DEMO["project_id"])
    assert read.key == "sls_demo"


@pytest.mark.usefixtures("demo")
def test_settings_come_before_the_demo_and_options_before_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_URL", "http://set:1/")
    monkeypatch.setenv("SLUICE_KEY", "slp_set")
    assert connect("", "", "write").url == "http://set:1"
    assert connect("https://given", "slp_given", "write").url == "https://given"
    assert connect("https://given", "slp_given", "write").key == "slp_given"


@pytest.mark.usefixtures("demo")
def test_the_demo_key_never_goes_to_another_server() -> None:
    with pytest.raises(CliError, match="SLUICE_KEY"):
        connect("https://elsewhere.example", "", "read")


@pytest.mark.usefixtures("demo")
def test_a_given_key_may_be_of_any_project() -> None:
    assert connect("", "slp_other", "write").project_id is None


def test_the_env_file_of_the_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SLUICE_URL=http://file:1\nSLUICE_KEY=slp_file\n")
    assert connect("", "", "write").key == "slp_file"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["query", "count"], 1, "No server is known"),
        (["query", "count", "--url", "localhost:1", "--key", "x"], 2, "http://"),
        (["query", "count", "--url", "http://127.0.0.1:x", "--key", "x"], 2, "not a URL"),
        (["import", "nothing.ndjson"], 2, "There is no file"),
        (["import", "rows", "--map", "nonsense=a"], 2, "cannot be mapped"),
        (["import", "rows", "--dry-run", "--rejects", "no/such/folder"], 2, "cannot be written"),
        (["keys", "list"], 1, "SLUICE_CATALOG_URL"),
        (["keys", "create", "--name", "x", "--scope", "read"], 2, "--kind secret"),
        (["keys", "create", "--name", "x", "--kind", "secret", "--scope", "all"], 2, "none of"),
        (["keys", "create", "--name", "x", "--expires", "soon"], 2, "90d"),
        (["keys", "create", "--name", "x", "--expires", "2020-01-01"], 2, "over already"),
    ],
)
def test_what_cannot_work_ends_with_one_sentence_and_a_code(
    tmp_path: Path, arguments: list[str], code: int, sentence: str
) -> None:
    (tmp_path / "rows").write_text('{"event":"e","timestamp":1}\n')
    result = run(*arguments)
    assert result.exit_code == code
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert isinstance(result.exception, SystemExit)


def test_a_damaged_demo_file_says_how_to_mend_it(data: Path) -> None:
    (data / "demo.json").write_text("{")
    result = run("query", "count")
    assert (result.exit_code, "sluice up" in result.stderr) == (1, True)


def test_a_setting_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_PORT", "eighty")
    result = run("doctor")
    assert result.exit_code == 2
    assert "SLUICE_PORT" in result.stderr


def test_a_dry_run_shows_events_counts_refusals_and_sends_nothing(tmp_path: Path) -> None:
    (tmp_path / "rows").write_text('{"at":1,"a":1.10}\n{"at":\n{"b":1}\n')
    result = run("import", "rows", "--event", "seen", "--map", "timestamp=at", "--dry-run", "--rejects", "bad")
    assert result.exit_code == 1
    assert '"properties":{"a":1.10}' in result.stdout
    assert "nothing was" in result.stdout
    rejected = [json.loads(line) for line in (tmp_path / "bad").read_text().splitlines()]
    assert [(row["row"], row["reason"], row["line"]) for row in rejected] == [
        (2, "malformed_json", '{"at":'),
        (3, "bad_timestamp", '{"b":1}'),
    ]


def test_a_dry_run_in_json_is_only_json(tmp_path: Path) -> None:
    (tmp_path / "rows").write_text('{"event":"e","timestamp":1}\n')
    result = run("import", "rows", "--dry-run", "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert (told["rows"], told["accepted"], told["refused"], told["lost"], told["dry_run"]) == (1, 1, 0, 0, True)
