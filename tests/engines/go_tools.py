"""Programs in Go that check what runs in a cluster, built once per machine from their modules.

`python -m tests.engines.go_tools` builds those that are missing; that takes minutes, so no test does it.
"""

import functools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import pytest

BUILD_SECONDS = 1_800


class Tool(NamedTuple):
    """A command, its module, the version that is built, and Go's build tags."""

    package: str
    module: str
    version: str
    tags: str = ""


TOOLS = {
    "actionlint": Tool("github.com/rhysd/actionlint/cmd/actionlint", "github.com/rhysd/actionlint", "v1.7.12"),
    "helm": Tool("helm.sh/helm/v4/cmd/helm", "helm.sh/helm/v4", "v4.3.1"),
    # Service discovery is most of it, and no rule needs any.
    "promtool": Tool(
        "github.com/prometheus/prometheus/cmd/promtool", "github.com/prometheus/prometheus", "v0.314.0", "remove_all_sd"
    ),
}


def folder() -> Path:
    """Where what was built stays."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sluice" / "go-tools"


def program(name: str) -> Path:
    """A program that was built; skips the test where it was not, or fails it where SLUICE_REQUIRE_ENGINES=1."""
    if is_built(name):
        return folder() / name
    why = f"{name} {TOOLS[name].version} is not built; `.ci/infra` does it"
    if os.environ.get("SLUICE_REQUIRE_ENGINES") == "1":
        pytest.fail(why)
    pytest.skip(why)


@functools.cache
def is_built(name: str) -> bool:
    """Whether the program is there in its version, which Go writes into what it builds."""
    path, tool = folder() / name, TOOLS[name]
    if not path.is_file():
        return False
    return f"\t{tool.module}\t{tool.version}\t".encode() in path.read_bytes()


def build(name: str) -> None:
    """Build one; raises CalledProcessError or TimeoutExpired where it does not work.

    In a module of its own, as `go install` refuses modules that replace others. A checksum database vouches for the
    sources.
    """
    tool, environment = TOOLS[name], {**os.environ, "GOFLAGS": "-mod=mod"}
    target = folder() / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:

        def go(*arguments: str) -> None:
            argv = ["go", *arguments]  # whichever Go is on PATH
            subprocess.run(argv, cwd=place, env=environment, check=True, timeout=BUILD_SECONDS)

        go("mod", "init", "sluice.dev/tools")
        go("get", f"{tool.package}@{tool.version}")
        fresh = Path(place) / name
        go("build", "-trimpath", "-tags", tool.tags, "-ldflags=-s -w", "-o", str(fresh), tool.package)
        # Put beside it first: a rename between two file systems is no rename.
        beside = target.with_suffix(".new")
        beside.write_bytes(fresh.read_bytes())
        beside.chmod(0o755)
        beside.replace(target)


def main() -> None:
    for name, tool in TOOLS.items():
        if not is_built(name):
            started = time.monotonic()
            build(name)
            is_built.cache_clear()
            sys.stdout.write(f"built {name} {tool.version} in {time.monotonic() - started:.0f} s\n")


if __name__ == "__main__":
    main()
