"""Steps at one instant: in which order several events of the same microsecond serve a funnel best.

With ties allowed, events of one instant may follow each other in any order, but each serves one step. How far they lead
depends on where a person stands, so they are put into one sequence of steps that leads as far from everywhere: from
step j, the events at hand can serve the steps j+1 … r(j) (a bipartite matching says how far), and r never falls.
Written one after the other from the last j to the first, the runs j+1 … r(j) take everybody exactly that far: a run
begins with a step that nobody further back can take, and after their own run later ones have nothing for them.
"""

from collections.abc import Sequence


def sequence(masks: Sequence[int], steps: int) -> list[int]:
    """The steps (as 1 << number) in an order that serves these events; a mask tells what its event can serve."""
    found: list[int] = []
    for start in reversed(range(steps)):
        found.extend(1 << step for step in range(start, _reach(masks, start, steps)))
    return found


def _reach(masks: Sequence[int], start: int, steps: int) -> int:
    """The first step from `start` on that the events cannot serve, each of them serving one."""
    server: dict[int, int] = {}
    for step in range(start, steps):
        if not _serve(step, masks, server, set()):
            return step
    return steps


def _serve(step: int, masks: Sequence[int], server: dict[int, int], tried: set[int]) -> bool:
    """Find an event for a step, moving others to further events where needed (Kuhn's augmenting path)."""
    for number, mask in enumerate(masks):
        if mask >> step & 1 and number not in tried:
            tried.add(number)
            if number not in server or _serve(server[number], masks, server, tried):
                server[number] = step
                return True
    return False
