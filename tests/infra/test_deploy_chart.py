"""What the cluster's doors give to helm is what the chart takes: options, images, secrets; and Terraform's own chart.

Rendered by helm on this machine. No cluster is asked, nothing is installed.
"""

import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.deploy import images
from shared.deploy.sealed import wanted_secrets
from shared.deploy.target import CHART, Target
from shared.wiring import load_wiring
from tests.engines.go_tools import program
from tests.infra.image import ROOT

FILES = ("values-local.yaml", "values-production.yaml", "values-redpanda.yaml")
# Made by operators of others, not by us: Strimzi's and cert-manager's.
ELSEWHERE = {"sluice-ca", "sluice-cluster-ca-cert"}
ADDRESSES = ("SLUICE_CATALOG_URL", "SLUICE_WAREHOUSE_URL", "SLUICE_CACHE_URL", "SLUICE_OBJECTS_URL")


def helm(*arguments: str) -> str:
    done = subprocess.run(
        [str(program("helm")), *arguments], capture_output=True, text=True, timeout=100, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(text: str) -> Iterator[dict[str, Any]]:
    yield from (found for found in yaml.safe_load_all(text) if found)


def within(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping inside a value."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from within(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from within(inner)


def target_of(name: str) -> Target:
    return Target(files=(CHART / name,), prefix="registry.example/s", tag="1.2")


@functools.cache
def rendered(name: str) -> list[dict[str, Any]]:
    target = target_of(name)
    return list(objects(helm("template", target.release, str(CHART), *target.options)))


@pytest.mark.parametrize("name", FILES)
def test_every_image_of_ours_in_the_manifests_is_one_that_build_makes(name: str) -> None:
    target = target_of(name)
    built = {image.name for image in images.images(target, load_wiring(), [])}
    used = {found["image"] for one in rendered(name) for found in within(one) if isinstance(found.get("image"), str)}
    assert {image for image in used if "registry.example/s" in image or "dev.local" in image} == built


@pytest.mark.parametrize("name", FILES)
def test_every_key_of_a_secret_that_the_manifests_ask_for_is_one_that_secrets_makes(name: str) -> None:
    target = target_of(name)
    made = {secret: set(keys) for secret, keys in wanted_secrets(target, dict.fromkeys(ADDRESSES, "x://y"))}
    for one in rendered(name):
        for found in within(one):
            asked = found.get("secretKeyRef")
            if asked is None or asked.get("optional") or asked["name"] in ELSEWHERE:
                continue
            assert asked["key"] in made.get(asked["name"], set()), f"{one['kind']} {one['metadata']['name']}: {asked}"


def test_terraforms_own_chart_renders_what_the_module_gives_it(tmp_path: Path) -> None:
    chart = ROOT / "terraform/modules/addons/charts/knative"
    values = tmp_path / "values.yaml"
    given = {
        "serving": {"version": "1.23.0"},
        "eventing": {"version": "1.22.2", "additionalManifests": ["https://example.org/a.yaml"]},
        "domain": "analytics.example",
        "serviceAnnotations": {"one": "two"},
        "internalTls": True,
    }
    values.write_text(yaml.safe_dump(given), encoding="utf-8")
    helm("lint", str(chart), "--values", str(values))
    found = {
        one["kind"]: one["spec"] for one in objects(helm("template", "knative", str(chart), "--values", str(values)))
    }
    assert found["KnativeServing"]["config"]["domain"] == {"analytics.example": ""}
    assert found["KnativeServing"]["services"] == [{"name": "kourier", "annotations": {"one": "two"}}]
    assert found["KnativeServing"]["config"]["network"]["system-internal-tls"] == "Enabled"
    assert found["KnativeEventing"]["additionalManifests"] == [{"URL": "https://example.org/a.yaml"}]
    # The module gives all that the chart's own values name.
    main = (ROOT / "terraform/modules/addons/main.tf").read_text(encoding="utf-8")
    assert set(yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))) == set(given)
    assert [name for name in given if f"{name} " not in main] == []
