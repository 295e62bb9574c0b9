"""The wiring table: knative/functions.yaml as typed values.

It is the one place that says what triggers a function, what it emits and how it is scaled. The embedded
runtime, the Helm chart, the docs and the tests all read this.
"""

from pathlib import Path
from typing import Any, Literal

import msgspec

TABLE = Path(__file__).resolve().parent.parent / "knative" / "functions.yaml"


class WiringError(Exception):
    """The wiring table is malformed; the message names the place."""


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A public HTTP path, whose segments may be named as in `/receipts/{id}`, and the methods it answers."""

    path: str
    methods: list[str]


class Topic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bus topic whose records a KafkaSource posts to the function, one CloudEvent a request.

    Without `types` it takes records of every type.
    """

    topic: str
    types: list[str]


class Cron(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A PingSource: a five-field cron line (UTC), the type of its CloudEvent and its JSON data."""

    schedule: str
    type: str
    data: dict[str, Any] = {}


class Scale(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Replica bounds; min 0 means the function costs nothing while idle."""

    min: int
    max: int


class Function(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One row: a folder under functions/ and how it is triggered and run.

    `concurrency` is requests at once in one replica, `timeout` seconds a request, `visibility` whether the
    edge routes to it, `process` which process of the embedded runtime hosts it.
    """

    name: str
    duty: str
    http: list[Route] = []
    topics: list[Topic] = []
    consumes: list[str] = []
    cron: list[Cron] = []
    emits: list[str] = []
    scale: Scale
    concurrency: int
    memory: str
    timeout: int
    visibility: Literal["public", "cluster"]
    process: Literal["edge", "work"]

    @property
    def service(self) -> str:
        """The name of its Knative Service."""
        return self.name.replace("_", "-")


class Wiring(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole table; `sources` and `terminal` say who stands at the ends of the event flow."""

    functions: list[Function]
    sources: dict[str, str] = {}
    terminal: dict[str, str] = {}

    def hosted_by(self, process: str) -> list[Function]:
        return [function for function in self.functions if function.process == process]

    def find(self, name: str) -> Function:
        """The row of a function by folder or service name; raises WiringError where there is none."""
        for function in self.functions:
            if name in (function.name, function.service):
                return function
        raise WiringError(f"no function named {name!r} in {TABLE.name}")


def load_wiring(path: Path = TABLE) -> Wiring:
    """Read and check the table; raises WiringError naming the faulty place."""
    import yaml  # a cold function never needs the table, so it does not pay for the parser

    try:
        return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), Wiring)
    except (msgspec.ValidationError, yaml.YAMLError) as error:
        raise WiringError(f"{path.name}: {error}") from error
