"""The smoke test of a deployment: an event that is sent is counted, once."""

import base64
import json
import sys
from dataclasses import dataclass

from shared.cli.checks import Finding, round_trip
from shared.cli.client import Connection
from shared.config import load, setting
from shared.deploy.programs import DeployError, ask, run
from shared.deploy.target import Target

_DEMO = "sluice-demo"
_DEMO_SECONDS = 180


@dataclass(frozen=True, kw_only=True)
class SmokeSettings:
    """Keys of the project that the test event goes to."""

    write_key: str = setting(
        "SLUICE_SMOKE_WRITE_KEY",
        "The public key with which `task deploy` sends one event named sluice_doctor.",
        default="",
        secret=True,
    )
    read_key: str = setting(
        "SLUICE_SMOKE_READ_KEY",
        "The secret key (scope read) of the same project, with which `task deploy` counts it.",
        default="",
        secret=True,
    )


def keys(target: Target, *, demo: bool) -> tuple[str, str] | None:
    """A key to write with and one to read with: of the environment, else of a demo project where one may be made.

    None where there are neither; raises DeployError where only one is set.
    """
    given = load(SmokeSettings)
    if bool(given.write_key) != bool(given.read_key):
        raise DeployError("SLUICE_SMOKE_WRITE_KEY and SLUICE_SMOKE_READ_KEY belong together: set both or none")
    if given.write_key:
        return given.write_key, given.read_key
    return demo_keys(target) if demo else None


def smoke(target: Target, found: tuple[str, str] | None) -> None:
    """Send an event and wait until it is counted; raises DeployError where it is not.

    Without keys it says that nothing was tested, and what to do.
    """
    if found is None:
        sys.stdout.write(
            "No event was sent: there is no key yet. Make a project and two keys, set SLUICE_SMOKE_WRITE_KEY and"
            " SLUICE_SMOKE_READ_KEY, and repeat `task deploy` (docs/upgrade.md).\n"
        )
        return
    write, read = found
    for finding in round_trip(Connection(target.url("collect"), write), Connection(target.url("api"), read)):
        check(finding)
        sys.stdout.write(f"smoke test: {finding.fact}\n")


def check(finding: Finding) -> None:
    if not finding.well:
        raise DeployError(f"smoke test: {finding.fact}. {finding.advice}")


def demo_keys(target: Target) -> tuple[str, str]:
    """Keys of the demo project: those kept in the secret `sluice-demo`, or of a project made by a job of ours.

    The job runs as the function `auth` does, with its image, settings and secrets.
    """
    at = ("--namespace", target.namespace)
    kept = ask("kubectl", "get", "secret", _DEMO, *at, "--output", "json")
    if kept is None:
        service = ask("kubectl", "get", "ksvc", "auth", *at, "--output", "json")
        if service is None:
            raise DeployError("the function auth is not there, so no demo project can be made")
        run("kubectl", "delete", "job", _DEMO, *at, "--ignore-not-found")
        run("kubectl", "create", "--filename", "-", given=json.dumps(demo_job(json.loads(service))))
        run("kubectl", "wait", f"job/{_DEMO}", *at, "--for", "condition=complete", "--timeout", f"{_DEMO_SECONDS}s")
        made = ask("kubectl", "logs", f"job/{_DEMO}", *at, "--tail", "-1")
        if made is None:
            raise DeployError(f"the job {_DEMO} cannot be read")
        run("kubectl", "create", "--filename", "-", given=json.dumps(_secret(target.namespace, _last_object(made))))
        run("kubectl", "delete", "job", _DEMO, *at)
        kept = ask("kubectl", "get", "secret", _DEMO, *at, "--output", "json") or "{}"
    data = json.loads(kept).get("data", {})
    return _decoded(data, "write_key"), _decoded(data, "secret_key")


def demo_job(service: dict[str, object]) -> dict[str, object]:
    """A job that makes the demo project and prints its keys, from the Knative Service of a function."""
    template = service["spec"]["template"]  # type: ignore[index]  # as the Kubernetes API answers
    pod = {name: value for name, value in template["spec"].items() if name in _OF_PODS}
    [container] = pod["containers"]
    # What belongs to serving, and a function alone.
    container = {name: value for name, value in container.items() if name not in _OF_SERVING}
    container["name"] = "demo"
    container["command"] = ["sh", "-c", "python -m shared.local.demo && cat /tmp/demo.json"]
    container["env"] = [*container.get("env", []), {"name": "SLUICE_DATA", "value": "/tmp"}]  # noqa: S108 (its only place to write)
    meta = service["metadata"]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": _DEMO, "namespace": meta["namespace"]},  # type: ignore[index]  # as above
        "spec": {
            "backoffLimit": 3,
            "activeDeadlineSeconds": _DEMO_SECONDS,
            "template": {
                "metadata": {"labels": template["metadata"].get("labels", {})},
                "spec": {**pod, "containers": [container], "restartPolicy": "Never"},
            },
        },
    }


_OF_PODS = {"containers", "volumes", "serviceAccountName", "imagePullSecrets", "enableServiceLinks"}
_OF_SERVING = {"readinessProbe", "livenessProbe", "startupProbe", "ports", "args"}


def _last_object(text: str) -> dict[str, str]:
    """The JSON object at the end of what the job printed; before it are log lines."""
    start = text.rfind("{\n")
    try:
        found: dict[str, str] = json.loads(text[max(start, 0) :])
    except ValueError as error:
        raise DeployError(f"the job {_DEMO} printed no keys") from error
    return found


def _secret(namespace: str, demo: dict[str, str]) -> dict[str, object]:
    metadata = {"name": _DEMO, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata, "stringData": demo}


def _decoded(data: dict[str, str], name: str) -> str:
    if name not in data:
        raise DeployError(f"the secret {_DEMO} has no {name}; delete it and repeat")
    return base64.b64decode(data[name]).decode()
