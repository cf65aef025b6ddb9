"""Recommendations are rules as data: a condition on one measure, and what is then to be done, how soon and by whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.errors import Invalid
from reports.domain.measures import MEASURES, Measured
from reports.domain.sentences import Direction, amount

FOLLOW_UP = "actions"  # in place of a measure: what earlier reports asked for


class When(StrEnum):
    ABOVE = "above"  # the limit
    BELOW = "below"  # the limit
    WORSE = "worse"  # clearly, than in the time it is held against
    BETTER = "better"
    CHANGED = "changed"  # for good, within the time
    MISSING = "missing"  # not measured
    OVERDUE = "overdue"  # of what earlier reports asked for


class Urgency(StrEnum):
    NOW = "now"
    WEEK = "this week"
    WATCH = "watch"


class Against(StrEnum):
    BEFORE = "before"
    BASELINE = "baseline"


@dataclass(frozen=True, slots=True)
class Rule:
    """`owner` is an account or a role; empty: no action comes of it. It is due `days` after the end of the period.

    `link` is the page where one goes on: one of LINKS. `samples`: a limit is held against a figure of that many.
    """

    key: str
    measure: str
    when: When
    text: str
    urgency: Urgency = Urgency.WEEK
    limit: float | None = None
    against: Against = Against.BEFORE
    samples: int = 1
    link: str = ""
    owner: str = ""
    days: int = 7

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Rule:
        """Of plain values, as a playbook has them. Raises Invalid (field `recommendations`)."""
        kinds: dict[str, Callable[[Any], Any]] = {"when": When, "urgency": Urgency, "against": Against}
        try:
            told: dict[str, Any] = {name: kinds.get(name, _as_it_is)(value) for name, value in stored.items()}
            rule = cls(**told)
        except (TypeError, ValueError) as error:
            raise Invalid(f"A recommendation cannot be read: {error}.", field="recommendations") from None
        rule._check()
        return rule

    def _check(self) -> None:
        def refuse(why: str) -> Invalid:
            return Invalid(f"Recommendation {self.key!r} {why}", field="recommendations")

        if (self.measure == FOLLOW_UP) != (self.when is When.OVERDUE):
            raise refuse(f"may be 'overdue' for the measure {FOLLOW_UP!r}, and for no other.")
        if self.measure != FOLLOW_UP and self.measure not in MEASURES:
            raise refuse(f"names no measure there is: {self.measure!r}. There are {', '.join(MEASURES)}.")
        if (self.limit is None) is (self.when in (When.ABOVE, When.BELOW)):
            raise refuse("needs a limit for above and below, and has none for anything else.")
        if self.link and self.link not in LINKS:
            raise refuse(f"links to no page there is: {self.link!r}. There are {', '.join(LINKS)}.")

    def as_dict(self) -> dict[str, Any]:
        """As it is stored, whole."""
        told = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value.value if isinstance(value, StrEnum) else value for name, value in told.items()}


LINKS = {  # name: the page of the admin
    "errors": "admin:monitoring_errorepisode_changelist",
    "explorer": "admin:monitoring_explore",
    "triggers": "admin:monitoring_trigger_changelist",
    "complaints": "admin:monitoring_complaint_changelist",
    "sources": "admin:monitoring_source_changelist",
    "flags": "admin:flags_flagstate_changelist",
    "ramps": "admin:rollouts_ramp_changelist",
    "rollbacks": "admin:rollbacks_rollback_changelist",
    "incidents": "admin:incidents_incident_changelist",
    "migrations": "admin:migrations_app_migrationrun_changelist",
    "risk": "admin:risk_score_changelist",
    "reports": "admin:reports_report_changelist",
}


def recommendations(
    rules: Iterable[Rule],
    measured: Sequence[Measured],
    trends: Mapping[str, Mapping[str, Any]],
    changed: Mapping[str, str],
    follow_up: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """What the rules make of the figures, the urgent first; each with the figures that led to it.

    Args:
        trends: by the name of what was measured, as the report has them.
        changed: the sentence of a change within the time, by the name of what changed.
        follow_up: what earlier reports asked for, with its `state`.
    """
    found = []
    for rule in rules:
        if rule.measure == FOLLOW_UP:
            late = [str(item["title"]) for item in follow_up if item["state"] == "overdue"]
            if late:
                found.append(_told(rule, rule.key, late))
            continue
        for one in measured:
            if one.measure.key == rule.measure:
                why = _holds(rule, one, trends[one.name], changed)
                if why:
                    found.append(
                        _told(
                            rule,
                            f"{rule.key}:{one.of}" if one.of else rule.key,
                            [why if rule.when is When.CHANGED else f"{one.label}: {why}"],
                        )
                    )
    order = list(Urgency)
    return sorted(found, key=lambda each: order.index(each["urgency"]))


def _as_it_is(value: Any) -> Any:
    return value


def _told(rule: Rule, key: str, figures: list[str]) -> dict[str, Any]:
    told = {name: getattr(rule, name) for name in ("text", "urgency", "link", "owner", "days")}
    return {"key": key, **told, "figures": figures}


def _holds(rule: Rule, one: Measured, trends: Mapping[str, Any], changed: Mapping[str, str]) -> str:
    """The figures that make the rule hold; empty when it does not."""
    now = one.over(one.now)
    if rule.when is When.MISSING:
        return (one.why or "nothing was measured") if now is None else ""
    if rule.when is When.CHANGED:
        return changed.get(one.name, "")
    if now is None:
        return ""
    if rule.limit is not None:
        beyond = now.value > rule.limit if rule.when is When.ABOVE else now.value < rule.limit
        unit = one.measure.suffix
        limit = f"the limit is {amount(rule.limit, unit)}; n = {now.n:,.0f}"
        return f"{amount(now.value, unit)}, and {limit}" if beyond and now.n >= rule.samples else ""
    trend = trends[rule.against]
    wanted = Direction.WORSE if rule.when is When.WORSE else Direction.BETTER
    return f"{amount(now.value, one.measure.suffix)}. {trend['sentence']}" if trend["direction"] == wanted else ""
