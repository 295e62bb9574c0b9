"""The workflows are sound, pinned, and ask for no more than they need; nothing here runs them."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engines.go_tools import program
from tests.infra.image import ROOT

FOLDER = ROOT / ".github/workflows"
FILES = sorted(FOLDER.glob("*.yml"))
SHELLCHECK = ROOT / ".venv/bin/shellcheck"


def read(path: Path) -> dict[str, Any]:
    """A workflow; YAML 1.1 reads its key `on` as true."""
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {("on" if name is True else name): value for name, value in found.items()}


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read(path)["jobs"]
    return found


def test_the_linter_has_nothing_to_say() -> None:
    linter = program("actionlint")
    argv = [str(linter), "-no-color", "-shellcheck", str(SHELLCHECK), *map(str, FILES)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_shell_scripts_of_ci_have_nothing_said_of_them() -> None:
    scripts = [path for path in (ROOT / ".ci").iterdir() if path.is_file()]
    done = subprocess.run(
        [str(SHELLCHECK), "--shell", "bash", "--external-sources", *map(str, scripts)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_action_is_one_commit_with_its_version_beside_it(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        if found := re.search(r"\buses: (?!\./)(\S+)(.*)", line):
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", found[1]), line
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", found[2]), line


def test_an_action_has_one_commit_in_all_workflows() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in FILES)
    found = set(re.findall(r"uses: ([\w/-]+)@([0-9a-f]{40})", text))
    assert len(found) == len({name for name, _ in found})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_workflow_may_only_read_unless_a_job_says_why(path: Path) -> None:
    assert read(path)["permissions"] == {"contents": "read"}
    for name, job in jobs(path).items():
        more = {scope for scope, right in job.get("permissions", {}).items() if right == "write"}
        assert more <= {"packages", "id-token"}, name
        assert not more or path.name == "release.yml", name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_job_ends_and_no_script_is_put_together_from_what_others_wrote(path: Path) -> None:
    for name, job in jobs(path).items():
        if "uses" in job:
            continue
        assert job["timeout-minutes"] <= 60, name
        assert job["runs-on"] == "ubuntu-24.04"
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), f"{name}: give it by env"
            if str(step.get("uses", "")).startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_a_tag_reaches_staging_by_itself_and_production_through_its_environment() -> None:
    release = jobs(FOLDER / "release.yml")
    assert read(FOLDER / "release.yml")["on"] == {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+*"]}}
    assert release["staging"]["needs"] == ["plan", "chart"]
    assert release["production"]["needs"] == ["plan", "staging"]
    assert [release[name]["with"]["environment"] for name in ("staging", "production")] == ["staging", "production"]
    [deploy] = jobs(FOLDER / "deploy.yml").values()
    assert deploy["environment"] == "${{ inputs.environment }}"


def test_what_the_scan_stops_has_no_signature_and_what_has_none_is_not_deployed() -> None:
    steps = jobs(FOLDER / "release.yml")["images"]["steps"]
    order = [step.get("name", step.get("uses", "").partition("@")[0]) for step in steps]
    assert order.index("build and push") < order.index("anchore/scan-action") < order.index("sign")
    [deploy] = jobs(FOLDER / "deploy.yml").values()
    names = [step.get("name", "") for step in deploy["steps"]]
    assert names.index("only what our release workflow signed") < names.index(
        "deploy, wait, send an event and count it"
    )


def test_every_step_of_ci_is_a_job_too() -> None:
    ran = (ROOT / ".ci/run").read_text(encoding="utf-8")
    steps = set(re.findall(r"^step \S+ \d+ (.+)$", ran, flags=re.MULTILINE))
    said = {step["run"] for job in jobs(FOLDER / "check.yml").values() for step in job["steps"] if "run" in step}
    # Chaos kills processes for minutes: it has its own place, by hand and in .ci/run.
    assert steps - said - {"./task --prepare", "./task chaos"} == set()


def test_dependabot_looks_after_every_kind_of_pin() -> None:
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text(encoding="utf-8"))["updates"]
    kinds = {entry["package-ecosystem"] for entry in updates}
    assert kinds == {"github-actions", "npm", "docker", "docker-compose", "terraform"}
    folders = {folder for entry in updates for folder in entry.get("directories", [entry.get("directory")])}
    assert {folder for folder in folders if not (ROOT / folder.lstrip("/")).is_dir()} == set()
    with_providers = {path.parent for path in (ROOT / "terraform").rglob("*.tf") if "hashicorp/" in path.read_text()}
    assert {f"/{path.relative_to(ROOT)}" for path in with_providers} <= folders
