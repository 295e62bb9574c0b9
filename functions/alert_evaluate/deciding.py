"""From a rule's numbers to where it and its groups stand, as plain values."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from functions.alert_evaluate.numbers import MOST_GROUPS, Found
from functions.alert_evaluate.rules import Rule, span
from functions.alert_evaluate.states import (
    SILENT,
    WHOLE,
    Change,
    Judged,
    Standing,
    Standings,
    after,
    change,
    kept,
)
from functions.alert_evaluate.store import Alert, Outcome, stands_of


def known_groups(alert: Alert, rule: Rule) -> list[str]:
    """The groups that were looked after before: those that are not ok come first."""
    grouped = alert.grouped
    if rule.query.group_by is None or grouped.by != rule.query.group_by:
        return []
    return sorted(grouped.of, key=lambda name: (grouped.of[name].state == "ok", name))


def judged(rule: Rule, found: Found, before: Mapping[str, Standing], end: datetime) -> dict[str, Judged]:
    """What the numbers of a rule or of its groups come to, each by where it stood.

    No group is taken on beyond MOST_GROUPS; one that fires and was silent for long is over.
    """
    verdicts: dict[str, Judged] = {}
    room = MOST_GROUPS - len(before)
    for name, numbers in found.items():
        if name not in before:
            room -= 1
            if room < 0 and name != WHOLE:
                continue
        stood = before.get(name, Standing())
        verdict = rule.judge(numbers.values, firing=stood.state == "firing")
        silent = not numbers.seen and end - (stood.seen or end) > SILENT
        verdicts[name] = Judged(verdict.holds and not silent, verdict.value, seen=numbers.seen)
    return verdicts


def unknown(alert: Alert, why: Judged, end: datetime) -> Outcome:
    """Nobody knows what a rule comes to: it and its groups stay where they stand."""
    standing = after(alert.standing, why, alert.id, end, span("0m"))
    step = change(alert.standing, standing, alert.id, end)
    by = alert.grouped.by
    standings = {WHOLE: standing} if by is None else alert.grouped.of
    return Outcome(alert, standings, by, standing, [step] if step else [], end)


def outcome(
    alert: Alert, rule: Rule, found: Found, end: datetime, past: tuple[Standing, list[Change]] | None = None
) -> Outcome:
    """Where a rule and its groups stand after a window.

    `past`: where it stood by the windows before, once they were judged again, and the steps that nobody knew of then.
    """
    by, steps = rule.query.group_by, list[Change]()
    before: Standings = alert.standings
    if past is not None:
        before, steps = {WHOLE: past[0]}, list(past[1])
    if alert.grouped.by != by:
        steps += _ended(alert, rule, end)
        before = {}
    now: Standings = {}
    for name, one in judged(rule, found, before, end).items():
        stood = before.get(name, Standing())
        now[name] = after(stood, one, alert.id, end, span(rule.hold), group=name)
        step = change(stood, now[name], alert.id, end, group=name)
        steps += [step] if step else []
    if by is not None:
        now = kept(now, (name for name, numbers in found.items() if numbers.top))
        steps += _known_again(alert, stands_of(by, now), end)
    return Outcome(alert, now, by, stands_of(by, now), steps, end)


def replayed(alert: Alert, rule: Rule, windows: Mapping[datetime, Found]) -> tuple[Standing, list[Change]] | None:
    """A rule that was ok, judged again for windows in a row: where it stands then, and the steps to be told of.

    None where it comes to the same as before: nobody is to be told of anything.
    """
    standing, steps = Standing(), list[Change]()
    for end, found in sorted(windows.items()):
        [one] = judged(rule, found, {WHOLE: standing}, end).values()
        now = after(standing, one, alert.id, end, span(rule.hold))
        step = change(standing, now, alert.id, end, late=True)
        steps += [step] if step and step.told else []
        standing = now
    if not steps:
        return None
    return (standing if standing.state == "firing" else alert.standing), steps


def _ended(alert: Alert, rule: Rule, end: datetime) -> list[Change]:
    """The steps of groups that are none any more, since the rule has others now."""
    steps = []
    for name, stood in alert.standings.items():
        over = after(stood, Judged(holds=False), alert.id, end, span(rule.hold), group=name)
        step = change(stood, over, alert.id, end, group=name)
        steps += [step] if step and step.told else []
    return steps


def _known_again(alert: Alert, stands: Standing, end: datetime) -> list[Change]:
    """The step of a rule with groups of which nobody knew anything, and now somebody does; nobody is told of it."""
    if not alert.problem_code:
        return []
    step = change(alert.standing, stands, alert.id, end)
    return [msgspec.structs.replace(step, told=False)] if step else []
