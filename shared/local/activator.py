"""The functions of the profile `split`, each in a process of its own: `python -m shared.local.activator`.

It stands where the process `work` stands otherwise, so that the edge, the emulated sources, triggers and timers reach
the functions as before. What runs at the moment stands in `$SLUICE_DATA/functions.json`, rewritten at every change.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from shared.config import load
from shared.local.host import Host
from shared.local.ports import FUNCTIONS, LocalSettings
from shared.local.scaling import Runner
from shared.serve import serve
from shared.wiring import Wiring, load_wiring


def runners(wiring: Wiring, data: Path, idle: float) -> Mapping[str, Runner]:
    """One for each function behind the edge, by service name."""
    logs = data / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    found: dict[str, Runner] = {}

    def write() -> None:
        _write(data / FUNCTIONS, found)

    found.update((row.service, Runner(row, logs, idle, write)) for row in wiring.hosted_by("work"))
    write()
    return found


def _write(path: Path, known: Mapping[str, Runner]) -> None:
    facts = {
        name: {"pid": one.pid, "starts": one.starts, "start_ms": round(one.start_ms, 1)} for name, one in known.items()
    }
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(facts, indent=1))
    fresh.replace(path)


def main() -> None:
    settings = load(LocalSettings)
    wiring = load_wiring()
    serve(
        Host(wiring, "work", services=runners(wiring, settings.data, settings.idle)),
        host="127.0.0.1",
        port=settings.port_of("work"),
        log_level=settings.log_level,
        process="activator",
    )


if __name__ == "__main__":
    main()
