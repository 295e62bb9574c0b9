"""docker-compose.yml fits the Compose schema, the wiring table, the settings and the rules of the house.

Not run here, for want of a container runtime: pulling images, starting the engines' containers, their health checks.
"""

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from shared.config import settings_of
from shared.docs import all_settings
from shared.local.compose_env import completed, main, required_names
from shared.serve import ContainerSettings
from shared.wiring import Function, load_wiring
from tests.infra.image import ROOT

FILES = ("docker-compose.yml", "docker/redpanda.yml", "docker/dev.yml")
FUNCTIONS = load_wiring().functions
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
BESIDE = {"migrate", "demo", "router", "sources"}
ENGINES = {"kafka", "clickhouse", "postgres", "valkey", "minio"}
WATCHING = {"prometheus", "grafana", "kafka-console"}
# The reason stands in the file, beside each.
WRITES_IN_ITS_IMAGE = {"kafka", "clickhouse", "grafana", "kafka-console"}
# Settings that name files inside the container: they need a mount besides.
FILES_INSIDE = re.compile(r"_(FILE|DIR)$")
ONE_VARIABLE = re.compile(r"\$\{(\w+)(?::?[-?+])?")


def environment(name: str) -> dict[str, str]:
    found: dict[str, str] = SERVICES[name].get("environment", {})
    return found


def filled(text: str, values: dict[str, str]) -> str:
    """`text` with Compose's `${NAME:-default}` and `${NAME:?message}` filled in, from the inside out."""
    innermost = re.compile(r"\$\{(\w+)(?::([-?])([^${}]*))?\}")

    def one(found: re.Match[str]) -> str:
        value = values.get(found[1], "")
        if not value and found[2] == "?":
            raise KeyError(found[1])
        return value or (found[3] or "" if found[2] == "-" else "")

    while innermost.search(text):
        text = innermost.sub(one, text)
    return text


SECRETS = {name: f"{number:048x}" for number, name in enumerate(required_names(TEXT))}


def checked(path: Path, schema: str) -> None:
    tool = str(Path(sys.executable).with_name("check-jsonschema"))
    done = subprocess.run(
        [tool, "--builtin-schema", schema, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES)
def test_a_compose_file_fits_the_schema(path: str) -> None:
    checked(ROOT / path, "vendor.compose-spec")


@pytest.mark.parametrize("path", sorted((ROOT / ".github/workflows").glob("*.yml")), ids=lambda path: path.name)
def test_a_workflow_fits_the_schema(path: Path) -> None:
    checked(path, "vendor.github-workflows")


def test_every_function_is_a_service_and_every_service_is_known() -> None:
    assert set(SERVICES) == {row.service for row in FUNCTIONS} | BESIDE | ENGINES | WATCHING


@pytest.mark.parametrize("row", FUNCTIONS, ids=lambda row: row.name)
def test_a_function_runs_its_own_image_with_the_memory_of_the_wiring_table(row: Function) -> None:
    service = SERVICES[row.service]
    assert service["build"] == {"context": ".", "args": {"FUNCTION": row.name}}
    assert service["image"].startswith(f"sluice/{row.service}:")
    assert service["mem_limit"] == row.memory.replace("Mi", "m").replace("Gi", "g")
    assert "command" not in service


@pytest.mark.parametrize("row", FUNCTIONS, ids=lambda row: row.name)
def test_a_function_gets_every_setting_it_reads_and_no_other(row: Function) -> None:
    declared = list(settings_of(import_module(f"functions.{row.name}.ports").Settings))
    read = {setting.name for setting in declared if not FILES_INSIDE.search(setting.name)}
    ours = {setting.name for setting in settings_of(ContainerSettings) if not FILES_INSIDE.search(setting.name)}
    ours -= {"PORT", "SLUICE_HOST"}
    assert set(environment(row.service)) == read | ours
    values = {name: filled(value, SECRETS) for name, value in environment(row.service).items()}
    assert [setting.name for setting in declared if setting.required and not values[setting.name]] == []


def test_every_setting_given_to_a_container_of_ours_exists() -> None:
    given = {name for service in SERVICES if service in BESIDE for name in environment(service)}
    assert given - set(all_settings()) == set()


def test_every_name_of_the_environment_is_documented() -> None:
    docs = "".join((ROOT / path).read_text(encoding="utf-8") for path in ("docs/configuration.md", "docs/compose.md"))
    names = {name for path in FILES for name in ONE_VARIABLE.findall((ROOT / path).read_text(encoding="utf-8"))}
    assert [name for name in sorted(names) if f"`{name}`" not in docs] == []


def test_the_urls_lead_to_the_services_and_carry_the_login_that_the_engine_is_given() -> None:
    values = SECRETS | {"POSTGRES_USER": "people", "CLICKHOUSE_DB": "facts"}
    given = {name: filled(str(value), values) for name, value in environment("live").items()}
    catalog = f"postgresql://people:{SECRETS['POSTGRES_PASSWORD']}@postgres:5432/analytics_auth"
    assert given["SLUICE_CATALOG_URL"] == catalog
    assert given["SLUICE_WAREHOUSE_URL"] == f"http://sluice:{SECRETS['CLICKHOUSE_PASSWORD']}@clickhouse:8123/facts"
    assert given["SLUICE_CACHE_URL"] == f"redis://:{SECRETS['VALKEY_PASSWORD']}@valkey:6379/0"
    assert filled(environment("postgres")["POSTGRES_DB"], {}) == "analytics_auth"
    assert filled(environment("clickhouse")["CLICKHOUSE_DB"], {}) == "analytics"


def test_without_its_secrets_nothing_starts() -> None:
    for name in ("postgres", "clickhouse", "valkey", "ingest", "query-count"):
        wanted = {needed for value in environment(name).values() for needed in required_names(value)}
        assert wanted, name
        assert all("docker:env" in value for value in environment(name).values() if required_names(value))


def test_without_a_profile_the_product_starts_and_profiles_only_add_to_it() -> None:
    profiles = {name: service.get("profiles", []) for name, service in SERVICES.items()}
    always = {name for name, asked in profiles.items() if not asked}
    assert always == {row.service for row in FUNCTIONS} | BESIDE | ENGINES - {"minio"}
    assert {profile for asked in profiles.values() for profile in asked} == {"full", "observability", "tools"}
    for name, needed in dependencies():
        # What a service waits for starts wherever it starts.
        assert not profiles[needed] or set(profiles[name]) <= set(profiles[needed]), (name, needed)


def dependencies() -> Iterator[tuple[str, str]]:
    for name, service in SERVICES.items():
        for needed in service.get("depends_on", {}):
            yield name, needed


def test_every_dependency_waits_for_health_or_for_the_end_of_what_runs_once() -> None:
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            once = SERVICES[needed].get("restart") == "no"
            wanted = "service_completed_successfully" if once else "service_healthy"
            assert how["condition"] == wanted, f"{name} waits for {needed}"


def test_everything_that_stays_has_a_health_check() -> None:
    with_own_image = {row.service for row in FUNCTIONS} | {"router", "sources"}
    for name in set(SERVICES) - with_own_image:
        check = SERVICES[name]["healthcheck"]
        assert check.get("disable") if SERVICES[name]["restart"] == "no" else check["test"], name
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert bool(service.get("read_only")) is (name not in WRITES_IN_ITS_IMAGE)
    assert service["mem_limit"]
    assert service["cpus"]
    assert service["pids_limit"]
    assert not {"privileged", "network_mode", "pid", "cap_add", "devices"} & set(service)
    assert not [volume for volume in service.get("volumes", []) if "docker.sock" in volume]


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_open_on_the_loopback_only_but_for_the_router(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert filled(port, {}).startswith("127.0.0.1:"), port
        opened = filled(port, {"SLUICE_HOST": "192.0.2.1"})
        assert opened.startswith("127.0.0.1:") is (name != "router"), port


def test_no_two_services_want_the_same_port_of_the_machine() -> None:
    ports = [filled(port, {}).split(":")[1] for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == len(set(ports))
    assert {"8080", "9090", "3000"} <= set(ports)


@pytest.mark.parametrize("path", FILES)
def test_every_image_of_others_has_a_full_version(path: str) -> None:
    for service in yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))["services"].values():
        image = filled(service.get("image", "sluice/"), {})
        assert image.startswith("sluice/") or re.search(r":v?\d+\.\d+(\.\d+)*(-\w+)?$", image), image


def test_every_volume_is_declared_and_every_mounted_file_is_there() -> None:
    used = set()
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists(), volume
                assert volume.endswith(":ro")
            else:
                used.add(source)
    assert used == set(COMPOSE["volumes"])


def test_the_development_file_names_every_function() -> None:
    development = yaml.safe_load((ROOT / "docker/dev.yml").read_text(encoding="utf-8"))["services"]
    assert set(development) == {row.service for row in FUNCTIONS}
    assert {service["build"]["target"] for service in development.values()} == {"dev"}


def test_prometheus_asks_every_function_and_what_stands_beside_them() -> None:
    jobs = yaml.safe_load((ROOT / "docker/prometheus/prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    targets = {target for job in jobs for each in job["static_configs"] for target in each["targets"]}
    functions = {f"{row.service}:8080" for row in FUNCTIONS}
    assert targets == functions | {"router:8084", "sources:8080", "clickhouse:9363"}


def our_series() -> set[str]:
    """The names under which our metrics are asked for."""
    found = set()
    for module in ("shared.metrics", "shared.local.source_metrics"):
        for metric in vars(import_module(module)).values():
            if isinstance(metric, MetricWrapperBase):
                described = next(iter(metric.describe()))
                ends = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(described.type, [""])
                found |= {described.name + end for end in ends}
    return found


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "docker/grafana/dashboards/sluice.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("panel", dashboard()["panels"], ids=lambda panel: panel["title"])
def test_a_panel_asks_for_metrics_that_exist(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        bare = re.sub(r'"[^"]*"|\[[^]]*\]|\b(?:by|without) \([^)]*\)|\{[^}]*\}', "", target["expr"])
        names = set(re.findall(r"\b[a-z_]{2,}\b(?!\s*\()", bare))
        assert names
        assert names - our_series() - {"up", "process_resident_memory_bytes"} == set()


def test_the_dashboard_uses_the_sources_that_are_provisioned_and_no_panel_covers_another() -> None:
    folder = ROOT / "docker/grafana/provisioning/datasources/sluice.yml"
    known = {source["uid"] for source in yaml.safe_load(folder.read_text(encoding="utf-8"))["datasources"]}
    assert known == {"prometheus", "clickhouse"}
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        assert panel["datasource"]["uid"] in known
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_secrets_are_made_once_and_what_the_file_holds_stays(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("# mine\nPOSTGRES_PASSWORD='my own'\nVALKEY_PASSWORD=\nSLUICE_PORT=9999\n", encoding="utf-8")
    main(env)
    first = env.read_text(encoding="utf-8")
    main(env)
    assert env.read_text(encoding="utf-8") == first
    assert first.startswith("# mine\nPOSTGRES_PASSWORD='my own'\nVALKEY_PASSWORD=")
    assert "SLUICE_PORT=9999" in first
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    values = dict(line.split("=", 1) for line in first.splitlines() if "=" in line)
    made = [values[name] for name in required_names(TEXT) if name != "POSTGRES_PASSWORD"]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"[0-9a-f]{48}", value) for value in made)


def test_secrets_need_no_package(tmp_path: Path) -> None:
    folder = tmp_path / "shared/local"
    folder.mkdir(parents=True)
    for path in ("shared/__init__.py", "shared/local/__init__.py", "shared/local/compose_env.py", "docker-compose.yml"):
        (tmp_path / path).write_bytes((ROOT / path).read_bytes())
    bare = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        "import sys; sys.path.insert(0, '.'); import shared.local.compose_env as m; m.main()",
    ]
    done = subprocess.run(
        bare, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=30, env=dict(os.environ)
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / ".env").is_file()


def test_a_file_without_a_line_for_a_name_gets_one() -> None:
    assert re.fullmatch(r"A=1\nB=[0-9a-f]{48}\n", completed("A=1", ["A", "B"]))
    assert re.fullmatch(r"B=[0-9a-f]{48}\n", completed("", ["B"]))
