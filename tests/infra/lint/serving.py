"""Rules for Knative Services that no schema sees."""

from collections.abc import Iterator

from tests.infra.lint.world import World, called, values_at

_SCALING = "autoscaling.knative.dev/"
_RESERVED_PORTS = {8012, 8013, 8022, 9090, 9091}
_POD_FIELDS = {
    "automountServiceAccountToken",
    "containerConcurrency",
    "containers",
    "enableServiceLinks",
    "idleTimeoutSeconds",
    "imagePullSecrets",
    "responseStartTimeoutSeconds",
    "serviceAccountName",
    "timeoutSeconds",
    "volumes",
}
_CONTAINER_FIELDS = {
    "args",
    "command",
    "env",
    "envFrom",
    "image",
    "imagePullPolicy",
    "livenessProbe",
    "name",
    "ports",
    "readinessProbe",
    "resources",
    "securityContext",
    "startupProbe",
    "volumeMounts",
    "workingDir",
}
_VOLUMES = {"name", "secret", "configMap", "projected", "emptyDir"}
_MOST_CONCURRENCY = 1_000
_MOST_SECONDS = 600
_INSIDE = {"networking.knative.dev/visibility": "cluster-local"}


def each_service_has_one_container_with_one_port(world: World) -> Iterator[str]:
    """No second port, so no metrics port either: /metrics is on the same."""
    for one in world.ksvcs():
        found = one["spec"]["template"]["spec"]["containers"]
        if len(found) != 1 or len(found[0].get("ports", [])) != 1:
            yield f"{called(one)}: not exactly one container with one port"


def no_port_is_knatives_own(world: World) -> Iterator[str]:
    for one in world.ksvcs():
        for port in values_at(one["spec"], "containerPort"):
            if port in _RESERVED_PORTS:
                yield f"{called(one)}: {port} is a port of Knative's proxy"


def scaling_is_said_on_the_template(world: World) -> Iterator[str]:
    """On the Service's own metadata these annotations mean nothing."""
    for one in world.ksvcs():
        outer = one["metadata"].get("annotations", {})
        inner = one["spec"]["template"]["metadata"].get("annotations", {})
        if misplaced := [name for name in outer if name.startswith(_SCALING)]:
            yield f"{called(one)}: {misplaced[0]} belongs on spec.template"
        least, most = inner.get(f"{_SCALING}min-scale", ""), inner.get(f"{_SCALING}max-scale", "")
        if not (least.isdecimal() and most.isdecimal() and int(least) <= int(most) and int(most) > 0):
            yield f"{called(one)}: min-scale {least!r} and max-scale {most!r} are not bounds"


def concurrency_and_time_are_in_bounds(world: World) -> Iterator[str]:
    for one in world.ksvcs():
        spec = one["spec"]["template"]["spec"]
        if not 0 <= spec.get("containerConcurrency", -1) <= _MOST_CONCURRENCY:
            yield f"{called(one)}: containerConcurrency is not 0 to {_MOST_CONCURRENCY}"
        if not 1 <= spec.get("timeoutSeconds", 0) <= _MOST_SECONDS:
            yield f"{called(one)}: timeoutSeconds is not 1 to {_MOST_SECONDS}"


def only_fields_that_knative_takes_are_used(world: World) -> Iterator[str]:
    """No pod securityContext, init containers, node choice, lifecycle, disks, host paths or downward API."""
    for one in world.ksvcs():
        spec = one["spec"]["template"]["spec"]
        refused = sorted(set(spec) - _POD_FIELDS)
        for container in spec["containers"]:
            refused += sorted(set(container) - _CONTAINER_FIELDS)
        for volume in spec.get("volumes", []):
            refused += sorted(set(volume) - _VOLUMES)
        refused += ["fieldRef" for _ in values_at(spec, "fieldRef")]
        if refused:
            yield f"{called(one)}: {', '.join(refused)}"


def no_variable_is_the_platforms(world: World) -> Iterator[str]:
    for one in world.ksvcs():
        for variable in one["spec"]["template"]["spec"]["containers"][0].get("env", []):
            if variable["name"] == "PORT" or variable["name"].startswith("K_"):
                yield f"{called(one)}: {variable['name']} is set by the platform"


def probes_are_ones_that_knative_takes(world: World) -> Iterator[str]:
    """Readiness is asked on the port of the service; a startup probe names its port, as nothing fills it in."""
    for one in world.ksvcs():
        container = one["spec"]["template"]["spec"]["containers"][0]
        if "readinessProbe" not in container:
            yield f"{called(one)}: no readiness probe"
        for how in container.get("startupProbe", {}).values():
            if isinstance(how, dict) and "port" not in how:
                yield f"{called(one)}: its startup probe names no port"


def only_the_public_hosts_are_public(world: World) -> Iterator[str]:
    """Whatever no host leads to stays inside, and no host leads to a worker."""
    workers = {row["name"].replace("_", "-") for row in world.rows() if row["visibility"] == "cluster"}
    mapped = {one["spec"]["ref"]["name"]: called(one) for one in world.of("DomainMapping")}
    for one in world.ksvcs():
        inside = _INSIDE.items() <= one["metadata"]["labels"].items()
        if not inside and one["metadata"]["name"] not in mapped:
            yield f"{called(one)}: public without a host"
    for name in workers & set(mapped):
        yield f"{mapped[name]}: leads to the worker {name}"


def every_service_has_a_disruption_budget(world: World) -> Iterator[str]:
    """By the label that Knative gives to the pods, whatever their revision."""
    kept = [one["spec"]["selector"]["matchLabels"] for one in world.of("PodDisruptionBudget")]
    for one in world.ksvcs():
        if {"serving.knative.dev/service": one["metadata"]["name"]} not in kept:
            yield f"{called(one)}: no PodDisruptionBudget"


RULES = (
    each_service_has_one_container_with_one_port,
    no_port_is_knatives_own,
    scaling_is_said_on_the_template,
    concurrency_and_time_are_in_bounds,
    only_fields_that_knative_takes_are_used,
    no_variable_is_the_platforms,
    probes_are_ones_that_knative_takes,
    only_the_public_hosts_are_public,
    every_service_has_a_disruption_budget,
)
