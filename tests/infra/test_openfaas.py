"""knative/openfaas/stack.yaml is the wiring table, and a function answers OpenFaaS' probes and takes its secrets.

Not run here, for want of OpenFaaS: `faas-cli deploy`, the gateway, its scaling to zero and back.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from shared.config import load, settings_of
from shared.dead_letters import service_of
from shared.deploy import openfaas
from shared.local.ports import sink_of
from shared.serve import ContainerSettings
from shared.wiring import load_wiring
from tests.infra.image import ROOT, parse
from tests.infra.starting import NOWHERE
from tests.integration.door_process import free_port

WIRING = load_wiring()
TEXT = openfaas.stack_file(WIRING)
STACK: dict[str, Any] = yaml.safe_load(TEXT)["functions"]


def test_the_file_is_what_the_table_says() -> None:
    assert (ROOT / openfaas.FILE).read_text(encoding="utf-8") == TEXT, "run `./task docs`"
    assert set(STACK) == {row.service for row in WIRING.functions} | {openfaas.SOURCES}


def test_images_are_those_that_compose_builds() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    built = {found["image"].partition(":")[0] for found in compose.values() if "build" in found}
    for entry in STACK.values():
        found = re.fullmatch(r"\$\{SLUICE_REGISTRY:-(sluice)\}(/[a-z-]+):\$\{SLUICE_IMAGE_TAG:-dev\}", entry["image"])
        assert found, entry["image"]
        assert found[1] + found[2] in built


def test_a_function_sleeps_exactly_where_the_table_lets_it() -> None:
    for row in WIRING.functions:
        labels = STACK[row.service]["labels"]
        assert labels["com.openfaas.scale.zero"] == ("true" if row.scale.min == 0 else "false")
        assert 1 <= int(labels["com.openfaas.scale.min"]) <= int(labels["com.openfaas.scale.max"])
        assert all(isinstance(value, str) for value in labels.values()), "OpenFaaS takes text only"


def test_its_secrets_are_all_that_a_function_refuses_to_start_without(tmp_path: Path) -> None:
    for row in WIRING.functions:
        settings = import_module(f"functions.{row.name}.ports").Settings
        entry, folder = STACK[row.service], tmp_path / row.name
        folder.mkdir()
        for secret in entry["secrets"]:
            (folder / secret).write_text(NOWHERE.get(secret.upper().replace("-", "_"), "file:///tmp"), encoding="utf-8")
        load(settings, {**entry["environment"], "SLUICE_SECRETS_DIR": str(folder)})


def test_no_secret_stands_in_the_file_and_every_setting_exists() -> None:
    common = yaml.safe_load((ROOT / openfaas.SETTINGS_FILE).read_text(encoding="utf-8"))["environment"]
    known = {one.name: one for row in WIRING.functions for one in _settings(row.name)}
    known |= {one.name: one for one in settings_of(ContainerSettings)}
    for entry in STACK.values():
        given = {name for name in {**common, **entry["environment"]} if name != "SLUICE_SOURCES_PORT"}
        assert {name for name in given if name not in known or known[name].secret} == set()


def _settings(function: str) -> Iterator[Any]:
    yield from settings_of(import_module(f"functions.{function}.ports").Settings)


def test_the_emulated_sources_post_through_the_gateway_and_a_dead_letter_names_its_function() -> None:
    gateway = STACK[openfaas.SOURCES]["environment"]["SLUICE_WORK_URL"]
    for row in WIRING.functions:
        sink = sink_of(gateway, row.service)
        assert sink == f"http://gateway.openfaas:8080/function/{row.service}/"
        assert service_of(sink) == row.service


def test_a_container_listens_on_8080_unless_told_otherwise() -> None:
    assert ContainerSettings().port == 8080
    runtime = next(stage for stage in parse() if stage.name == "runtime")
    assert any(name == "ENV" and re.search(r"\bPORT=8080\b", value) for name, value in runtime.steps)
    assert ("EXPOSE", "8080") in runtime.steps


def test_a_function_with_its_secrets_in_files_answers_the_probes_of_openfaas(tmp_path: Path) -> None:
    entry = STACK["query-count"]
    for secret in entry["secrets"]:
        (tmp_path / secret).write_text(NOWHERE[secret.upper().replace("-", "_")], encoding="utf-8")
    port = free_port()
    environment = {"PATH": os.environ["PATH"], "PORT": str(port), "SLUICE_SECRETS_DIR": str(tmp_path)}
    argv = [sys.executable, "-m", "shared.function", "query_count"]
    process = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        alive = _first_answer(
            process, f"http://127.0.0.1:{port}{entry['annotations']['com.openfaas.health.http.path']}"
        )
        assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
        ready = httpx.get(f"http://127.0.0.1:{port}{entry['annotations']['com.openfaas.ready.http.path']}", timeout=30)
        # Its engines are nowhere: alive and not ready, so that nobody is sent there and nobody kills it.
        assert (ready.status_code, ready.json()["code"]) == (503, "unavailable")
    finally:
        process.terminate()
        process.communicate(timeout=40)


def _first_answer(process: subprocess.Popen[bytes], url: str) -> httpx.Response:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return httpx.get(url, timeout=5)
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail(f"no answer from {url}")
