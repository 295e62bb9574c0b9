"""Processes that end with whoever started them."""

import ctypes
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def ends_with_parent(number: signal.Signals = signal.SIGTERM) -> Callable[[], None] | None:
    """What a child is to do before its exec so that it gets this signal once its parent is gone.

    None where the system has no such thing: there a killed parent leaves its children.
    """
    if sys.platform != "linux":
        return None

    def before_exec() -> None:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)

    return before_exec
