"""A disk that fills up under load: an instance of its own on a small tmpfs."""

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.chaos.clients import clients, goes_on
from tests.chaos.compare import compare
from tests.chaos.plans import Step
from tests.chaos.product import product
from tests.chaos.rounds import BROKEN, Done, Report, Say

SIZE = "600m"
FULL_SECONDS = 4.0
_PIECE = 1 << 20


def disk_full_round(seed: int, say: Say) -> Report:
    """Fill the disk, wait, make room again, compare; skipped, with the reason, where no tmpfs can be mounted."""
    report = Report(seed, hits={}, done=[], wrong=[], skipped=[])
    with contextlib.ExitStack() as ends:
        try:
            mounted = ends.enter_context(small_disk())
        except (OSError, subprocess.CalledProcessError) as error:
            report.skipped.append(f"disk full: a tmpfs cannot be mounted here ({error})")
            return report
        started = time.monotonic()
        try:
            _fill_under_load(mounted, report, say)
        except BROKEN as error:
            report.wrong.append(f"disk full: {type(error).__name__}: {error}"[:2_000])
        report.seconds = time.monotonic() - started
    return report


def _fill_under_load(mounted: Path, report: Report, say: Say) -> None:
    with tempfile.TemporaryDirectory(prefix="chaos-disk-") as name, product(Path(name), mounted / "d") as small:
        projects = [small.new_project(f"chaos {report.seed} disk {place}") for place in range(2)]
        with clients(small, projects, Path(name), report.seed) as told:
            fill(mounted)
            say("  the disk is full")
            time.sleep(FULL_SECONDS)
            (mounted / "ballast").unlink()
            room = time.monotonic()
            goes_on(told)
            report.done.append(Done(Step("disk_full"), round(time.monotonic() - room, 2)))
            say(f"  the disk has room: works again after {report.done[-1].recovered_seconds:.1f} s")
        small.wait_drained()
        for of in told:
            of.settle()
            report.add(compare(small, of))


@contextlib.contextmanager
def small_disk() -> Iterator[Path]:
    if os.geteuid() != 0:
        raise PermissionError("only root may mount")
    folder = Path(tempfile.mkdtemp(prefix="sd"))
    try:
        options = ["-t", "tmpfs", "-o", f"size={SIZE},mode=755", "tmpfs", str(folder)]
        subprocess.run(["mount", *options], check=True, capture_output=True)  # noqa: S607 (the system's, wherever it is)
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)  # noqa: S607 (as above)
    finally:
        folder.rmdir()


def fill(folder: Path) -> None:
    with (folder / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while True:
            ballast.write(bytes(_PIECE))
