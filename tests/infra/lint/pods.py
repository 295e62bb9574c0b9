"""Rules for everything that runs in a pod."""

import re
from collections.abc import Iterator

from tests.infra.lint.world import KSVC_LABEL, Object, World, called, containers, is_ksvc, pod_specs

_LONGEST_NAME = 63
# A revision adds `-00001-deployment-<hash>-<pod>` and still has to be a name.
_LONGEST_KSVC = 30
_DNS = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_LABEL = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?")
_VERSION = re.compile(r":[\w][\w.-]*$")
_SECRET_NAME = re.compile(r"(PASSWORD|SECRET|TOKEN|CREDENTIAL|PRIVATE)|_KEY$")
_TAKEN_FROM = re.compile(r"\$\((\w+)\)")
_LOGIN_IN_URL = re.compile(r"://([^/@\s]*):([^/@\s]+)@")
# Their images write below /etc or /var/log; the templates say so beside them.
_WRITES_IN_ITS_IMAGE = {"clickhouse", "clickhouse-keeper"}


def names_fit(world: World) -> Iterator[str]:
    """Names and label values are at most 63 characters; a host may be longer, a Knative Service has less room."""
    for one in world.objects:
        name = one["metadata"]["name"]
        room = _LONGEST_KSVC if is_ksvc(one) else _LONGEST_NAME
        if one["kind"] not in {"DomainMapping", "ClusterDomainClaim"} and len(name) > room:
            yield f"{called(one)}: the name has {len(name)} characters, {room} fit"
        if not _DNS.fullmatch(name):
            yield f"{called(one)}: not a DNS name"
        for key, value in one["metadata"].get("labels", {}).items():
            if len(value) > _LONGEST_NAME or not _LABEL.fullmatch(value):
                yield f"{called(one)}: the label {key} cannot be {value!r}"


def everything_has_its_namespace(world: World) -> Iterator[str]:
    """Without one, `kubectl apply` of the rendered text puts an object where nobody looks."""
    for one in world.objects:
        if one["kind"] != "ClusterDomainClaim" and not one["metadata"].get("namespace"):
            yield f"{called(one)}: no namespace"


def resources_are_named_everywhere(world: World) -> Iterator[str]:
    """Each container asks for CPU and memory and is limited in memory."""
    asked = [(each.place, each.spec.get("resources", {})) for one in world.objects for each in containers(one)]
    asked += [(called(one), one["spec"].get("resources", {})) for one in world.of("KafkaNodePool", "Cluster")]
    for place, resources in asked:
        requests, limits = resources.get("requests", {}), resources.get("limits", {})
        if not {"cpu", "memory"} <= set(requests) or "memory" not in limits:
            yield f"{place}: CPU and memory are not requested, or memory is not limited"
        elif requests["memory"] != limits["memory"]:
            yield f"{place}: memory is overcommitted, so it may be killed for somebody else's"


def containers_are_confined(world: World) -> Iterator[str]:
    """No root, no more rights, nothing to write in the image, the runtime's seccomp profile."""
    for one in world.objects:
        for each in containers(one):
            found = each.spec.get("securityContext", {})
            wanted = {"runAsNonRoot": True, "allowPrivilegeEscalation": False}
            if each.spec.get("name") not in _WRITES_IN_ITS_IMAGE:
                wanted["readOnlyRootFilesystem"] = True
            if any(found.get(key) is not value for key, value in wanted.items()):
                yield f"{each.place}: securityContext lacks one of {sorted(wanted)}"
            if found.get("capabilities") != {"drop": ["ALL"]}:
                yield f"{each.place}: capabilities are not dropped"
            if found.get("seccompProfile", {}).get("type") != "RuntimeDefault":
                yield f"{each.place}: no seccomp profile"


def no_pod_has_a_token_of_the_cluster(world: World) -> Iterator[str]:
    """Nothing of ours talks to the API server."""
    accounts = {one["metadata"]["name"]: one for one in world.of("ServiceAccount")}
    for one in world.objects:
        for place, spec in pod_specs(one):
            account = accounts.get(spec.get("serviceAccountName", ""), {})
            if spec.get("automountServiceAccountToken", account.get("automountServiceAccountToken")) is not False:
                yield f"{place}: its pods get a token"


def images_have_a_version(world: World) -> Iterator[str]:
    """Never `latest`, which means another image at each pull."""
    for one in world.objects:
        for each in containers(one):
            image = each.spec.get("image", "")
            if not _VERSION.search(image) or image.endswith(":latest"):
                yield f"{each.place}: the image {image!r} has no version"


def secrets_are_never_literals(world: World) -> Iterator[str]:
    """A secret comes by reference, or as $(NAME) of a variable that does; config maps hold none."""
    known = set(world.settings["secrets"])
    lists = [*world.settings["functions"].values(), *world.settings["beside"].values()]
    plain = {name for names in lists for name in names} - known
    for one in world.objects:
        for each in containers(one):
            named = [variable["name"] for variable in each.spec.get("env", [])]
            secret = {name for name in named if name in known or (name not in plain and _SECRET_NAME.search(name))}
            yield from _literal_secrets(each.place, each.spec.get("env", []), secret)
        if one["kind"] == "ConfigMap":
            for key, value in one.get("data", {}).items():
                if key in known or _LOGIN_IN_URL.search(value):
                    yield f"{called(one)}: {key} is a secret"


def _literal_secrets(place: str, env: list[Object], secret: set[str]) -> Iterator[str]:
    referred: set[str] = set()
    for variable in env:
        name, source = variable["name"], variable.get("valueFrom", {})
        if "secretKeyRef" in source:
            referred.add(name)
        elif name in secret:
            value = variable.get("value", "")
            login = _LOGIN_IN_URL.search(value)
            taken = set(_TAKEN_FROM.findall(value))
            without = "://" in value and (login is None or f"$({''.join(sorted(taken))})" == login[2])
            if not without or not taken <= referred:
                yield f"{place}: {name} is written out, or uses a variable that is no secret"


def references_resolve(world: World) -> Iterator[str]:
    """Service accounts, config maps, sinks, subscribers and mapped services are in the same rendering."""
    for one in world.objects:
        for place, spec in pod_specs(one):
            account = spec.get("serviceAccountName")
            if account and not world.has("ServiceAccount", account):
                yield f"{place}: no service account {account}"
        for each in containers(one):
            for variable in each.spec.get("env", []):
                config = variable.get("valueFrom", {}).get("configMapKeyRef", {})
                if config and not world.has("ConfigMap", config["name"]):
                    yield f"{each.place}: no config map {config['name']}"
        for reference in _references(one):
            if not world.has(reference["kind"], reference["name"], reference["apiVersion"]):
                yield f"{called(one)}: no {reference['kind']} {reference['name']}"


def _references(one: Object) -> Iterator[Object]:
    spec = one.get("spec", {})
    if one["kind"] in {"KafkaSource", "PingSource"}:
        yield spec["sink"]["ref"]
    if one["kind"] == "Trigger":
        yield spec["subscriber"]["ref"]
        yield {"kind": "Broker", "name": spec["broker"], "apiVersion": "eventing.knative.dev/v1"}
    if one["kind"] == "DomainMapping":
        yield spec["ref"]
    if one["kind"] == "Broker":
        yield spec["config"]


def network_policies_cover_every_pod(world: World) -> Iterator[str]:
    """Each pod of ours is selected by a policy that says both what comes in and what goes out."""
    policies = world.of("NetworkPolicy")
    selected = [one["spec"]["podSelector"]["matchLabels"] for one in policies]
    for one in policies:
        if set(one["spec"]["policyTypes"]) != {"Ingress", "Egress"}:
            yield f"{called(one)}: not for both directions"
    for one in world.of("Service", "Deployment", "StatefulSet", "Job", "JobSink"):
        for place, labels in _pod_labels(one):
            if not any(wanted.items() <= labels.items() for wanted in selected):
                yield f"{place}: no NetworkPolicy selects its pods"


def _pod_labels(one: Object) -> Iterator[tuple[str, dict[str, str]]]:
    spec = one["spec"].get("job", one).get("spec", {})
    if "template" in spec:
        labels = dict(spec["template"].get("metadata", {}).get("labels", {}))
        if is_ksvc(one):
            labels[KSVC_LABEL] = one["metadata"]["name"]
        yield called(one), labels


def jobs_end(world: World) -> Iterator[str]:
    """A job has a deadline and a bounded number of tries."""
    for one in world.of("Job", "JobSink"):
        spec = one["spec"].get("job", one)["spec"]
        if not spec.get("activeDeadlineSeconds") or "backoffLimit" not in spec:
            yield f"{called(one)}: no deadline, or no bound on its tries"


def autoscalers_leave_knative_alone(world: World) -> Iterator[str]:
    """A HorizontalPodAutoscaler names a Deployment of this rendering: Knative scales its own."""
    for one in world.of("HorizontalPodAutoscaler"):
        target = one["spec"]["scaleTargetRef"]
        if target["kind"] != "Deployment" or not world.has("Deployment", target["name"]):
            yield f"{called(one)}: no Deployment {target['name']}"
        elif "replicas" in world.find("Deployment", target["name"])["spec"]:
            yield f"{called(one)}: the Deployment has replicas of its own, which every upgrade would restore"


RULES = (
    names_fit,
    everything_has_its_namespace,
    resources_are_named_everywhere,
    containers_are_confined,
    no_pod_has_a_token_of_the_cluster,
    images_have_a_version,
    secrets_are_never_literals,
    references_resolve,
    network_policies_cover_every_pod,
    jobs_end,
    autoscalers_leave_knative_alone,
)
