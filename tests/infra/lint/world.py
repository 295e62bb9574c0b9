"""What the rules look at: the objects of one rendering, and the wiring table it was rendered from."""

import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]

ROOT = Path(__file__).resolve().parents[3]
CHART = ROOT / "knative"
KSVC = "serving.knative.dev/v1"
KSVC_LABEL = "serving.knative.dev/service"


@dataclass(frozen=True)
class Container:
    """A container somewhere in an object; `place` says where, `init` whether it only runs before the others."""

    place: str
    spec: Object


@dataclass(frozen=True)
class World:
    """One rendering. Rules never change it; `copy` gives one that a test may break."""

    objects: Sequence[Object]
    table: Mapping[str, Any]
    settings: Mapping[str, Any]

    def copy(self) -> "World":
        """The same, sharing nothing; by way of pickle, which is several times as fast as deepcopy."""
        copied: World = pickle.loads(pickle.dumps(self))  # noqa: S301 (our own bytes)
        return copied

    def of(self, *kinds: str, api: str = "") -> list[Object]:
        """Objects of these kinds; `api` narrows to an API version, as `Service` is a kind of two."""
        return [one for one in self.objects if one["kind"] in kinds and one["apiVersion"].startswith(api)]

    def ksvcs(self) -> list[Object]:
        return [one for one in self.objects if is_ksvc(one)]

    def find(self, kind: str, name: str, api: str = "") -> Object:
        """The one object of that kind and name; raises LookupError where there is none."""
        for one in self.of(kind, api=api):
            if one["metadata"]["name"] == name:
                return one
        raise LookupError(f"no {kind} {name}")

    def has(self, kind: str, name: str, api: str = "") -> bool:
        return any(one["metadata"]["name"] == name for one in self.of(kind, api=api))

    def rows(self) -> list[Object]:
        rows: list[Object] = self.table["functions"]
        return rows


def ksvc(world: World, name: str = "ingest") -> Object:
    return world.find("Service", name, "serving")


def container(world: World, name: str = "ingest") -> Object:
    """The one container of a Knative Service."""
    found: Object = ksvc(world, name)["spec"]["template"]["spec"]["containers"][0]
    return found


def load_table() -> Object:
    table: Object = yaml.safe_load((CHART / "functions.yaml").read_text(encoding="utf-8"))
    return table


def load_settings() -> Object:
    settings: Object = yaml.safe_load((CHART / "files/settings.yaml").read_text(encoding="utf-8"))
    return settings


def is_ksvc(one: Object) -> bool:
    return one["kind"] == "Service" and str(one["apiVersion"]).startswith(KSVC)


def called(one: Object) -> str:
    """How a fault names an object."""
    return f"{one['kind']} {one['metadata']['name']}"


def service_of(row: Object) -> str:
    return str(row["name"]).replace("_", "-")


def pod_specs(one: Object) -> Iterator[tuple[str, Object]]:
    """Every pod specification inside an object, with its place."""
    spec = one.get("spec", {})
    if one["kind"] in {"Service", "Deployment", "StatefulSet", "Job"} and "template" in spec:
        yield called(one), spec["template"]["spec"]
    if one["kind"] == "JobSink":
        yield called(one), spec["job"]["spec"]["template"]["spec"]
    if one["kind"].startswith("ClickHouse"):
        for template in spec["templates"]["podTemplates"]:
            yield f"{called(one)} {template['name']}", template["spec"]


def containers(one: Object) -> Iterator[Container]:
    for place, spec in pod_specs(one):
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            yield Container(f"{place}/{container.get('name', '0')}", container)


def values_at(found: Any, wanted: str) -> Iterator[Any]:
    """Every value under the key `wanted`, however deep."""
    if isinstance(found, dict):
        for key, value in found.items():
            if key == wanted:
                yield value
            yield from values_at(value, wanted)
    elif isinstance(found, list):
        for value in found:
            yield from values_at(value, wanted)
