"""The `task` wrapper, the Taskfile it serves and the locks it installs from; nothing here uses a network."""

import ast
import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import venv
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted(path.stem for path in (ROOT / "requirements").glob("*.in"))


@pytest.fixture(scope="module")
def wrapper() -> ModuleType:
    spec = importlib.util.spec_from_loader("task_wrapper", SourceFileLoader("task_wrapper", str(ROOT / "task")))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with an empty `.venv` whose uv writes its calls down and makes a `task` that echoes its own."""
    root = tmp_path / "checkout"
    (root / "requirements").mkdir(parents=True)
    for name in ("task", "Taskfile.yml", "pyproject.toml"):
        shutil.copy(ROOT / name, root / name)
    (root / "requirements" / "bootstrap.txt").write_text("uv==1.0\n")
    (root / "requirements" / "development.txt").write_text("one==1.0\ntwo==2.0\n")
    venv.EnvBuilder(with_pip=False, symlinks=True).create(root / ".venv")
    executable(root / ".venv/bin/echo_task", 'echo "$SLUICE_PREPARED" "$PWD" "$@"; exit 7')
    set_uv(root, "cp .venv/bin/echo_task .venv/bin/task")
    return root


def executable(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def set_uv(root: Path, script: str) -> None:
    executable(root / ".venv/bin/uv", f'echo "$2" "$@" >> uv-calls\ncase "$*" in *--offline*) exit 1;; esac\n{script}')


def uv_calls(root: Path) -> list[str]:
    """The subcommands that uv was called with since the last look, tries without network left out."""
    file = root / "uv-calls"
    lines = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return [line.split()[0] for line in lines if "--offline" not in line]


def start(root: Path, *arguments: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    command = [sys.executable, str(root / "task"), *arguments]
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=root.parent)


def run(root: Path, *arguments: str) -> tuple[int, str, str]:
    process = start(root, *arguments)
    stdout, stderr = process.communicate(timeout=60)
    return process.returncode, stdout, stderr


def run_pretending(pretence: str, *, path: Path) -> tuple[int, str, str]:
    """Run `./task up` in an interpreter that first executes `pretence`, with only `path` on PATH."""
    script = f"import runpy, sys\n{pretence}\nsys.argv[:] = ['task', 'up']\n"
    script += f"runpy.run_path({str(ROOT / 'task')!r}, run_name='__main__')"
    command = [sys.executable, "-c", script]
    environment = {"PATH": str(path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_wrapper_parses_on_an_old_python() -> None:
    ast.parse((ROOT / "task").read_text(), feature_version=(3, 6))


def test_wrapper_is_executable_as_checked_out() -> None:
    assert os.access(ROOT / "task", os.X_OK)
    assert os.access(ROOT / ".ci/run", os.X_OK)


def test_old_python_alone_gets_one_line_that_names_what_to_install(tmp_path: Path) -> None:
    status, stdout, stderr = run_pretending("sys.version_info = (3, 8, 18)", path=tmp_path)
    assert (status, stdout) == (1, "")
    assert stderr.startswith("task: Python 3.11 or newer is needed")
    assert len(stderr.splitlines()) == 1


def test_old_python_hands_over_to_the_first_newer_one_that_works(tmp_path: Path) -> None:
    executable(tmp_path / "python3.13", "exit 127")
    executable(tmp_path / "python3.12", 'test "$1" = -c || echo "$0" "$@"')
    status, stdout, stderr = run_pretending("sys.version_info = (3, 8, 18)", path=tmp_path)
    assert (status, stderr) == (0, "")
    assert stdout == f"{tmp_path / 'python3.12'} {ROOT / 'task'} up\n"


def test_windows_is_sent_to_wsl_or_compose_without_needing_a_unix_module(tmp_path: Path) -> None:
    pretence = "import shutil, subprocess; sys.platform = 'win32'; sys.modules['fcntl'] = None"
    status, stdout, stderr = run_pretending(pretence, path=tmp_path)
    assert (status, stdout) == (1, "")
    assert "WSL2" in stderr
    assert "docker compose" in stderr
    assert len(stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("pretence", "named"),
    [
        ({"sys.maxsize": 2**31 - 1}, "32-bit"),
        ({"platform.machine": lambda: "ppc64le"}, "ppc64le"),
        ({"os.confstr": lambda _: None}, "musl"),
        ({"os.confstr": lambda _: "glibc 2.17"}, "glibc 2.17"),
        ({"sys.platform": "darwin"}, "Intel Mac"),
        ({"sys.platform": "freebsd14"}, "freebsd14"),
    ],
)
def test_platform_without_builds_is_named(
    wrapper: ModuleType, monkeypatch: pytest.MonkeyPatch, pretence: dict[str, Any], named: str
) -> None:
    reference = {
        "sys.maxsize": 2**63 - 1,
        "sys.platform": "linux",
        "platform.machine": lambda: "x86_64",
        "os.confstr": lambda _: "glibc 2.36",
    }
    for target, value in {**reference, **pretence}.items():
        monkeypatch.setattr(target, value)
    with pytest.raises(wrapper.SetUpError, match=named):
        wrapper.refuse_platform()


def test_platform_with_builds_passes(wrapper: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    wrapper.refuse_platform()


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        ([], []),
        (["up"], ["up"]),
        (["bench", "ingest"], ["bench", "--", "ingest"]),
        (["up", "--foreground"], ["up", "--", "--foreground"]),
        (["up", "PROFILE=split"], ["up", "PROFILE=split"]),
        (["up", "PROFILE=split", "--foreground"], ["up", "PROFILE=split", "--", "--foreground"]),
        (["-v", "test:unit", "-k", "late event"], ["-v", "test:unit", "--", "-k", "late event"]),
        (["lock", "--upgrade"], ["lock", "--", "--upgrade"]),
        (["up", "--", "--foreground"], ["up", "--", "--foreground"]),
        (["fmt", "check"], ["fmt", "check"]),
        (["check", "test"], ["check", "test"]),
        (["--list"], ["--list"]),
    ],
)
def test_arguments_reach_the_task_that_takes_them(wrapper: ModuleType, given: list[str], passed: list[str]) -> None:
    assert wrapper.separate_arguments(given, (ROOT / "Taskfile.yml").read_text()) == passed


def test_first_run_prepares_and_later_runs_only_pass_on(checkout: Path) -> None:
    status, stdout, stderr = run(checkout, "bench", "ingest")
    assert uv_calls(checkout) == ["sync", "install"]
    assert (status, stdout) == (7, f"{checkout} {checkout} bench -- ingest\n")
    assert "2 packages" in stderr

    assert run(checkout, "check", "test") == (7, f"{checkout} {checkout} check test\n", "")
    assert run(checkout, "--prepare") == (0, "", "")
    assert uv_calls(checkout) == []


@pytest.mark.parametrize("changed", ["requirements/development.txt", "requirements/bootstrap.txt", "pyproject.toml"])
def test_change_of_what_the_environment_is_made_from_prepares_again(checkout: Path, changed: str) -> None:
    run(checkout, "--prepare")
    uv_calls(checkout)
    with (checkout / changed).open("a") as file:
        file.write("# changed\n")
    assert run(checkout, "--prepare")[0] == 0
    assert uv_calls(checkout) == ["sync", "install"]


def test_moved_checkout_is_not_taken_for_a_prepared_one(checkout: Path, tmp_path: Path, wrapper: ModuleType) -> None:
    run(checkout, "--prepare")
    assert wrapper.is_current(wrapper.Paths(checkout))
    moved = checkout.rename(tmp_path / "moved")
    assert not wrapper.is_current(wrapper.Paths(moved))


def test_lost_python_is_not_taken_for_a_prepared_one(checkout: Path, wrapper: ModuleType) -> None:
    run(checkout, "--prepare")
    paths = wrapper.Paths(checkout)
    paths.python.unlink()
    paths.python.symlink_to("/nowhere/python3.11")
    assert not wrapper.is_current(paths)
    assert not wrapper.is_whole(paths)


def test_two_first_runs_at_once_prepare_once(checkout: Path) -> None:
    with (checkout / ".venv/.setup.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        both = [start(checkout, "up"), start(checkout, "up")]
        told = [process.stderr.readline() for process in both if process.stderr]
    assert told == ["waiting for another ./task that is preparing .venv\n"] * 2
    for process in both:
        process.communicate(timeout=60)
    assert [process.returncode for process in both] == [7, 7]
    assert uv_calls(checkout) == ["sync", "install"]


def test_failed_step_is_one_sentence_and_is_tried_again(checkout: Path) -> None:
    set_uv(checkout, "echo 'error: Request failed after 3 retries: dns error'; exit 2")
    status, stdout, stderr = run(checkout, "up")
    assert (status, stdout) == (1, "")
    assert "step 2 packages failed: the package registry did not answer" in stderr.splitlines()[-1]
    assert "Traceback" not in stderr

    uv_calls(checkout)
    set_uv(checkout, "cp .venv/bin/echo_task .venv/bin/task")
    assert run(checkout, "up")[0] == 7
    assert uv_calls(checkout) == ["sync", "install"]


def test_environment_that_was_left_half_made_is_made_anew(checkout: Path, wrapper: ModuleType) -> None:
    paths = wrapper.Paths(checkout)
    (paths.venv / "left-over").mkdir()
    paths.lock.touch()
    wrapper.create_venv(paths)
    assert wrapper.is_whole(paths)
    assert not (paths.venv / "left-over").exists()
    assert not paths.uv.exists()
    assert paths.lock.exists()


@pytest.mark.parametrize(
    ("log", "meaning"),
    [
        ("cause: invalid peer certificate: UnknownIssuer", "SSL_CERT_FILE"),
        ("cause: failed to write: No space left on device (os error 28)", "disk is full"),
        ("error: Hash mismatch for `one==1.0`", "not the one that was locked"),
        ("hint: building from source is disabled for all packages", "no build for this machine"),
        ("cause: operation timed out", "did not answer"),
        ("something else\nerror: unheard of\n", "error: unheard of"),
    ],
)
def test_log_of_a_failed_step_is_put_into_words(wrapper: ModuleType, checkout: Path, log: str, meaning: str) -> None:
    paths = wrapper.Paths(checkout)
    paths.log.write_text(f"$ first step\ndns error\n$ second step\n{log}\n")
    assert meaning in wrapper.diagnosis(paths)


def test_one_certificate_bundle_serves_both_tools(wrapper: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "UV_SYSTEM_CERTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", "/company/ca.pem")
    assert wrapper.tool_environment()["PIP_CERT"] == "/company/ca.pem"
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setattr(wrapper, "SYSTEM_CERTIFICATES", (str(ROOT / "task"), "/nowhere"))
    environment = wrapper.tool_environment()
    assert (environment["PIP_CERT"], environment["UV_SYSTEM_CERTS"]) == (str(ROOT / "task"), "1")


def test_no_cache_is_asked_for_without_a_home(wrapper: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/nowhere")
    assert wrapper.tool_environment()["UV_NO_CACHE"] == "1"


def test_bytecode_is_made_at_install_only_where_python_may_not_keep_it(
    wrapper: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UV_COMPILE_BYTECODE", raising=False)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert wrapper.tool_environment()["UV_COMPILE_BYTECODE"] == "1"
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE")
    assert "UV_COMPILE_BYTECODE" not in wrapper.tool_environment()


def test_every_door_has_a_sentence_and_makes_sure_of_the_environment() -> None:
    tasks = yaml.safe_load((ROOT / "Taskfile.yml").read_text())["tasks"]
    doors = {name: task for name, task in tasks.items() if not task.get("internal")}
    assert [name for name, task in doors.items() if not task["desc"].endswith(".")] == []
    without = {name for name, task in doors.items() if task.get("deps") != ["_venv"]}
    containers = {"docker:up", "docker:down", "docker:env"}  # they bring their own
    assert without == {
        "default",
        *containers,
        *(f"web:{name}" for name in ("check", "e2e", "screenshots", "test", "types")),
    }


def test_lock_door_finds_every_requirements_file_by_itself() -> None:
    text = (ROOT / "Taskfile.yml").read_text()
    assert "ls requirements/*.in" in text
    assert sorted(path.stem for path in (ROOT / "requirements").glob("*.in")) == LOCKS


def test_every_function_has_a_lock_of_its_own() -> None:
    functions = {entry.parent.name for entry in (ROOT / "functions").glob("*/main.py")}
    assert functions == set(LOCKS) - {"development", "bootstrap", "local", "reload", "web"}


@pytest.mark.parametrize("name", LOCKS)
def test_lock_pins_each_package_with_hashes_and_names_no_host(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    assert "://" not in text
    assert "--index" not in text
    entries = re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]
    assert [entry for entry in entries if not re.match(r"[\w.-]+==\S+.*--hash=sha256:", entry, re.DOTALL)] == []


@pytest.mark.parametrize("name", LOCKS)
def test_lock_holds_what_its_source_asks_for(name: str) -> None:
    asked = (ROOT / "requirements" / f"{name}.in").read_text().splitlines()
    wanted = {canonical(re.split(r"[\[ ;=<>]", line)[0]) for line in asked if line and not line.startswith("#")}
    assert wanted - set(pins(name)) == set()


@pytest.mark.parametrize("name", [name for name in LOCKS if name != "web"])  # node has an environment of its own
def test_lock_of_a_part_agrees_with_the_development_lock(name: str) -> None:
    development = pins("development")
    assert {package: pin for package, pin in pins(name).items() if development.get(package) != pin} == {}


def pins(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, flags=re.MULTILINE))


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
