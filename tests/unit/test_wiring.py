"""The wiring table and the folders agree, and the folders keep to their places."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.wiring import TABLE, Function, WiringError, load_wiring

ROOT = Path(__file__).resolve().parents[2]
WIRING = load_wiring()
FOLDERS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/main.py"))
NAMES = [row.name for row in WIRING.functions]

# A cold start is its imports: main.py may name none of these before it is asked to work.
HEAVY = "fastapi flask starlette clickhouse_connect psycopg redis chdb aiohttp sqlalchemy alembic cloudevents uvicorn"
MOST_MAIN_LINES = 40
EVENT_TYPE = re.compile(r"dev\.sluice(\.[a-z_]+){2}\.v\d+")

# Who may look at the environment besides shared/config.py, and why.
READS_ENVIRONMENT = {
    "shared/config.py": "it is the one place that parses it",
    "shared/cli/client.py": "puts .env below the environment and hands both to shared/config.py",
    "shared/deploy/sealed.py": "takes the addresses of an operator's own stores over into secrets",
    "shared/local/parts.py": "passes it on to the processes it starts",
    "shared/local/scaling.py": "the same, for functions that are started when they are asked",
    "shared/local/web_build.py": "passes it on to node, with a PATH that has one",
}


def modules(folder: str) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_every_function_folder_has_a_row_and_the_other_way_round() -> None:
    assert sorted(NAMES) == FOLDERS
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_holds_what_every_folder_holds(name: str) -> None:
    found = {path.name for path in (ROOT / "functions" / name).iterdir()}
    assert {"main.py", "logic.py", "README.md"} <= found


def test_every_emitted_event_type_is_read_by_somebody() -> None:
    emitted = {kind for row in WIRING.functions for kind in row.emits}
    assert emitted | set(WIRING.sources) >= _consumed()
    assert emitted <= _consumed() | set(WIRING.terminal)


def test_the_ends_of_the_flow_are_declared_only_where_they_are_ends() -> None:
    emitted = {kind for row in WIRING.functions for kind in row.emits}
    assert set(WIRING.sources) <= _consumed() - emitted
    assert set(WIRING.terminal) <= emitted - _consumed()


def _consumed() -> set[str]:
    consumed = {kind for row in WIRING.functions for kind in row.consumes}
    consumed |= {kind for row in WIRING.functions for topic in row.topics for kind in topic.types}
    return consumed


@pytest.mark.parametrize("row", WIRING.functions, ids=NAMES)
def test_a_row_can_become_a_knative_service(row: Function) -> None:
    assert len(row.service) <= 63
    assert row.service.replace("-", "").isalnum()
    assert row.service == row.service.lower()
    assert 0 <= row.scale.min <= row.scale.max
    assert 1 <= row.concurrency <= 1_000
    assert 1 <= row.timeout <= 600
    assert row.http or row.topics or row.consumes or row.cron, "nothing triggers it"
    assert row.visibility == "public" or not row.http, "a public path needs a public function"
    for kind in (*row.emits, *row.consumes, *(kind for topic in row.topics for kind in topic.types)):
        assert EVENT_TYPE.fullmatch(kind), kind


def test_no_two_functions_answer_the_same_method_of_a_path() -> None:
    taken = [(route.path, method) for row in WIRING.functions for route in row.http for method in route.methods]
    assert len(set(taken)) == len(taken)


def test_a_malformed_table_is_refused_with_its_place(tmp_path: Path) -> None:
    text = TABLE.read_text(encoding="utf-8")
    for broken, place in (
        (text.replace("concurrency: 500", "concurrency: many"), "$.functions[0].concurrency"),
        (text.replace("    duty:", "    dooty:", 1), "dooty"),
        (text.replace("process: edge", "process: cloud"), "$.functions[0].process"),
        ("functions: [", "functions.yaml"),
    ):
        (tmp_path / "functions.yaml").write_text(broken, encoding="utf-8")
        with pytest.raises(WiringError, match=re.escape(place)):
            load_wiring(tmp_path / "functions.yaml")


def test_a_function_is_found_by_folder_and_by_service_name() -> None:
    assert WIRING.find("batch_write") is WIRING.find("batch-write")
    with pytest.raises(WiringError, match="nobody"):
        WIRING.find("nobody")


# --- how the folders are written


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_is_thin(name: str) -> None:
    tree = ast.parse((ROOT / "functions" / name / "main.py").read_text(encoding="utf-8"))
    body = [node for node in tree.body[1:] if not isinstance(node, ast.Import | ast.ImportFrom)]
    lines = {line for node in body for inner in ast.walk(node) for line in _lines(inner)}
    assert len(lines) <= MOST_MAIN_LINES


def _lines(node: ast.AST) -> range:
    return range(getattr(node, "lineno", 0), getattr(node, "end_lineno", -1) + 1)


@pytest.mark.parametrize("name", NAMES)
def test_importing_an_entry_loads_no_framework_and_no_client(name: str) -> None:
    program = f"import sys, functions.{name}.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & set(HEAVY.split()) == set()


def test_no_function_imports_another_and_nothing_shared_imports_a_function() -> None:
    for path, tree in modules("functions"):
        own = path.split("/")[1]
        others = {name for name in imported(tree) if name.startswith("functions.") and name.split(".")[1] != own}
        assert others == set(), path
    for path, tree in modules("shared"):
        assert not [name for name in imported(tree) if name.split(".")[0] in {"functions", "tests"}], path


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        path
        for folder in ("functions", "shared")
        for path, tree in modules(folder)
        if any(_reads_environment(node) for node in ast.walk(tree))
    }
    assert readers == set(READS_ENVIRONMENT)


def _reads_environment(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
        return node.attr in {"environ", "environb", "getenv"}
    return isinstance(node, ast.ImportFrom) and node.module == "os" and any("env" in a.name for a in node.names)
