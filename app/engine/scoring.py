"""Findings and a scorecard give a score and flags: pure arithmetic.

Promises that the same findings always give the same score, that every line of the scorecard names
what it stands on, and that a line which does not apply to a call costs the call nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from app.domain import Criterion, Evidence, Flag, Score, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from app.domain import Finding

Label = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]*$", max_length=60)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_URGENCY = {Severity.ALERT: 0, Severity.WARNING: 1, Severity.NOTICE: 2}


class CriterionRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a scorecard; labels are those of findings.

    It applies when any of `applies_when` was found (always, when empty). Any of `failed_by` fails
    it; else any of `met_by` meets it (with `met_by` empty, nothing wrong is enough). Only what
    starts within `within_seconds` of the call's start counts, and with `after_trigger` only what
    comes after the first sign of `applies_when`.
    """

    label: Label
    title: str
    weight: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 1.0
    met_by: tuple[Label, ...] = ()
    failed_by: tuple[Label, ...] = ()
    applies_when: tuple[Label, ...] = ()
    within_seconds: Annotated[float, msgspec.Meta(gt=0)] | None = None
    after_trigger: bool = False


class FlagRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a person should look: any finding of `when` that is at least `at_least` sure, or any
    failed criterion of `when_failed`; never while a finding of `unless` stands."""

    label: Label
    title: str
    severity: Severity
    when: tuple[Label, ...] = ()
    when_failed: tuple[Label, ...] = ()
    unless: tuple[Label, ...] = ()
    at_least: Share = 0.0


class Scorecard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The client's criteria and the rules for flags."""

    label: Label
    title: str
    criteria: tuple[CriterionRule, ...] = ()
    flags: tuple[FlagRule, ...] = ()


def score(
    scorecard: Scorecard, findings: Sequence[Finding], *, roles_known: bool = True
) -> tuple[Score, tuple[Flag, ...]]:
    """Return the score of a call and its flags, most severe first.

    Where it is not known who speaks, a criterion that a finding would fail stays undecided: the
    customer may have said it.
    """
    shown = _shown(findings)
    criteria = tuple(_judged(rule, shown, roles_known) for rule in scorecard.criteria)
    flags = [flag for rule in scorecard.flags if (flag := _flag(rule, findings, criteria))]
    result = Score(scorecard=scorecard.label, value=_value(criteria), criteria=criteria)
    return result, tuple(sorted(flags, key=_rank))


def _shown(findings: Iterable[Finding]) -> dict[str, tuple[Evidence, ...]]:
    shown: dict[str, tuple[Evidence, ...]] = {}
    for finding in findings:
        shown[finding.label] = (*shown.get(finding.label, ()), *finding.evidence)
    return shown


def _judged(
    rule: CriterionRule, shown: Mapping[str, tuple[Evidence, ...]], roles_known: bool
) -> Criterion:
    met, evidence = _decision(rule, shown, roles_known)
    return Criterion(
        label=rule.label, title=rule.title, weight=rule.weight, met=met, evidence=evidence
    )


def _decision(
    rule: CriterionRule, shown: Mapping[str, tuple[Evidence, ...]], roles_known: bool
) -> tuple[bool | None, tuple[Evidence, ...]]:
    triggers = _of(rule.applies_when, shown)
    if rule.applies_when and not triggers:
        return None, ()
    if failing := _of(rule.failed_by, shown):
        return (False if roles_known else None), failing
    if not rule.met_by:
        return True, ()
    meeting = tuple(e for e in _of(rule.met_by, shown) if _counts(e, rule, triggers))
    return (True, meeting) if meeting else (False, triggers)


def _counts(evidence: Evidence, rule: CriterionRule, triggers: tuple[Evidence, ...]) -> bool:
    if rule.within_seconds is not None and evidence.start_ms >= rule.within_seconds * 1000:
        return False
    return not (rule.after_trigger and triggers) or _place(evidence) > _place(triggers[0])


def _value(criteria: Iterable[Criterion]) -> float | None:
    applied = [criterion for criterion in criteria if criterion.met is not None]
    total = sum(criterion.weight for criterion in applied)
    if not applied:
        return None
    return round(100 * sum(criterion.weight for criterion in applied if criterion.met) / total, 1)


def _flag(
    rule: FlagRule, findings: Sequence[Finding], criteria: Iterable[Criterion]
) -> Flag | None:
    if any(finding.label in rule.unless for finding in findings):
        return None
    raised = [f for f in findings if f.label in rule.when and f.confidence >= rule.at_least]
    failed = [c for c in criteria if c.label in rule.when_failed and c.met is False]
    if not raised and not failed:
        return None
    shown = [*(f.evidence for f in raised), *(c.evidence for c in failed)]
    evidence = _ordered(e for part in shown for e in part)
    return Flag(label=rule.label, title=rule.title, severity=rule.severity, evidence=evidence)


def _of(labels: Iterable[str], shown: Mapping[str, tuple[Evidence, ...]]) -> tuple[Evidence, ...]:
    return _ordered(e for label in labels for e in shown.get(label, ()))


def _ordered(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    return tuple(sorted(set(evidence), key=_place))


def _place(evidence: Evidence) -> tuple[int, int, int]:
    return evidence.turn, evidence.start, evidence.end


def _rank(flag: Flag) -> tuple[int, tuple[int, int, int], str]:
    first = _place(flag.evidence[0]) if flag.evidence else (0, 0, 0)
    return _URGENCY[flag.severity], first, flag.label
