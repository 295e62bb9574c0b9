"""Installing, changing, looking at and removing the release; each step may be repeated."""

import json
import sys

from shared.deploy import sealed, smoke
from shared.deploy.programs import DeployError, ask, run
from shared.deploy.target import CHART, Target

# A node may have to come, and an image of 200 MB with it.
_TIMEOUT = "15m"
_PERCENT = 100


def deploy(target: Target, *, demo: bool, test: bool) -> None:
    """Install or upgrade, wait until every function is ready, then send an event and count it."""
    found = smoke.keys(target, demo=False) if test else None  # half a pair of keys is said before anything changes
    sealed.ensure(target)
    run(
        *("helm", "upgrade", target.release, str(CHART), "--install"),
        *(*target.options, "--wait", "--timeout", _TIMEOUT),
    )
    if target.values["tls"]["enabled"]:
        sealed.ensure(target)  # the CA is there by now
    wait(target)
    if test:
        smoke.smoke(target, found or smoke.keys(target, demo=demo))


def wait(target: Target) -> None:
    """Until Knative says that each function has a revision that can take requests."""
    run(
        *("kubectl", "wait", "ksvc", "--namespace", target.namespace, "--for", "condition=Ready"),
        *("--selector", f"app.kubernetes.io/instance={target.release}", "--timeout", _TIMEOUT),
    )


def undeploy(target: Target, *, sure: bool) -> None:
    """Remove the release; the namespace, the secrets and the volumes with the events stay. Asks first."""
    if not sure and input(f"Remove {target.release} from {target.namespace}? Type its name: ") != target.release:
        raise DeployError("nothing was removed")
    run("helm", "uninstall", target.release, "--namespace", target.namespace, "--wait", "--timeout", _TIMEOUT)
    sys.stdout.write(
        f"Volumes and secrets are still there: kubectl get pvc,secret --namespace {target.namespace}. Events are lost"
        " only once you delete the volumes.\n"
    )


def rollback(target: Target, revision: str, *, test: bool) -> None:
    """Go back to a revision of the release, the one before by default. Schemas stay: they fit one version back."""
    at = ("--namespace", target.namespace)
    run("helm", "history", target.release, *at, "--max", "5")
    back = [revision] if revision else []
    run("helm", "rollback", target.release, *back, *at, "--wait", "--timeout", _TIMEOUT)
    wait(target)
    if test:
        smoke.smoke(target, smoke.keys(target, demo=False))


def logs(target: Target, functions: list[str], *, follow: bool) -> None:
    """What functions log, all of them or some."""
    selector = f"app.kubernetes.io/instance={target.release}"
    if functions:
        selector += f",app.kubernetes.io/name in ({','.join(name.replace('_', '-') for name in functions)})"
    run(
        *("kubectl", "logs", "--namespace", target.namespace, "--selector", selector, "--container", "user-container"),
        *("--prefix", "--tail", "100", "--max-log-requests", "100"),
        *(["--follow"] if follow else []),
    )


def canary(target: Target, percent: int, functions: list[str]) -> None:
    """Send `percent` of each function's requests to its newest revision, and the rest to the one before.

    0 holds the revision that works now, before an upgrade; 100 ends it, so that upgrades show at once again.
    """
    if not 0 <= percent <= _PERCENT:
        raise DeployError("a canary gets 0 to 100 percent")
    at = ("--namespace", target.namespace)
    selector = ("--selector", f"app.kubernetes.io/instance={target.release}")
    found = ask("kubectl", "get", "ksvc", *selector, *at, "--output", "json")
    services = json.loads(found)["items"] if found else []
    wanted = {name.replace("_", "-") for name in functions} or {one["metadata"]["name"] for one in services}
    if missing := sorted(wanted - {one["metadata"]["name"] for one in services}):
        raise DeployError(f"there is no function {', '.join(missing)} in {target.namespace}")
    for service in services:
        if service["metadata"]["name"] in wanted:
            patch = json.dumps({"spec": {"traffic": traffic(service["status"], percent)}})
            name = service["metadata"]["name"]
            run("kubectl", "patch", "ksvc", name, *at, "--type", "merge", "--patch", patch)


def traffic(status: dict[str, object], percent: int) -> list[dict[str, object]]:
    """The `traffic` of a Knative Service whose newest ready revision gets `percent`, by its status."""
    if percent == _PERCENT:
        return [{"latestRevision": True, "percent": _PERCENT}]
    newest = status["latestReadyRevisionName"]
    targets: list[dict[str, object]] = status["traffic"]  # type: ignore[assignment]  # as the Kubernetes API answers
    working = max(targets, key=_share)["revisionName"]
    if working == newest and percent:
        raise DeployError(f"{newest} is all there is: hold it with 0 percent, upgrade, then begin")
    held: list[dict[str, object]] = [{"revisionName": working, "percent": _PERCENT - percent}]
    # Its own address, even with no share: canary-<function>.<namespace>, for comparing answers.
    return held if working == newest else [*held, {"revisionName": newest, "percent": percent, "tag": "canary"}]


def _share(target: dict[str, object]) -> int:
    share = target.get("percent", 0)
    return share if isinstance(share, int) else 0
