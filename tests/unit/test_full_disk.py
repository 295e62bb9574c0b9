"""What a full disk must not stop: answers whose line is not logged, and parts that are to be started again."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.local import supervisor
from shared.local.parts import Part, RuntimeSettings
from shared.local.supervisor import Child, State

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full is Linux's")  # noqa: PTH110 (a device)
def test_a_line_that_the_disk_does_not_take_is_left_out_and_the_work_goes_on() -> None:
    code = (
        "from shared.telemetry import configure_logging\n"
        "import structlog, sys\n"
        "configure_logging('f')\n"
        "structlog.get_logger().warning('lost')\n"
        "sys.stderr.write('went on')\n"
    )
    with open("/dev/full", "wb") as full:  # noqa: PTH123 (a device)
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, env=environ, check=False
        )
    assert b"went on" in done.stderr


class FullDisk(State):
    """Takes what is written only while there is room."""

    room = True

    def write(self, **facts: object) -> None:
        if not self.room:
            raise OSError(28, "No space left on device")
        super().write(**facts)


async def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_a_part_that_ends_on_a_full_disk_is_started_and_noted_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_AGAIN_SECONDS", 0.02)
    monkeypatch.setattr(supervisor, "_BACKOFF_SECONDS", (0.02,))

    async def ready() -> bool:
        return True

    argv = [sys.executable, "-c", "import time; time.sleep(60)"]
    state = FullDisk(tmp_path / "runtime.json", RuntimeSettings(data=tmp_path))
    child = Child(Part("sleeper", "function", argv, dict(os.environ), ready), tmp_path, state)
    await child.start()
    first = state.parts["sleeper"]
    state.room = False
    try:
        os.kill(first, 9)
        await eventually(lambda: state.parts["sleeper"] != first)
        second = state.parts["sleeper"]
        await asyncio.sleep(0.2)
        assert state.parts["sleeper"] == second  # it runs: nobody starts another because it cannot be noted
        state.room = True
        await eventually(lambda: f'"sleeper": {second}' in (tmp_path / "runtime.json").read_text())
    finally:
        state.room = True
        await child.stop()
