"""The image of each function: built by the Dockerfile's own steps, it starts alone and answers.

Not run here, for want of a container runtime: pulling the base image, `docker build` itself, the user, the mounts.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import httpx
import pytest

from shared.wiring import Function, load_wiring
from tests.infra.image import ROOT, Builder, Image, files_of, ignored, parse
from tests.infra.starting import STARTS_WITHIN, Start, settings_needed, started
from tests.integration.door_process import free_port

# The stage of the app installs and builds it, which takes minutes on a busy machine.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

FUNCTIONS = load_wiring().functions
HADOLINT = shutil.which("hadolint", path=str(ROOT / ".venv/bin")) or shutil.which("hadolint")


def packages_in(image: Image) -> set[str]:
    [folder] = image.path("/venv/lib").glob("python3.*/site-packages")
    return {normal(found.name) for found in metadata.distributions(path=[str(folder)])}


def locked(name: str) -> set[str]:
    text = (ROOT / f"requirements/{name}.txt").read_text(encoding="utf-8")
    return {normal(found) for found in re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==", text, flags=re.MULTILINE)}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("row", FUNCTIONS, ids=lambda row: row.name)
def test_a_function_starts_in_its_own_image_answers_and_writes_nothing_there(
    row: Function, builder: Builder, first_start: Callable[[str], Start]
) -> None:
    image = builder.build("last", row.name)
    before = builder.files_when_built(image)
    found = first_start(row.name)
    assert (found.metrics, found.exit_code) == (200, 0), found.log
    assert files_of(image) == before


@pytest.mark.parametrize("row", FUNCTIONS, ids=lambda row: row.name)
def test_an_image_holds_its_own_function_and_its_own_packages_only(row: Function, builder: Builder) -> None:
    image = builder.build("last", row.name)
    assert {path.name for path in image.path("/app/functions").iterdir() if path.is_dir()} == {"__pycache__", row.name}
    assert packages_in(image) <= locked(row.name)
    assert packages_in(image) & {"pytest", "chdb", "uv", "pip", "functions-framework"} == set()


def test_everything_in_an_image_is_compiled(builder: Builder) -> None:
    image = builder.build("last", "query_count")
    sources = [path for part in ("/app", "/venv") for path in image.path(part).rglob("*.py")]
    compiled = [path for path in sources if list((path.parent / "__pycache__").glob(f"{path.stem}.cpython-*.pyc"))]
    # A few packages carry files of other Python versions or templates, which no Python of ours compiles.
    assert len(sources) - len(compiled) <= 5, [str(path) for path in set(sources) - set(compiled)]
    for path in image.path("/app").rglob("*.pyc"):
        # PEP 552: 0b01 in the second word says hash-based and unchecked, so mtimes of layers do not matter.
        assert path.read_bytes()[4] == 1


@pytest.mark.parametrize(
    ("module", "env"),
    [
        (
            ["shared.local.sources"],
            {"SLUICE_BUS_URL": "redis://127.0.0.1:9/0", "SLUICE_SOURCES_PORT": "{port}"},
        ),
        (
            ["shared.local.host", "router"],
            {"SLUICE_PORT": "{port}", "SLUICE_WORK_URL": "http://{service}:8080", "SLUICE_METRICS_PORT": "METRICS"},
        ),
    ],
    ids=["sources", "router"],
)
def test_what_stands_beside_the_functions_starts_in_the_image_local(
    module: list[str], env: dict[str, str], builder: Builder, tmp_path: Path
) -> None:
    image = builder.build("local", "local")
    given = {name: value.replace("METRICS", str(free_port())) for name, value in env.items()}
    with started(image, given, tmp_path, ["python", "-m", *module]) as (_, address):
        assert httpx.get(f"{address}/nowhere").status_code == 404


def test_the_router_serves_the_app_and_the_library_of_its_image(builder: Builder, tmp_path: Path) -> None:
    image = builder.build("local", "local")
    given = {
        "SLUICE_PORT": "{port}",
        "SLUICE_WORK_URL": "http://{service}:8080",
        "SLUICE_METRICS_PORT": str(free_port()),
    }
    with started(image, given, tmp_path, ["python", "-m", "shared.local.host", "router"]) as (_, address):
        page = httpx.get(f"{address}/app/p/anything/overview", headers={"accept": "text/html"})
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        script = re.search(r'src="(/app/assets/[^"]+\.js)"', page.text)
        assert script, page.text
        assert httpx.get(f"{address}{script[1]}").status_code == 200
        assert httpx.get(f"{address}/sluice.js").headers["content-type"].startswith("text/javascript")
    assert not image.path("/app/web/src").exists()


@pytest.mark.parametrize("module", ["shared.migrate", "shared.local.demo"])
def test_the_image_local_has_what_runs_once(module: str, builder: Builder) -> None:
    image = builder.build("local", "local")
    done = image.run(["python", "-m", module], stderr=subprocess.PIPE)
    _, complaint = done.communicate(timeout=60)
    assert "SLUICE_CATALOG_URL is required" in complaint.decode()


def test_the_dev_image_starts_a_function_anew_when_its_code_changes(builder: Builder, tmp_path: Path) -> None:
    row = next(row for row in FUNCTIONS if row.name == "query_count")
    image = builder.build("dev", row.name)
    with started(image, settings_needed(row), tmp_path) as (_, address):
        before = started_at(address)
        changed = image.path("/app/functions/query_count/logic.py")
        text = changed.read_text(encoding="utf-8")
        changed.unlink()
        changed.write_text(text + "\n# changed\n", encoding="utf-8")
        deadline = time.monotonic() + STARTS_WITHIN
        while started_at(address) in {before, None}:
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.1)


def started_at(address: str) -> float | None:
    """When the process that answers began, by its own metrics; None while there is none."""
    try:
        text = httpx.get(f"{address}/metrics", timeout=5).text
    except httpx.TransportError:
        return None
    found = re.search(r"^process_start_time_seconds (\S+)$", text, flags=re.MULTILINE)
    return float(found[1]) if found else None


def test_the_health_check_of_the_image_tells_a_running_function_from_none(builder: Builder, tmp_path: Path) -> None:
    row = next(row for row in FUNCTIONS if row.name == "query_count")
    image = builder.build("last", row.name)
    with started(image, settings_needed(row), tmp_path) as (_, address):
        port = address.rpartition(":")[2]
        assert image.run(image.health, env={"PORT": port}).wait(30) == 0
    assert image.run(image.health, env={"PORT": port}, stderr=subprocess.DEVNULL).wait(30) != 0


def test_the_image_runs_as_nobody_in_particular_and_stops_by_the_signal_we_drain_at(builder: Builder) -> None:
    image = builder.build("last", "query_count")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", image.user)
    assert image.other["STOPSIGNAL"] == "SIGTERM"
    assert image.env["PATH"].startswith(str(image.path("/venv/bin")))


def test_the_last_stage_is_the_function_so_that_no_target_need_be_named() -> None:
    assert [(stage.name, stage.base) for stage in parse()][-1] == ("last", "function")


@pytest.mark.parametrize("path", ["Dockerfile", "docker/minio/Dockerfile"])
def test_the_linter_has_nothing_to_say(path: str) -> None:
    assert HADOLINT, "hadolint is one of requirements/development.in"
    done = subprocess.run([HADOLINT, str(ROOT / path)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("path", ["Dockerfile", "docker/minio/Dockerfile"])
def test_every_base_image_has_a_full_version(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    tags = dict(re.findall(r"^ARG (\w+)=(\S+)$", text, flags=re.MULTILINE))
    own = {stage.name for stage in parse(ROOT / path)}
    for stage in parse(ROOT / path):
        if stage.base not in own:
            tag = re.sub(r"\$\{(\w+)\}", lambda found: tags[found[1]], stage.base).partition(":")[2]
            assert re.match(r"\d+\.\d+", tag), f"FROM {stage.base}"


@pytest.mark.parametrize(
    ("path", "out"),
    [
        (".env", True),
        (".venv/bin/python", True),
        (".sluice/secrets.json", True),
        ("tests/unit/test_config.py", True),
        ("requirements/ingest.in", True),
        ("functions/ingest/README.md", True),
        ("shared/__pycache__/clock.cpython-311.pyc", True),
        ("functions/ingest/main.py", False),
        ("shared/query/sql/count.sql", False),
        ("shared/local/host.py", False),
        ("requirements/ingest.txt", False),
        ("knative/functions.yaml", False),
        ("docs/openapi.json", False),
        ("docs/metrics.md", True),
    ],
)
def test_a_build_is_sent_what_it_copies_and_no_secret(path: str, *, out: bool) -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored(path, [line for line in lines if line and not line.startswith("#")]) is out


@pytest.mark.parametrize("row", FUNCTIONS, ids=lambda row: row.name)
def test_every_function_has_its_requirements_and_their_lock(row: Function) -> None:
    assert (ROOT / f"requirements/{row.name}.in").is_file()
    assert locked(row.name)


def test_no_lock_names_a_registry_and_every_package_has_its_hashes() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text, path.name
        for entry in re.split(r"\n(?=\S)", text.strip()):
            assert entry.startswith("#") or "--hash=sha256:" in entry, f"{path.name}: {entry[:80]}"


def test_every_image_takes_the_versions_the_tests_ran_on() -> None:
    # One package may have two versions there, each for its own Python.
    tested: dict[str, set[str]] = {}
    for name, version in locked_versions("development"):
        tested.setdefault(name, set()).add(version)
    for path in (ROOT / "requirements").glob("*.txt"):
        for name, version in locked_versions(path.stem):
            assert version in tested.get(name, {version}), f"{path.name}: {name} {version}, tested {tested[name]}"


def locked_versions(name: str) -> list[tuple[str, str]]:
    text = (ROOT / f"requirements/{name}.txt").read_text(encoding="utf-8")
    found = re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==([^\s;\\]+)", text, flags=re.MULTILINE)
    return [(normal(package), version) for package, version in found]
