"""An uploaded list: one id a line, and every line that is none reported with its number."""

from collections.abc import Sequence
from typing import NamedTuple

from functions.segment.asked import BadLine
from shared.query.segment_rules import refused

MOST_BYTES = 8 * 1024 * 1024
MOST_IDS = 100_000
MOST_CHARACTERS = 512
_REPORTED = 100


class Uploaded(NamedTuple):
    """The ids, each once, in the order they came; how many lines were repeats or none, and the first that were none."""

    ids: Sequence[str]
    repeated: int
    bad: int
    lines: Sequence[BadLine]


def read_list(body: bytes, *, skip: bool) -> Uploaded:
    """The ids of an upload; empty lines are nothing.

    Refuses lines that are no ids unless they are to be skipped, none at all, and too many (`bad_segment`).
    """
    found: dict[str, None] = {}
    bad: list[BadLine] = []
    repeated = 0
    for number, line in enumerate(body.removeprefix(b"\xef\xbb\xbf").splitlines(), start=1):
        text, reason = _read(line)
        if reason:
            bad.append(BadLine(number, reason))
        elif text in found:
            repeated += 1
        elif text:
            found[text] = None
    if bad and not skip:
        shown = "; ".join(f"line {one.line}: {one.reason}" for one in bad[:_REPORTED])
        more = f" and {len(bad) - _REPORTED} more" if len(bad) > _REPORTED else ""
        raise refused(f"{len(bad)} lines are no ids: {shown}{more}. Mend them, or upload with on_error=skip")
    if not found:
        raise refused("the list has no id: send one id a line")
    if len(found) > MOST_IDS:
        raise refused(f"the list has {len(found):,} ids, at most {MOST_IDS:,}: make several segments and join them")
    return Uploaded(list(found), repeated, len(bad), bad[:_REPORTED])


def _read(line: bytes) -> tuple[str, str]:
    """The id in a line, or why there is none; two empty texts for an empty line."""
    try:
        text = line.decode().strip()
    except UnicodeDecodeError:
        return "", "it is no UTF-8 text"
    if len(text) > MOST_CHARACTERS:
        return "", f"it has {len(text)} characters, at most {MOST_CHARACTERS}"
    if not text.isprintable():
        return "", "it has characters that cannot be seen"
    return text, ""
