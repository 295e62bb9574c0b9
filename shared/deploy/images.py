"""The images of a deployment: one a function, and `local` for the migrations and the app's pages."""

from collections.abc import Iterator
from typing import NamedTuple

from shared.deploy.programs import DeployError, ask, run
from shared.deploy.target import ROOT, Target
from shared.wiring import Wiring


class Image(NamedTuple):
    """An image by its full name, and what `docker build` is given for it."""

    name: str
    options: tuple[str, ...]


def images(target: Target, wiring: Wiring, only: list[str]) -> Iterator[Image]:
    """The images of a deployment, or those of `only` (functions, `local`, `minio`); refuses a name that is none."""
    found: dict[str, tuple[str, ...]] = {
        row.service: ("--build-arg", f"FUNCTION={row.name}", ".") for row in wiring.functions
    }
    found["local"] = ("--target", "local", "--build-arg", "FUNCTION=local", ".")
    names = {name.replace("_", "-") for name in only}
    if unknown := sorted(names - set(found) - {"minio"}):
        raise DeployError(f"there is no image {', '.join(unknown)}; there are {', '.join([*found, 'minio'])}")
    for name, options in found.items():
        if not names or name in names:
            yield Image(target.image(name), options)
    objects = target.values["objects"]
    # MinIO's makers publish none any more, so the chart's own server runs on one that is built here.
    if "minio" in names or (not names and objects["kind"] == "minio"):
        yield Image(objects["image"], ("docker/minio",))


def matrix(wiring: Wiring) -> list[dict[str, str]]:
    """The images of a release, for a workflow: name, the Dockerfile's build argument and its target."""
    found = [{"name": row.service, "function": row.name, "target": "function"} for row in wiring.functions]
    return [*found, {"name": "local", "function": "local", "target": "local"}]


def build(target: Target, wiring: Wiring, only: list[str]) -> None:
    for image in images(target, wiring, only):
        *options, context = image.options
        run("docker", "build", *options, "--tag", image.name, str(ROOT / context))


def push(target: Target, wiring: Wiring, only: list[str]) -> None:
    """Push what `build` built; refuses a prefix that names no registry."""
    prefix = target.values["image"]["prefix"]
    if prefix.startswith(("dev.local", "kind.local", "ko.local")):
        raise DeployError(f"{prefix} is no registry; give --prefix, as in --prefix registry.example/sluice")
    for image in images(target, wiring, only):
        run("docker", "push", image.name)


def load(target: Target, wiring: Wiring) -> None:
    """Put the images into the local cluster of the current context; refuses any other kind of cluster."""
    context = (ask("kubectl", "config", "current-context") or "").strip()
    kind, _, name = context.partition("-")
    names = [image.name for image in images(target, wiring, [])]
    if kind == "kind":
        run("kind", "load", "docker-image", "--name", name, *names)
    elif kind == "k3d":
        run("k3d", "image", "import", "--cluster", name, *names)
    elif context == "minikube":
        for image in names:
            run("minikube", "image", "load", image)
    else:
        raise DeployError(
            f"the current context is {context or 'none'}, and this door is for kind, k3d and minikube; `task deploy`"
            " goes to any cluster"
        )
