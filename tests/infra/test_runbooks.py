"""Each alert has a runbook, each runbook an alert; the rules are rules, and fire when they should."""

import re
import subprocess
from typing import Any

import pytest
import yaml

from shared.docs import configuration_page, metrics_page
from tests.engines.go_tools import program
from tests.infra.image import ROOT

RULES = ROOT / "knative/files/alerts.yaml"
FOLDER = ROOT / "docs/runbooks"
GROUPS = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in GROUPS for rule in group["rules"] if "alert" in rule
}
PARTS = ("## What it means", "## Look", "## Do")


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} - {"README"} == set(ALERTS)


@pytest.mark.parametrize("alert", sorted(ALERTS))
def test_a_runbook_says_what_it_means_where_to_look_and_what_to_do(alert: str) -> None:
    assert ALERTS[alert]["annotations"]["runbook_url"] == f"docs/runbooks/{alert}.md"
    text = (FOLDER / f"{alert}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {alert}\n")
    places = [text.index(part) for part in PARTS]
    assert places == sorted(places)
    assert "```console" in text[places[1] :], "a command to look with"


def test_the_list_of_runbooks_names_each_with_what_its_rule_says() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for alert, rule in ALERTS.items():
        assert f"| [{alert}]({alert}.md) |" in text
        assert rule["annotations"]["summary"] in text


def test_a_runbook_names_only_metrics_settings_tasks_and_files_that_exist() -> None:
    known = metrics_page() + configuration_page()
    tasks = yaml.safe_load((ROOT / "Taskfile.yml").read_text(encoding="utf-8"))["tasks"]
    for path in FOLDER.glob("*.md"):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"\b(?:sluice_[a-z_]+|SLUICE_[A-Z_]+)\b", text):
            stem = re.sub(r"_(bucket|count|sum)$", "", name)
            assert f"`{stem}`" in known, f"{path.name}: {name}"
        for task in re.findall(r"\./task ([\w:]+)", text):
            assert task in tasks, f"{path.name}: ./task {task}"
        for link in re.findall(r"\]\(([^)#]+)", text):
            assert (FOLDER / link).exists(), f"{path.name}: {link}"


def test_prometheus_takes_the_rules() -> None:
    argv = [str(program("promtool")), "check", "rules", "--lint-fatal", str(RULES)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_wake_somebody_for_the_faults_they_are_meant_for_and_for_nothing_else() -> None:
    argv = [str(program("promtool")), "test", "rules", str(ROOT / "tests/infra/alerts.test.yaml")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
