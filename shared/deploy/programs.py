"""The programs of other makers that a deployment runs: helm, kubectl, docker, kind, k3d."""

import shutil
import subprocess
import sys
from collections.abc import Sequence


class DeployError(Exception):
    """A deployment cannot go on; the message says why and what to do."""


def run(*argv: str, given: str = "", quiet: bool = False) -> None:
    """Run a command and show what it says; raises DeployError where it fails or is not there.

    `given` goes to its standard input, where secrets belong: arguments can be seen by every user of a machine.
    """
    _run(argv, given, show=not quiet, capture=False)


def ask(*argv: str) -> str | None:
    """What a command answers; None where it ends with an error, such as for a thing that does not exist."""
    done = _run(argv, "", show=False, capture=True)
    return done.stdout if done.returncode == 0 else None


def _run(argv: Sequence[str], given: str, *, show: bool, capture: bool) -> subprocess.CompletedProcess[str]:
    if shutil.which(argv[0]) is None:
        raise DeployError(f"{argv[0]} is not installed; docs/kubernetes.md says what a deployment needs")
    if show:
        sys.stdout.write(f"$ {' '.join(argv)}\n")
        sys.stdout.flush()
    done = subprocess.run(argv, input=given or None, text=True, capture_output=capture, check=False)
    if done.returncode and not capture:
        raise DeployError(f"`{' '.join(argv[:3])} …` ended with {done.returncode}; what it said stands above")
    return done
