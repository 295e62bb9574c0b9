"""The secrets docker-compose.yml asks for, made once: `python3 -m shared.local.compose_env` (standard library only).

Every name that the file refuses to start without (`${NAME:?…}`) gets a random value in `.env`, unless it has one
there already. The file keeps what else it holds and is readable by its owner only.
"""

import os
import re
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"
_REQUIRED = re.compile(r"\$\{(\w+):\?")
_ASSIGNED = re.compile(r"\s*(?:export\s+)?(\w+)\s*=\s*(.*)")
_SECRET_BYTES = 24


def required_names(compose: str) -> list[str]:
    """What a Compose file refuses to start without, sorted."""
    return sorted(set(_REQUIRED.findall(compose)))


def completed(env: str, names: list[str]) -> str:
    """`env`, the text of a .env file, with a random value for each of `names` that has none."""
    lines = env.splitlines()
    empty = {name: number for number, name, value in _assignments(lines) if not value}
    known = {name for _, name, value in _assignments(lines) if value}
    for name in names:
        if name in known:
            continue
        # Hexadecimal digits mean themselves in a URL, in a shell and to Compose.
        line = f"{name}={secrets.token_hex(_SECRET_BYTES)}"
        if name in empty:
            lines[empty[name]] = line
        else:
            lines.append(line)
    return "\n".join([*lines, ""])


def _assignments(lines: list[str]) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(lines):
        if found := _ASSIGNED.match(line):
            yield number, found[1], found[2].strip().strip("\"'")


def main(env: Path = ROOT / ".env") -> None:
    names = required_names(COMPOSE.read_text(encoding="utf-8"))
    before = env.read_text(encoding="utf-8") if env.is_file() else ""
    after = completed(before, names)
    if after == before:
        return
    fresh = env.with_name(".env.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(after)
    fresh.replace(env)
    sys.stdout.write(f"{env.name} holds the secrets of docker-compose.yml now; keep it to yourself\n")


if __name__ == "__main__":
    main()
