"""Builds what the Dockerfile describes without Docker: its own steps, in order, in folders that stand for the image.

Each stage is a folder; an absolute path of a step means the same path below it. A fresh virtual environment stands for
the Python of the base image. What is not done: pulling the base image, its Debian, users, layers, a registry.
"""

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

from dockerfile_parse import DockerfileParser

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("app", "build", "data", "root", "venv")
_ABSOLUTE = re.compile(rf"(?<![\w./}}])/(?={'|'.join(FOLDERS)}\b)")
_MOUNT = re.compile(r"--mount=\S+\s+")
_STEP_SECONDS = 400


@dataclass
class Stage:
    """One FROM of a Dockerfile with the steps below it."""

    name: str
    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Image:
    """A stage that was built: its folder, environment, working folder and what starts in it."""

    root: Path
    env: dict[str, str]
    workdir: str = "/"
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    user: str = ""
    other: dict[str, str] = field(default_factory=dict)

    def path(self, inside: str) -> Path:
        return self.root / inside.lstrip("/")

    def run(self, argv: list[str], **kwargs: Any) -> "subprocess.Popen[bytes]":
        """Start a command of the image in its environment and working folder, and in nothing else."""
        env = {**self.env, **kwargs.pop("env", {})}
        return subprocess.Popen(argv, cwd=self.path(self.workdir), env=env, **kwargs)


def parse(path: Path = ROOT / "Dockerfile") -> list[Stage]:
    """The stages in order; the last one is what is built where none is named."""
    stages: list[Stage] = []
    for step in DockerfileParser(fileobj=io.BytesIO(path.read_bytes())).structure:
        word, value = step["instruction"], step["value"]
        if word == "FROM":
            base, _, name = value.partition(" AS ")
            stages.append(Stage(name or "last", base))
        elif word != "COMMENT" and stages:
            stages[-1].steps.append((word, value))
    return stages


def ignored(path: str, rules: list[str]) -> bool:
    """Whether .dockerignore keeps a path (relative, with slashes) out of the build; the last rule that fits decides."""
    out = False
    parts = path.split("/")
    above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    for rule in rules:
        pattern = re.escape(rule.removeprefix("!")).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
        if any(re.fullmatch(pattern, each) for each in above):
            out = not rule.startswith("!")
    return out


def context(folder: Path = ROOT) -> Iterator[str]:
    """What Docker would be sent of the repository."""
    text = (folder / ".dockerignore").read_text(encoding="utf-8")
    rules = [line for line in text.splitlines() if line and not line.startswith("#")]
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    tracked = subprocess.run(listed, cwd=folder, check=True, capture_output=True, text=True).stdout.splitlines()
    for path in tracked:
        if not ignored(path, rules) and (folder / path).is_file():
            yield path


class Builder:
    """Builds targets of the Dockerfile below one folder; what two builds share is made once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stages = {stage.name: stage for stage in parse()}
        self._context = list(context())
        self._built: dict[tuple[str, str], Image] = {}
        self._files: dict[str, dict[str, int]] = {}
        python = folder / "python"
        # An empty one with pip; uv only makes it, because ensurepip takes ten times as long.
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([str(uv), "venv", "--quiet", "--seed", str(python)], check=True, timeout=_STEP_SECONDS)
        self._path = f"{python}/bin:/usr/bin:/bin"

    def build(self, target: str, function: str) -> Image:
        """The stage `target` for FUNCTION=`function`; fails with the output of a step that fails."""
        image = self._build(target, function)
        image.env["SLUICE_FUNCTION"] = function
        return image

    def _build(self, target: str, function: str) -> Image:
        key = (target, self._given(target, function))
        if key not in self._built:
            stage = self._stages[target]
            root = Path(tempfile.mkdtemp(prefix=f"{target}-", dir=self._folder))
            image = self._begin(stage, root, function)
            for word, value in stage.steps:
                self._step(image, word, value, function)
            self._built[key] = image
        return self._built[key]

    def files_when_built(self, image: Image) -> dict[str, int]:
        """What `files_of` said of an image at the first call; ask before anything runs in it."""
        key = str(image.root)
        if key not in self._files:
            self._files[key] = files_of(image)
        return self._files[key]

    def _given(self, target: str, function: str) -> str:
        """What a stage depends on: the packages on a lock's text, the code on the function, the rest on nothing."""
        if target in {"packages", "dev-packages"}:
            return (ROOT / f"requirements/{function}.txt").read_text(encoding="utf-8")
        return "" if target in {"base", "installer", "web"} else function

    def _begin(self, stage: Stage, root: Path, function: str) -> Image:
        if stage.base not in self._stages:
            env = {"PATH": self._path, "HOME": str(root / "root"), "LANG": "C.UTF-8"}
            # The mirror and the cache of this machine, as a build would be given them.
            given = ("UV_", "PIP_", "SSL_", "NODE_EXTRA_", "npm_config_", "http", "HTTP", "no_proxy", "NO_PROXY")
            env |= {name: value for name, value in os.environ.items() if name.startswith(given)}
            env |= {"npm_config_userconfig": _own(".npmrc"), "npm_config_cache": _own(".npm")}
            env["UV_CACHE_DIR"] = os.environ.get("UV_CACHE_DIR", str(Path("~/.cache/uv").expanduser()))
            return Image(root, env)
        below = self._build(stage.base, function)
        _copy(below.root, root)
        moved = {name: value.replace(str(below.root), str(root)) for name, value in below.env.items()}
        return Image(root, moved, below.workdir, below.command, below.health, below.user, dict(below.other))

    def _step(self, image: Image, word: str, value: str, function: str) -> None:
        if word == "RUN":
            self._run(image, value, function)
        elif word == "COPY":
            self._copy(image, _filled(value, image.env | {"FUNCTION": function}), function)
        elif word == "ENV":
            for pair in shlex.split(value):
                name, _, text = pair.partition("=")
                image.env[name] = self._placed(image, _filled(text, image.env | {"FUNCTION": function}))
            # A copy in place of a link is right in an image and slow in a test.
            image.env.pop("UV_LINK_MODE", None)
        elif word == "WORKDIR":
            image.workdir = value
            image.path(value).mkdir(parents=True, exist_ok=True)
        elif word == "CMD":
            image.command = [self._placed(image, part) for part in json.loads(value)]
        elif word == "HEALTHCHECK":
            image.health = json.loads(value[value.index("CMD ") + 4 :])
        elif word == "USER":
            image.user = value
        elif word not in {"ARG", "LABEL", "EXPOSE", "STOPSIGNAL"}:
            raise AssertionError(f"the test does not know what {word} does")
        image.other[word] = value

    def _run(self, image: Image, value: str, function: str) -> None:
        text = self._placed(image, _MOUNT.sub("", value)).replace("65532", str(os.getuid()))
        done = subprocess.run(
            ["/bin/sh", "-ec", text],
            cwd=image.path(image.workdir),
            env={**image.env, "FUNCTION": function},
            capture_output=True,
            text=True,
            check=False,
            timeout=_STEP_SECONDS,
        )
        assert done.returncode == 0, f"RUN {value}\n{done.stdout}{done.stderr}"

    def _placed(self, image: Image, text: str) -> str:
        return _ABSOLUTE.sub(f"{image.root}/", text)

    def _copy(self, image: Image, value: str, function: str) -> None:
        source, target = value.split()[-2:]
        if found := re.match(r"--from=(\S+)", value):
            _copy(self._build(found[1], function).path(source), image.path(target))
            return
        files = [path for path in self._context if path == source or path.startswith(f"{source}/")]
        assert files, f"COPY {source}: there is no such thing in what Docker is sent"
        for path in files:
            place = image.path(target) / Path(path).relative_to(source) if path != source else image.path(target)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, place)


def _own(name: str) -> str:
    return str(Path.home() / name)


def files_of(image: Image) -> dict[str, int]:
    """Every file and folder of an image with the time of its last change, in nanoseconds."""
    return {str(path.relative_to(image.root)): path.lstat().st_mtime_ns for path in image.root.rglob("*")}


def _filled(text: str, values: dict[str, str]) -> str:
    return Template(text).safe_substitute(values)


def _copy(source: Path, target: Path) -> None:
    """Hard links: nobody writes into what was built."""
    for folder, folders, files in os.walk(source):
        place = target / Path(folder).relative_to(source)
        place.mkdir(parents=True, exist_ok=True)
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in [*files, *links]:
            (place / name).unlink(missing_ok=True)
            os.link(Path(folder) / name, place / name, follow_symlinks=False)
