"""The Kubernetes secret that the chart reads: made of random values, and never overwritten.

What has to come from people, the addresses of stores that are not the chart's, is taken from the environment.
"""

import base64
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from shared.deploy.programs import DeployError, ask, run
from shared.deploy.target import Target

_SECRET_BYTES = 24
# By the store's name in the values: the kind whose passwords are in the chart's secret, these passwords, and the
# address that stands there for one of the kind `external`.
_STORES = {
    "postgres": ("statefulset", ("POSTGRES_PASSWORD",), "SLUICE_CATALOG_URL"),
    "clickhouse": (
        "altinity",
        ("CLICKHOUSE_PASSWORD", "SLUICE_WAREHOUSE_OPERATOR_PASSWORD"),
        "SLUICE_WAREHOUSE_URL",
    ),
    "valkey": ("deployment", ("VALKEY_PASSWORD",), "SLUICE_CACHE_URL"),
    "objects": ("minio", ("MINIO_ROOT_PASSWORD",), "SLUICE_OBJECTS_URL"),
}
Wanted = dict[str, Callable[[], str]]
_ALWAYS = ("JWT_SECRET_KEY",)
# Taken over from the environment where they are set.
_OPTIONAL = (
    "JWT_SECRET_KEY_BEFORE",
    "SLUICE_BACKUP_URL",
    "SLUICE_EXPORT_DESTINATIONS",
    "SLUICE_OIDC_CLIENT_SECRET",
    "SLUICE_SMTP_URL",
)


def ensure(target: Target, environ: Mapping[str, str] = os.environ) -> None:
    """Make the namespace and the secret, or add what the secret lacks; what it holds stays.

    Nothing is made where the chart generates the secret itself. The certificate of our CA joins Kafka's logins once
    cert-manager has made it, so this is called again after an installation. Raises DeployError naming what the
    environment lacks.
    """
    if ask("kubectl", "get", "namespace", target.namespace) is None:
        run("kubectl", "create", "namespace", target.namespace)
    if target.values["secrets"]["generate"]:
        return
    authority = _authority(target) if target.values["tls"]["enabled"] else ""
    for name, wanted in wanted_secrets(target, environ, authority):
        _complete(target.namespace, name, wanted)


def wanted_secrets(target: Target, environ: Mapping[str, str], authority: str = "") -> Iterator[tuple[str, Wanted]]:
    """Each secret by name, with what makes the value of each of its keys. Raises DeployError for what is missing.

    `authority` is the certificate of our CA, where it is known.
    """
    values = target.values
    wanted: Wanted = dict.fromkeys(_ALWAYS, _random)
    missing = []
    for store, (ours, passwords, address) in _STORES.items():
        kind = values[store]["kind"]
        if kind == ours:
            wanted |= dict.fromkeys(passwords, _random)
        elif kind == "external" and not environ.get(address):
            missing.append(address)
        elif kind == "external":
            wanted[address] = _fixed(environ[address])
    if missing:
        raise DeployError(f"the values name stores of your own: set {', '.join(missing)} in the environment")
    if values["objects"]["kind"] == "minio" and values["objects"]["encrypt"]:
        wanted["MINIO_KMS_SECRET_KEY"] = _minio_key
    wanted |= {name: _fixed(environ[name]) for name in _OPTIONAL if environ.get(name)}
    yield values["secrets"]["name"], wanted
    if values["postgres"]["kind"] == "cloudnativepg":
        login: Wanted = {"username": _fixed(values["postgres"]["user"]), "password": _random}
        yield values["postgres"]["cloudnativepg"]["secret"], login
    yield from _kafka(target.release, values, authority)


def _authority(target: Target) -> str:
    name = target.values["tls"]["caSecret"]
    found = ask("kubectl", "get", "secret", name, "--namespace", target.namespace, "--output", "json")
    data = json.loads(found).get("data") or {} if found else {}
    return base64.b64decode(data.get("ca.crt", "")).decode()


def _kafka(release: str, values: Mapping[str, Any], authority: str) -> Iterator[tuple[str, Wanted]]:
    """The logins of functions and of Knative, in the form that Knative's Kafka parts read."""
    auth = values["kafka"]["auth"]
    if not auth["enabled"]:
        return
    protocol = "SASL_SSL" if values["tls"]["enabled"] else "SASL_PLAINTEXT"
    for secret, user in ((auth["secret"], "functions"), (auth["knativeSecret"], "knative")):
        login: Wanted = {
            "protocol": _fixed(protocol),
            "sasl.mechanism": _fixed("SCRAM-SHA-512"),
            "user": _fixed(f"{release}-{user}"),
            "password": _random,
        }
        if authority:
            login["ca.crt"] = _fixed(authority)
        yield secret, login


def _complete(namespace: str, name: str, wanted: Wanted) -> None:
    found = ask("kubectl", "get", "secret", name, "--namespace", namespace, "--output", "json")
    known = json.loads(found).get("data") or {} if found else {}
    fresh = {key: _encoded(make()) for key, make in wanted.items() if key not in known}
    if not fresh:
        return
    if found is None:
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "Opaque",
            "metadata": {"name": name, "namespace": namespace},
            "data": fresh,
        }
        run("kubectl", "create", "--filename", "-", given=json.dumps(secret))
    else:
        patch = json.dumps({"data": fresh})
        run(
            *("kubectl", "patch", "secret", name, "--namespace", namespace),
            *("--type", "merge", "--patch-file", "/dev/stdin"),
            given=patch,
        )


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _random() -> str:
    """Hexadecimal digits mean themselves in a URL."""
    return secrets.token_hex(_SECRET_BYTES)


def _minio_key() -> str:
    return f"sluice:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _fixed(text: str) -> Callable[[], str]:
    return lambda: text
