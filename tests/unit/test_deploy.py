"""The cluster's doors, against programs that only write down how they were called: a simulation, no cluster is there.

What helm, kubectl and docker do with these lines is not shown here. The smoke test has a real instance in tests/e2e.
"""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from shared.cli.checks import Finding
from shared.deploy import cluster, images, sealed, smoke
from shared.deploy.__main__ import app
from shared.deploy.programs import DeployError
from shared.deploy.target import CHART, Target
from shared.wiring import load_wiring

KEYS = ("SLUICE_SMOKE_WRITE_KEY", "SLUICE_SMOKE_READ_KEY")
# One record a call, its parts and its end marked by characters that no call has.
PROGRAM = r"""#!/bin/sh
line="${{0##*/}} $*"
{{ printf '%s\036' "$line"; /bin/cat; printf '\035'; }} >> {folder}/calls
case "$line" in
{answers}
esac
"""


class Recorded:
    """Programs on PATH that answer as told, and what they were called with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answer({})

    def answer(self, answers: dict[str, tuple[int, str]]) -> None:
        """For the first part of a line that is known: the exit code and the output. Else success and nothing."""
        cases = []
        for number, (known, (status, answer)) in enumerate(answers.items()):
            (self.folder / f"answer{number}").write_text(answer)
            cases.append(f"*'{known}'*) /bin/cat {self.folder}/answer{number}; exit {status};;")
        for name in ("helm", "kubectl", "docker", "kind", "k3d"):
            program = self.folder / name
            program.write_text(PROGRAM.format(folder=self.folder, answers="\n".join(cases)))
            program.chmod(0o755)

    def calls(self) -> list[tuple[str, str]]:
        """Each call since the last look: its line, and what it was given on its standard input."""
        path = self.folder / "calls"
        found = path.read_text().split("\x1d")[:-1] if path.exists() else []
        path.unlink(missing_ok=True)
        return [(line, given) for line, _, given in (record.partition("\x1e") for record in found)]

    def lines(self) -> list[str]:
        return [line for line, _ in self.calls()]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in (*KEYS, "SLUICE_IMAGE_TAG", "SLUICE_IMAGE_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    return Recorded(tmp_path)


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


NONE_YET = {"get namespace": (1, ""), "get secret": (1, "")}


def target(**over: Any) -> Target:
    return Target(**over)


# --- images


def test_build_makes_one_image_a_function_and_those_beside_them(programs: Recorded) -> None:
    run("build", "--prefix", "registry.example/s", "--tag", "1.2")
    lines = programs.lines()
    built = {re.search(r"--tag (\S+)", line)[1] for line in lines}  # type: ignore[index]  # each has one
    services = [row.service for row in load_wiring().functions]
    assert {f"registry.example/s/{name}:1.2" for name in (*services, "local")} <= built
    assert len(built) == len(services) + 2, "and MinIO's"
    assert sum("FUNCTION=query_count --tag registry.example/s/query-count:1.2" in line for line in lines) == 1
    assert sum("--target local" in line for line in lines) == 1


def test_build_takes_some_by_name_and_refuses_a_name_that_is_none(programs: Recorded) -> None:
    run("build", "query_count", "receipts")
    assert len(programs.lines()) == 2
    with pytest.raises(DeployError, match="no image query-counts"):
        run("build", "query_counts")


def test_a_release_builds_every_image_that_a_deployment_asks_for() -> None:
    released = {image["name"] for image in images.matrix(load_wiring())}
    production = target(files=(CHART / "values-production.yaml",))
    asked = {image.name.rpartition("/")[2].partition(":")[0] for image in images.images(production, load_wiring(), [])}
    assert released == asked


def test_push_refuses_a_prefix_that_is_no_registry(programs: Recorded) -> None:
    with pytest.raises(DeployError, match="--prefix"):
        run("push")
    assert programs.lines() == []
    run("push", "ingest", "--prefix", "registry.example/s")
    assert programs.lines() == ["docker push registry.example/s/ingest:dev"]


def test_an_empty_tag_is_the_version_of_the_chart() -> None:
    production = target(files=(CHART / "values-production.yaml",))
    assert re.fullmatch(r"registry\.example/sluice/ingest:\d+\.\d+\.\d+", production.image("ingest"))


# --- secrets


def made(programs: Recorded) -> dict[str, dict[str, Any]]:
    found = [json.loads(given) for line, given in programs.calls() if line.startswith("kubectl create --filename")]
    return {secret["metadata"]["name"]: secret for secret in found}


def text(secret: dict[str, Any], key: str) -> str:
    return base64.b64decode(secret["data"][key]).decode()


def test_secrets_holds_what_the_chart_asks_for_and_never_says_it(programs: Recorded) -> None:
    programs.answer(NONE_YET)
    shown = run("secrets")
    calls = programs.calls()
    assert ("kubectl create namespace analytics", "") in calls
    [given] = [given for line, given in calls if line == "kubectl create --filename -"]
    secret = json.loads(given)
    assert secret["metadata"] == {"name": "sluice-secrets", "namespace": "analytics"}
    # The chart's templates read these keys; secrets.generate makes the same ones.
    generated = re.search(r"range list (.*) \}\}", (CHART / "templates/settings.yaml").read_text(encoding="utf-8"))
    assert generated
    assert set(secret["data"]) == set(re.findall(r'"(\w+)"', generated[1]))
    values = [text(secret, key) for key in secret["data"]]
    assert len(set(values)) == len(values)
    assert all(re.fullmatch(r"[0-9a-f]{48}", value) for value in values)
    assert not any(value in shown or any(value in line for line, _ in calls) for value in values)


def test_secrets_adds_what_is_missing_and_never_replaces_what_is_there(programs: Recorded) -> None:
    there = {"data": dict.fromkeys(("JWT_SECRET_KEY", "POSTGRES_PASSWORD"), "b2xk")}
    programs.answer({"get secret": (0, json.dumps(there))})
    run("secrets")
    [(line, given)] = [(line, given) for line, given in programs.calls() if "patch secret" in line]
    assert "--patch-file /dev/stdin" in line
    assert set(json.loads(given)["data"]) & set(there["data"]) == set()
    assert "CLICKHOUSE_PASSWORD" in json.loads(given)["data"]


def test_secrets_of_a_production_cluster_hold_the_logins_of_its_operators(
    programs: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    production = str(CHART / "values-production.yaml")
    monkeypatch.delenv("SLUICE_OBJECTS_URL", raising=False)
    programs.answer(NONE_YET)
    with pytest.raises(DeployError, match="SLUICE_OBJECTS_URL"):
        run("secrets", "--values", production)
    monkeypatch.setenv("SLUICE_OBJECTS_URL", "s3://bucket/?region=eu-central-1")
    programs.calls()
    run("secrets", "--values", production)
    found = made(programs)
    assert set(found) == {"sluice-secrets", "sluice-postgres", "sluice-kafka", "sluice-kafka-knative"}
    assert text(found["sluice-secrets"], "SLUICE_OBJECTS_URL").startswith("s3://bucket/")
    assert "MINIO_ROOT_PASSWORD" not in found["sluice-secrets"]["data"]
    assert text(found["sluice-postgres"], "username") == "sluice"
    # The users that the chart makes in Kafka.
    kafka = (CHART / "templates/kafka.yaml").read_text(encoding="utf-8")
    for secret, user in (("sluice-kafka", "functions"), ("sluice-kafka-knative", "knative")):
        assert text(found[secret], "user") == f"sluice-{user}"
        assert f"name: {{{{ .Release.Name }}}}-{user}" in kafka
        assert text(found[secret], "protocol") == "SASL_SSL"


def test_the_certificate_of_our_ca_joins_the_logins_of_kafka_once_there_is_one(programs: Recorded) -> None:
    def secret(**data: str) -> str:
        return json.dumps({"data": {name: base64.b64encode(value.encode()).decode() for name, value in data.items()}})

    login = secret(protocol="p", user="u", password="w", **{"sasl.mechanism": "m"})
    known = {"get secret sluice-ca": (0, secret(**{"ca.crt": "PEM"})), "get secret sluice-kafka": (0, login)}
    programs.answer(known)
    environ = {"SLUICE_OBJECTS_URL": "s3://bucket"}
    sealed.ensure(target(files=(CHART / "values-production.yaml",)), environ)
    patched = {line.split()[3]: json.loads(given)["data"] for line, given in programs.calls() if "patch" in line}
    assert patched["sluice-kafka"] == patched["sluice-kafka-knative"] == {"ca.crt": base64.b64encode(b"PEM").decode()}


def test_no_secret_is_made_where_the_chart_makes_it(programs: Recorded) -> None:
    sealed.ensure(target(files=(CHART / "values-local.yaml",)), {})
    assert programs.lines() == ["kubectl get namespace analytics"]


# --- deploy, rollback, logs, undeploy


def test_deploy_upgrades_or_installs_waits_and_says_that_nothing_was_sent_without_keys(programs: Recorded) -> None:
    said = run("deploy", "--prefix", "registry.example/s", "--tag", "1.2", "--values", str(CHART / "values-local.yaml"))
    lines = programs.lines()
    assert lines[1] == (
        f"helm upgrade sluice {CHART} --install --namespace analytics --values {CHART / 'values-local.yaml'}"
        " --set-string image.prefix=registry.example/s --set-string image.tag=1.2 --wait --timeout 15m"
    )
    assert lines[2].startswith("kubectl wait ksvc --namespace analytics --for condition=Ready --selector ")
    assert len(lines) == 3
    assert "No event was sent" in said


def test_deploy_stops_where_helm_does(programs: Recorded) -> None:
    programs.answer({"helm upgrade": (1, "")})
    with pytest.raises(DeployError, match=r"helm upgrade sluice … .* ended with 1|`helm upgrade sluice …`"):
        run("deploy", "--values", str(CHART / "values-local.yaml"))
    assert not any("wait ksvc" in line for line in programs.lines())


def test_half_a_pair_of_keys_is_said_before_anything_changes(
    programs: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_SMOKE_WRITE_KEY", "slp_x")
    with pytest.raises(DeployError, match="set both or none"):
        run("deploy")
    assert programs.lines() == []


def test_a_deployment_whose_event_is_not_counted_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_counted(write: Any, read: Any) -> list[Finding]:
        assert (write.url, write.key) == ("http://collect.analytics.example", "w")
        assert (read.url, read.key) == ("http://api.analytics.example", "r")
        return [Finding("round trip", False, "counted 0 after 15.0 s", "Look at the bus lag.")]

    monkeypatch.setattr(smoke, "round_trip", not_counted)
    with pytest.raises(DeployError, match=r"counted 0 .* Look at the bus lag"):
        smoke.smoke(target(), ("w", "r"))


def test_a_program_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeployError, match="kubectl is not installed"):
        run("logs")


def test_deploy_local_refuses_any_other_cluster(programs: Recorded) -> None:
    programs.answer({"current-context": (0, "arn:aws:eks:production\n")})
    with pytest.raises(DeployError, match="arn:aws:eks:production"):
        run("local")
    assert not any(line.startswith("helm") for line in programs.lines())


def test_deploy_local_loads_every_image_it_built(programs: Recorded) -> None:
    local = target(files=(CHART / "values-local.yaml",))
    programs.answer({"current-context": (0, "kind-dev\n")})
    images.load(local, load_wiring())
    [_, line] = programs.lines()
    assert line.startswith("kind load docker-image --name dev dev.local/sluice/ingest:dev ")
    assert len(line.split()) - 5 == len(list(images.images(local, load_wiring(), [])))


def test_the_demo_job_is_the_function_without_its_server() -> None:
    container = {
        "image": "i",
        "ports": [{}],
        "readinessProbe": {},
        "env": [{"name": "A", "value": "1"}],
        "securityContext": {"runAsNonRoot": True},
        "volumeMounts": [{"name": "tmp", "mountPath": "/somewhere"}],
    }
    pod = {"containers": [container], "timeoutSeconds": 60, "containerConcurrency": 1, "volumes": [{"name": "tmp"}]}
    labels = {"app.kubernetes.io/name": "auth"}
    service: dict[str, object] = {
        "metadata": {"name": "auth", "namespace": "n"},
        "spec": {"template": {"metadata": {"labels": labels}, "spec": pod}},
    }
    job: Any = smoke.demo_job(service)
    spec = job["spec"]["template"]["spec"]
    assert set(spec) == {"containers", "volumes", "restartPolicy"}
    [made_of] = spec["containers"]
    assert set(made_of) == {"name", "image", "env", "securityContext", "volumeMounts", "command"}
    assert [variable["name"] for variable in made_of["env"]] == ["A", "SLUICE_DATA"]
    assert job["spec"]["template"]["metadata"]["labels"] == labels


def test_the_keys_of_the_demo_are_made_once(programs: Recorded) -> None:
    encoded = {name: base64.b64encode(name.encode()).decode() for name in ("write_key", "secret_key")}
    programs.answer({"get secret sluice-demo": (0, json.dumps({"data": encoded}))})
    assert smoke.demo_keys(target()) == ("write_key", "secret_key")
    assert len(programs.lines()) == 1


def test_rollback_shows_the_history_goes_back_and_waits(programs: Recorded) -> None:
    run("rollback", "7", "--no-smoke")
    assert [line.split(" --wait")[0] for line in programs.lines()] == [
        "helm history sluice --namespace analytics --max 5",
        "helm rollback sluice 7 --namespace analytics",
        *[f"kubectl wait ksvc --namespace analytics --for condition=Ready --selector {SELECTOR} --timeout 15m"],
    ]


SELECTOR = "app.kubernetes.io/instance=sluice"


def test_logs_take_functions_by_either_name(programs: Recorded) -> None:
    run("logs", "query_count", "receipts", "-f")
    [line] = programs.lines()
    assert f"--selector {SELECTOR},app.kubernetes.io/name in (query-count,receipts) --container user-container" in line
    assert line.endswith("--follow")


def test_undeploy_asks_and_keeps_the_events(programs: Recorded) -> None:
    asked = CliRunner().invoke(app, ["undeploy"], input="no\n")
    assert isinstance(asked.exception, DeployError)
    assert programs.lines() == []
    said = run("undeploy", "--yes")
    assert programs.lines() == ["helm uninstall sluice --namespace analytics --wait --timeout 15m"]
    assert "Events are lost" in said


# --- canary


def status(newest: str, **shares: int) -> dict[str, object]:
    return {
        "latestReadyRevisionName": newest,
        "traffic": [{"revisionName": name, "percent": share} for name, share in shares.items()],
    }


def test_a_canary_gets_its_share_and_an_address_of_its_own() -> None:
    assert cluster.traffic(status("b", a=100), 5) == [
        {"revisionName": "a", "percent": 95},
        {"revisionName": "b", "percent": 5, "tag": "canary"},
    ]
    assert cluster.traffic(status("b", a=95, b=5), 0) == [
        {"revisionName": "a", "percent": 100},
        {"revisionName": "b", "percent": 0, "tag": "canary"},
    ]


def test_holding_comes_before_and_the_newest_for_everybody_after() -> None:
    assert cluster.traffic(status("a", a=100), 0) == [{"revisionName": "a", "percent": 100}]
    assert cluster.traffic(status("b", a=95, b=5), 100) == [{"latestRevision": True, "percent": 100}]
    with pytest.raises(DeployError, match="hold it with 0"):
        cluster.traffic(status("a", a=100), 5)


def test_a_canary_patches_the_named_functions_only(programs: Recorded) -> None:
    items = [{"metadata": {"name": name}, "status": status("b", a=100)} for name in ("ingest", "query-count")]
    programs.answer({"get ksvc": (0, json.dumps({"items": items}))})
    run("canary", "5", "query_count")
    [_, line] = programs.lines()
    assert line.startswith("kubectl patch ksvc query-count --namespace analytics --type merge --patch ")
    with pytest.raises(DeployError, match="no function nobody"):
        run("canary", "5", "nobody")
    with pytest.raises(DeployError, match="0 to 100"):
        run("canary", "101")


def test_every_door_is_one_command_of_the_module() -> None:
    doors = (CHART.parent / "Taskfile.yml").read_text(encoding="utf-8")
    shown = [command for command in app.registered_commands if not command.hidden]
    commands = {command.name or command.callback.__name__ for command in shown if command.callback}
    assert set(re.findall(r"-m shared\.deploy (\w+)", doors)) == commands
