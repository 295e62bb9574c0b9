"""The chart, rendered by Helm itself."""

import subprocess
from collections.abc import Sequence
from functools import cache

import yaml

from tests.engines.go_tools import program
from tests.infra.lint.world import CHART, Object, World, load_settings, load_table

NAMESPACE = "analytics"
# What is installed together: the second is put over the first.
VALUES: dict[str, tuple[str, ...]] = {
    "defaults": (),
    "local": ("values-local.yaml",),
    "production": ("values-production.yaml",),
    "redpanda": ("values-redpanda.yaml",),
    "local on redpanda": ("values-local.yaml", "values-redpanda.yaml"),
}
# Choices that no file of values makes.
CHOICES = {
    "of the chart": (
        'tls={"enabled":true}',
        'certManager={"enabled":true}',
        'kafka={"auth":{"enabled":true},"brokers":3}',
        'clickhouse={"replicas":2}',
        'objects={"encrypt":true}',
        'storage={"className":"encrypted"}',
        'jobs={"export":{"enabled":true},"backup":{"enabled":true}}',
        'ingress={"enabled":true,"className":"nginx","annotations":{"a.example/b":"c"}}',
        'monitoring={"enabled":true,"labels":{"release":"prometheus"}}',
        'image={"pullSecrets":[{"name":"registry"}]}',
        'defaults={"serviceAccountAnnotations":{"cloud.example/role":"sluice"}}',
    ),
    "elsewhere": (
        'kafka={"kind":"external","bootstrap":"a:9092,b:9092"}',
        'clickhouse={"kind":"external"}',
        'postgres={"kind":"external"}',
        'valkey={"kind":"external"}',
        'objects={"kind":"external"}',
        'web={"kind":"Deployment","scale":{"min":0,"max":3}}',
        'httpRoute={"enabled":true,"parentRefs":[{"name":"public","namespace":"gateways"}]}',
        'monitoring={"enabled":true}',
        'domainMapping={"claims":false}',
    ),
}

_SECONDS = 60


class RenderingError(Exception):
    """Helm refused; the message is its own."""


@cache
def rendered(files: tuple[str, ...], sets: tuple[str, ...] = ()) -> tuple[Object, ...]:
    """The objects with these files of values, and values on top as `key=value`. Raises RenderingError."""
    text = run("template", "sluice", str(CHART), "--namespace", NAMESPACE, *_options(files, sets))
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return tuple(one for one in yaml.load_all(text, Loader=loader) if one)


def _options(files: Sequence[str], sets: Sequence[str]) -> list[str]:
    options = [part for file in files for part in ("--values", str(CHART / file))]
    return options + [part for one in sets for part in ("--set-json", one)]


def lint(files: Sequence[str]) -> str:
    """Helm's own lint, warnings included."""
    return run("lint", str(CHART), "--strict", *_options(files, ()))


def run(*arguments: str) -> str:
    """Helm's output; raises RenderingError with its complaint, and skips the test where Helm is not built."""
    done = subprocess.run([program("helm"), *arguments], capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode != 0:
        raise RenderingError(done.stderr or done.stdout)
    return done.stdout


def world(files: tuple[str, ...], sets: tuple[str, ...] = ()) -> World:
    return World(rendered(files, sets), load_table(), load_settings())
