"""What a stranger does first: the commands of the README, as they stand there."""

import itertools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.running import Running, wait_until
from tests.load.instance import ROOT

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
GUIDE = ROOT / "docs" / "write-a-function.md"
FILE_BLOCK = re.compile(r"^`([\w/.]+)`\n\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ROW = re.compile(r"^```yaml\n(  - name: .*?)^```$", re.DOTALL | re.MULTILINE)
BLOCK_SECONDS = 240
PREPARED = ROOT / ".venv" / ".stamp"
BASH = shutil.which("bash") or "/bin/bash"


def commands(readme: str) -> list[str]:
    """The `sh` blocks of a README: what a reader runs. `console` and `text` blocks show what comes back."""
    return [body for language, body in BLOCK.findall((ROOT / readme).read_text()) if language == "sh"]


@pytest.fixture
def fresh() -> Iterator[Running]:
    """Where the README's commands find no data and no home; what they started is ended by its pids."""
    folder = Path(tempfile.mkdtemp(prefix="sl"))
    (folder / "home").mkdir()
    instance = Running(folder / "d")
    instance.environ |= {"HOME": str(folder / "home")}
    try:
        yield instance
    finally:
        instance.end()
        shutil.rmtree(folder, ignore_errors=True)


def run(block: str, instance: Running) -> str:
    """Run a block in the repository's root and return what it printed; fails where one command does."""
    # Only the data folder and the port are not the README's own; the block's PATH and packages are.
    environ = {name: value for name, value in instance.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [BASH, "-e", "-o", "pipefail", "-c", block],
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BLOCK_SECONDS,
        check=False,
    )
    instance.note_processes()
    assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}{instance.log_ends()}"
    return done.stdout


def test_both_readmes_give_the_same_commands() -> None:
    assert commands("README.md") == commands("README.ru.md") != []


@pytest.mark.timeout(5 * BLOCK_SECONDS)
@pytest.mark.skipif(not PREPARED.exists(), reason="./task has not prepared .venv and would now, under running tests")
def test_the_readmes_commands_work_in_their_order(fresh: Running) -> None:
    """`./task test` stands in a `console` block: it would run this test again."""
    up, send, count, load, stop = commands("README.md")
    assert "./task test" not in up + send + count + load + stop

    assert f"http://localhost:{fresh.port}" in run(up, fresh)
    assert '"accepted":1,"rejected":[]' in run(send, fresh)
    assert '"value":1,"exact":true' in run(count, fresh)
    numbers = [line for line in run(load, fresh).splitlines() if re.fullmatch(r"[\d.]+", line)]
    assert numbers == ["3", "2", "12.5"]
    assert "running" in run(stop, fresh)
    wait_until(lambda: not fresh.living(), 30, "nothing runs after ./task down")


def test_the_guide_to_a_function_ends_in_a_passing_test(tmp_path: Path) -> None:
    """The files it shows are written into a copy of the repository; its commands for locks and pages are not run."""
    text = GUIDE.read_text()
    for name in ("functions", "shared", "knative", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    files = dict(FILE_BLOCK.findall(text))
    [test] = [name for name in files if name.startswith("tests/")]
    for name, body in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(body)
    table = tmp_path / "knative" / "functions.yaml"
    [row] = ROW.findall(text)
    table.write_text(_with_row(table.read_text(), row))
    python = [os.fspath(ROOT / ".venv" / "bin" / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [*python, test], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=BLOCK_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    wired = "from shared.wiring import load_wiring; print(load_wiring().functions[-1].name)"
    shown = subprocess.run(
        [python[0], "-c", wired], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == Path(next(iter(files))).parts[1]


def _with_row(table: str, row: str) -> str:
    """The wiring table with a row at the end of its list of functions."""
    lines = table.splitlines(keepends=True)
    head = list(itertools.takewhile(lambda line: not line.startswith(("sources:", "# Event types that come")), lines))
    return "".join(head) + row + "".join(lines[len(head) :])
