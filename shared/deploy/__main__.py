"""`python -m shared.deploy`: the cluster's doors of the Taskfile."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from shared.config import ConfigError
from shared.deploy import cluster, images, sealed
from shared.deploy.programs import DeployError
from shared.deploy.target import CHART, Target
from shared.wiring import load_wiring

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Sluice in a Kubernetes cluster."
)

Release = Annotated[str, typer.Option(help="Name of the Helm release.")]
Namespace = Annotated[str, typer.Option(help="Its namespace.")]
Values = Annotated[list[Path] | None, typer.Option(help="A values file over the chart's own; may be repeated.")]
Prefix = Annotated[
    str, typer.Option(envvar="SLUICE_IMAGE_PREFIX", help="Registry and folder of the images, over the values.")
]
Tag = Annotated[str, typer.Option(envvar="SLUICE_IMAGE_TAG", help="Tag of the images, over the values.")]
Names = Annotated[list[str] | None, typer.Argument(help="Some of them, by function; else all.")]
Test = Annotated[bool, typer.Option("--smoke/--no-smoke", help="Whether an event is sent and counted at the end.")]
LOCAL = CHART / "values-local.yaml"


def _target(release: str, namespace: str, values: list[Path] | None, prefix: str, tag: str) -> Target:
    return Target(release=release, namespace=namespace, files=tuple(values or ()), prefix=prefix, tag=tag)


@app.command()
def build(names: Names = None, values: Values = None, prefix: Prefix = "", tag: Tag = "") -> None:
    """Build the images."""
    images.build(_target("sluice", "analytics", values, prefix, tag), load_wiring(), names or [])


@app.command(hidden=True)
def matrix() -> None:
    """Print the images of a release as JSON, for the workflow that builds them."""
    sys.stdout.write(json.dumps(images.matrix(load_wiring())) + "\n")


@app.command()
def push(names: Names = None, values: Values = None, prefix: Prefix = "", tag: Tag = "") -> None:
    """Push the images to their registry."""
    images.push(_target("sluice", "analytics", values, prefix, tag), load_wiring(), names or [])


@app.command()
def secrets(release: Release = "sluice", namespace: Namespace = "analytics", values: Values = None) -> None:
    """Make the secrets that the chart reads, once."""
    sealed.ensure(_target(release, namespace, values, "", ""))


@app.command()
def deploy(
    *,
    release: Release = "sluice",
    namespace: Namespace = "analytics",
    values: Values = None,
    prefix: Prefix = "",
    tag: Tag = "",
    smoke: Test = True,
) -> None:
    """Install or upgrade, wait, and test."""
    cluster.deploy(_target(release, namespace, values, prefix, tag), demo=False, test=smoke)


@app.command()
def local(
    *, release: Release = "sluice", namespace: Namespace = "analytics", values: Values = None, smoke: Test = True
) -> None:
    """Build the images, load them into kind, k3d or minikube, install there, and test with a demo project."""
    target = _target(release, namespace, [LOCAL, *(values or [])], "", "")
    images.build(target, load_wiring(), [])
    images.load(target, load_wiring())
    cluster.deploy(target, demo=True, test=smoke)


@app.command()
def undeploy(
    *,
    release: Release = "sluice",
    namespace: Namespace = "analytics",
    yes: Annotated[bool, typer.Option("--yes", help="Without asking.")] = False,
) -> None:
    """Remove the release; events and secrets stay."""
    cluster.undeploy(_target(release, namespace, None, "", ""), sure=yes)


@app.command()
def rollback(
    revision: Annotated[str, typer.Argument(help="A revision of `helm history`; else the one before.")] = "",
    *,
    release: Release = "sluice",
    namespace: Namespace = "analytics",
    values: Values = None,
    smoke: Test = True,
) -> None:
    """Go back to a revision, wait, and test."""
    cluster.rollback(_target(release, namespace, values, "", ""), revision, test=smoke)


@app.command()
def logs(
    names: Names = None,
    *,
    release: Release = "sluice",
    namespace: Namespace = "analytics",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on showing.")] = False,
) -> None:
    """Show what functions log."""
    cluster.logs(_target(release, namespace, None, "", ""), names or [], follow=follow)


@app.command()
def canary(
    percent: Annotated[int, typer.Argument(help="0 holds what works now, 5 begins, 100 ends.")],
    names: Names = None,
    release: Release = "sluice",
    namespace: Namespace = "analytics",
) -> None:
    """Split the requests between the newest revision of each function and the one before."""
    cluster.canary(_target(release, namespace, None, "", ""), percent, names or [])


def main() -> None:
    """Run a command; what goes wrong is one sentence and exit code 1."""
    try:
        app()
    except (DeployError, ConfigError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
