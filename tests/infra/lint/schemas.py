"""Whether an object fits what the API server would take: CRDs and the OpenAPI of ../shared/k8s, offline.

Unknown fields are faults here, where a server would drop them silently. Rules in CEL are not evaluated.
"""

import gzip
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from tests.infra.lint.world import ROOT, Object, called, pod_specs

SCHEMAS = ROOT.parent / "shared" / "k8s"
_OPEN = "x-kubernetes-preserve-unknown-fields"
_EITHER = "x-kubernetes-int-or-string"
# Its CRD is not among those of ../shared/k8s.
UNCHECKED = {("postgresql.cnpg.io/v1", "Cluster")}
_POD_SPEC = "io.k8s.api.core.v1.PodSpec"
_CLAIM_SPEC = "io.k8s.api.core.v1.PersistentVolumeClaimSpec"
_JOB_SPEC = "io.k8s.api.batch.v1.JobSpec"


def faults_of(one: Object) -> Iterator[str]:
    """What the API server would not take, or would drop, of an object and of those it holds."""
    kind = (one["apiVersion"], one["kind"])
    if kind in UNCHECKED:
        return
    validator = _custom().get(kind) or _built_in(*kind)
    if validator is None:
        yield f"{called(one)}: no schema of {one['apiVersion']}"
        return
    yield from _faults(called(one), validator, one)
    if one["kind"].startswith("ClickHouse"):
        for place, spec in pod_specs(one):
            yield from _faults(place, _definition(_POD_SPEC), spec)
        for claim in one["spec"]["templates"].get("volumeClaimTemplates", []):
            yield from _faults(called(one), _definition(_CLAIM_SPEC), claim["spec"])
    if one["kind"] == "JobSink":
        yield from _faults(called(one), _definition(_JOB_SPEC), one["spec"]["job"]["spec"])


def _faults(place: str, validator: jsonschema_rs.Validator, value: Any) -> Iterator[str]:
    for error in validator.iter_errors(value):
        path = ".".join(str(part) for part in error.instance_path)
        yield f"{place}: {path}: {error.message[:200]}"


@cache
def _custom() -> dict[tuple[str, str], jsonschema_rs.Validator]:
    found: dict[tuple[str, str], jsonschema_rs.Validator] = {}
    for path in sorted((SCHEMAS / "crds").rglob("*.yaml")):
        for document in yaml.load_all(path.read_text(encoding="utf-8"), Loader=_loader()):
            if document and document.get("kind") == "CustomResourceDefinition":
                spec = document["spec"]
                for version in spec["versions"]:
                    schema = _closed(version["schema"]["openAPIV3Schema"], top=True)
                    kind = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
                    found[kind] = jsonschema_rs.Draft4Validator(schema)
    return found


def _loader() -> Any:
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _closed(schema: Any, *, top: bool = False) -> Any:
    """The schema with unknown fields refused and Kubernetes' own words put into JSON Schema's."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _closed(value) for key, value in schema.items() if key not in {"properties", "default"}}
    if "(?" in str(schema.get("pattern", "")):  # what Go knows and JSON Schema's expressions do not
        del made["pattern"]
    if schema.get(_EITHER):
        made.pop("type", None)
        made["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    if isinstance(schema.get("properties"), dict):
        made["properties"] = {key: _closed(value) for key, value in schema["properties"].items()}
        if top:
            made["properties"] |= {"apiVersion": {}, "kind": {}, "metadata": {"type": "object"}}
        if not schema.get(_OPEN) and "additionalProperties" not in schema:
            made["additionalProperties"] = False
    if schema.get("nullable") and "type" in made:
        made["type"] = [made["type"], "null"]
    return made


@cache
def _document() -> Object:
    """Kubernetes' OpenAPI with each definition closed. `IntOrString` is a string there, by its format only."""
    document: Object = json.loads(gzip.decompress((SCHEMAS / "openapi-v2.json.gz").read_bytes()))
    definitions: Object = {}
    for name, definition in document["definitions"].items():
        if definition.get("format") == "int-or-string":
            definitions[name] = {"anyOf": [{"type": "integer"}, {"type": "string"}]}
        elif name.endswith("resource.Quantity"):
            definitions[name] = {"type": ["string", "number"]}
        else:
            definitions[name] = _closed(definition)
    return definitions


@cache
def _definition(name: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.Draft4Validator({"$ref": f"#/definitions/{name}", "definitions": _document()})


@cache
def _built_in(api: str, kind: str) -> jsonschema_rs.Validator | None:
    group, _, version = api.rpartition("/")
    wanted = {"group": group, "version": version, "kind": kind}
    for name, definition in _document().items():
        if wanted in definition.get("x-kubernetes-group-version-kind", []):
            return _definition(name)
    return None


def there() -> bool:
    return (SCHEMAS / "openapi-v2.json.gz").is_file()


def folder() -> Path:
    return SCHEMAS
