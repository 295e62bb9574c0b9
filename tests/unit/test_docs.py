"""The docs say what the code says: generated pages are current, and nothing a user meets is left unnamed."""

import importlib
from pathlib import Path

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from shared.docs import all_settings, main, pages
from shared.refusals import Refusal
from shared.wiring import Function, load_wiring

ROOT = Path(__file__).resolve().parents[2]
GENERATED = pages()


def _read(*patterns: str) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for pattern in patterns for path in sorted(ROOT.glob(pattern)))


DOCS = _read("docs/*.md", "README.md", "CONTRIBUTING.md")


def _metrics() -> list[str]:
    found = []
    for module in ("shared.metrics", "shared.local.source_metrics"):
        for metric in vars(importlib.import_module(module)).values():
            if isinstance(metric, MetricWrapperBase):
                described = next(iter(metric.describe()))
                found.append(described.name + ("_total" if described.type == "counter" else ""))
    return found


def _tasks() -> list[str]:
    tasks = yaml.safe_load((ROOT / "Taskfile.yml").read_text(encoding="utf-8"))["tasks"]
    return [name for name, task in tasks.items() if not task.get("internal") and name != "default"]


@pytest.mark.parametrize("path", GENERATED, ids=str)
def test_a_generated_page_is_what_the_code_says(path: Path) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == GENERATED[path], "run `./task docs`"


def test_the_check_of_ci_agrees(capsys: pytest.CaptureFixture[str]) -> None:
    assert (main(["--check"]), capsys.readouterr().err) == (0, "")


@pytest.mark.parametrize("name", all_settings())
def test_every_setting_is_documented_and_has_its_line_in_the_example(name: str) -> None:
    assert f"`{name}`" in DOCS
    assert f"{name}=" in _read(".env.example")


def test_the_example_file_shows_no_secret() -> None:
    values = dict(
        line.lstrip("#").split("=", 1) for line in _read(".env.example").splitlines() if "=" in line.split(" ")[0]
    )
    assert {name: values[name] for name, declared in all_settings().items() if declared.secret and values[name]} == {}


@pytest.mark.parametrize("name", _metrics())
def test_every_metric_is_documented(name: str) -> None:
    assert f"`{name}`" in DOCS


def test_the_metrics_other_systems_ask_for_keep_their_names() -> None:
    assert {"processed_total", "batch_latency_ms", "retries_total"} <= set(_metrics())
    assert {name for name in _metrics() if not name.startswith("sluice_")} == {
        "processed_total",
        "batch_latency_ms",
        "retries_total",
    }


@pytest.mark.parametrize("refusal", Refusal)
def test_every_refusal_is_documented(refusal: Refusal) -> None:
    assert f"`{refusal}`" in DOCS


@pytest.mark.parametrize("row", load_wiring().functions, ids=lambda row: row.name)
def test_every_function_and_its_events_are_documented(row: Function) -> None:
    kinds = [*row.emits, *row.consumes, *(kind for topic in row.topics for kind in topic.types)]
    for name in (row.service, *kinds):
        assert f"`{name}`" in DOCS
    for route in row.http:
        assert route.path in DOCS


@pytest.mark.parametrize("name", _tasks())
def test_every_task_is_documented_where_people_look(name: str) -> None:
    assert f"task {name}" in DOCS


def test_every_task_says_what_it_does() -> None:
    tasks = yaml.safe_load((ROOT / "Taskfile.yml").read_text(encoding="utf-8"))["tasks"]
    assert [name for name in _tasks() if not tasks[name].get("desc", "").endswith(".")] == []
