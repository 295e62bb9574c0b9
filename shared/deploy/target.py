"""Where a deployment goes: release, namespace, images, and the chart's values as they will be."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from shared.deploy.programs import DeployError

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "knative"


@dataclass(frozen=True, kw_only=True)
class Target:
    """One installation. `files` are values files over the chart's own; `prefix` and `tag` win over them where set."""

    release: str = "sluice"
    namespace: str = "analytics"
    files: tuple[Path, ...] = field(default=())
    prefix: str = ""
    tag: str = ""

    @cached_property
    def values(self) -> dict[str, Any]:
        """The chart's values under the files, as helm merges them; raises DeployError for a file that is none."""
        import yaml

        merged: dict[str, Any] = {}
        for path in (CHART / "values.yaml", *self.files):
            try:
                found = yaml.safe_load(path.read_text(encoding="utf-8"))
            except (OSError, yaml.YAMLError) as error:
                raise DeployError(f"{path} cannot be read as values: {error}") from error
            merged = _merged(merged, found or {})
        image = {name: value for name, value in (("prefix", self.prefix), ("tag", self.tag)) if value}
        return _merged(merged, {"image": image})

    @property
    def options(self) -> list[str]:
        """What helm is given to find the same values."""
        found = ["--namespace", self.namespace]
        for path in self.files:
            found += ["--values", str(path)]
        for name, value in (("image.prefix", self.prefix), ("image.tag", self.tag)):
            if value:
                found += ["--set-string", f"{name}={value}"]
        return found

    def image(self, name: str) -> str:
        """The full name of an image of ours."""
        import yaml

        image = self.values["image"]
        tag = image["tag"] or yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))["appVersion"]
        return f"{image['prefix']}/{name}:{tag}"

    def url(self, host: str) -> str:
        """The public address of collect, api or app."""
        return f"{self.values['publicScheme']}://{self.values['hosts'][host]}.{self.values['domain']}"


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    found = dict(below)
    for name, value in above.items():
        known = found.get(name)
        found[name] = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return found
