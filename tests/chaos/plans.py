"""What a round does, as a pure function of its seed: the same seed does the same things in the same order."""

import itertools
import random
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

Kind = Literal[
    "load", "rollup", "sessions", "export", "erasure", "access", "migration", "backup", "restore", "retention", "replay"
]

# Every place of shared/failpoints.py: the part that reaches it, and what makes it do so. Those that take long are
# spread: a round gets neighbours.
POINTS: Mapping[str, tuple[str, Kind]] = {
    "ingest.before_publish": ("edge", "load"),
    "erasure.after_noted": ("work", "erasure"),
    "erasure.after_published": ("work", "erasure"),
    "batch_write.before_insert": ("work", "load"),
    "ingest.after_publish": ("edge", "load"),
    "export.after_part": ("work", "export"),
    "retention.after_noted": ("work", "retention"),
    "replay.after_taken": ("work", "replay"),
    "rollup.after_version": ("work", "rollup"),
    "batch_write.after_insert": ("work", "load"),
    "erasure.after_checkpoint": ("work", "erasure"),
    "migrate.after_statement": ("migrate", "migration"),
    "batch_write.after_ledger": ("work", "load"),
    "export.before_manifest": ("work", "export"),
    "retention.after_counted": ("work", "retention"),
    "erasure.after_copies": ("work", "erasure"),
    "rollup.after_counts": ("work", "rollup"),
    "batch_write.before_answer": ("work", "load"),
    "erasure.after_delete": ("work", "erasure"),
    "migrate.before_record": ("migrate", "migration"),
    "sessions.after_version": ("work", "sessions"),
    "erasure.after_rewrite": ("work", "erasure"),
    "source.before_ack": ("sources", "load"),
    "export.after_manifest": ("work", "export"),
    "retention.after_parts": ("work", "retention"),
    "replay.after_marked": ("work", "replay"),
    "rollup.after_header": ("work", "rollup"),
    "access_request.before_archive": ("work", "access"),
    "access_request.after_archive": ("work", "access"),
    "sessions.after_runs": ("work", "sessions"),
    "migrate.after_record": ("migrate", "migration"),
    "erasure.after_ledger": ("work", "erasure"),
    "backup.after_catalog": ("backup", "backup"),
    "restore.after_unit": ("restore", "restore"),
    "rollup.after_forget": ("work", "rollup"),
    "retention.after_delete": ("work", "retention"),
    "backup.after_unit": ("backup", "backup"),
    "restore.after_warehouse": ("restore", "restore"),
    "erasure.before_certificate": ("work", "erasure"),
    "sessions.after_header": ("work", "sessions"),
    "migrate.catalog_before_commit": ("migrate", "migration"),
    "retention.after_ledger": ("work", "retention"),
    "backup.before_manifest": ("backup", "backup"),
    "restore.before_catalog": ("restore", "restore"),
    "backup.after_manifest": ("backup", "backup"),
    "restore.after_catalog": ("restore", "restore"),
}
FAULTS = (
    "kill",
    "pause:valkey",
    "cache_wiped",
    "redelivery_storm",
    "clock_forwards",
    "pause:warehouse",
    "retry_storm",
    "kill",
    "pause:postgres",
    "clock_backwards",
)
PARTS = ("edge", "work", "sources", "warehouse", "valkey", "postgres")
A_ROUND_OF_POINTS = 3
A_ROUND_OF_FAULTS = 2
DISK_FULL_EVERY = 10
# So many rounds in a row reach every place.
ROUNDS_FOR_ALL = -(-len(POINTS) // A_ROUND_OF_POINTS)


class Step(msgspec.Struct, frozen=True):
    """One thing done to the system: a failpoint or a fault, `victim` the part that is killed or frozen.

    At a failpoint the part itself is killed there, or it is frozen there while the victim is killed. `amount` is
    seconds to wait or to move the clock by.
    """

    what: str
    victim: str = ""
    amount: float = 0.0


class Round(msgspec.Struct, frozen=True):
    """The steps under load, in order, and after it the places that jobs and migrations reach."""

    seed: int
    steps: Sequence[Step]
    after: Mapping[str, Sequence[str]]
    disk_full: bool

    @property
    def points(self) -> list[str]:
        under_load = [step.what for step in self.steps if step.what in POINTS]
        return [*under_load, *itertools.chain.from_iterable(self.after.values())]


def plan_round(seed: int) -> Round:
    """The round of a seed; ROUNDS_FOR_ALL seeds in a row reach every place and meet every fault."""
    dice = random.Random(seed)
    chosen = _window(list(POINTS), seed * A_ROUND_OF_POINTS, A_ROUND_OF_POINTS)
    steps = [_at_point(name, dice) for name in chosen if POINTS[name][1] == "load"]
    steps += [_fault(name, dice) for name in _window(list(FAULTS), seed * A_ROUND_OF_FAULTS, A_ROUND_OF_FAULTS)]
    dice.shuffle(steps)
    after: dict[str, list[str]] = {}
    for name in chosen:
        if POINTS[name][1] != "load":
            after.setdefault(POINTS[name][1], []).append(name)
    # Who was erased is refused from then on, also by what another kind sends afterwards.
    after = dict(sorted(after.items(), key=lambda kind: kind[0] == "erasure"))
    return Round(seed, steps, after, disk_full=seed % DISK_FULL_EVERY == DISK_FULL_EVERY // 2)


def _window(names: Sequence[str], start: int, length: int) -> list[str]:
    return [names[(start + place) % len(names)] for place in range(length)]


def _at_point(name: str, dice: random.Random) -> Step:
    own = POINTS[name][0]
    others = [part for part in PARTS if part != own]
    return Step(name, dice.choice([own, own, dice.choice(others)]))


def _fault(name: str, dice: random.Random) -> Step:
    if name == "kill":
        return Step("kill", dice.choice(PARTS), dice.uniform(0, 1))
    if name.startswith("pause:"):
        return Step("pause", name.removeprefix("pause:"), dice.uniform(1, 4))
    if name.startswith("clock_"):
        ahead = dice.uniform(60, 7_200)
        return Step("clock", amount=ahead if name == "clock_forwards" else -ahead)
    return Step(name)
