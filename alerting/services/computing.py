"""What a rule's expression is: computed here over what is kept, or by the Prometheus that has the data."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerting.domain import state, templates
from alerting.domain.definition import Definition
from alerting.domain.states import Health
from alerting.models import AlertRule
from core.errors import DomainError, Invalid
from monitoring import selectors as monitoring
from monitoring.adapters.ports import Prometheus, Track, Unreachable
from monitoring.domain.promql import Element, Query, evaluate, parse, presence
from monitoring.domain.windows import horizon
from monitoring.services import promql, servers

log = logging.getLogger(__name__)
HIDDEN = ("__name__", "source")
PATIENCE = timedelta(seconds=10)  # for all rules of one server: evaluations are 15 s apart

Elements = Iterable[tuple[Mapping[str, str], float]]


@dataclass(frozen=True, slots=True)
class Result:
    """What a rule's expression is now. `alive` are the labels of the series it reads that have data."""

    vector: Mapping[str, float] = field(default_factory=dict)  # by fingerprint
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    alive: Sequence[Mapping[str, str]] = ()
    error: str = ""

    @property
    def health(self) -> Health:
        if self.error:
            return Health.ERROR
        return Health.OK if self.alive or self.vector else Health.NO_DATA

    def tells(self, labels: Mapping[str, str]) -> bool:
        """Some series with data could belong to an alert with these labels: its absence then means that it is over."""
        return any(all(labels.get(name, value) == value for name, value in series.items()) for series in self.alive)


def compute(environment_id: int, rules: Sequence[AlertRule], *, at: int) -> dict[int, Result]:
    """What each rule's expression is at unix second `at`, over what is kept; three queries for all of them."""
    queries: dict[int, Query] = {}
    found: dict[int, Result] = {}
    for rule in rules:
        try:
            queries[rule.pk] = parse(rule.expr)
        except DomainError as error:
            found[rule.pk] = Result(error=str(error))
    storage = promql.stored(environment_id, list(queries.values()), start=at, end=at)
    for rule in rules:
        if rule.pk in queries:
            found[rule.pk] = _computed(rule, queries[rule.pk], storage, at)
    return found


def ask(
    source: str,
    environment: str,
    rules: Sequence[AlertRule],
    known: Mapping[int, Iterable[str]],
    *,
    at: int,
    clock: Callable[[], datetime],
) -> dict[int, Result]:
    """What each rule's expression is at unix second `at`, by the Prometheus of this key. No transaction may be open.

    A server that cannot be reached is not asked for the other rules, too, and after 10 s in all no more is asked.

    Args:
        known: by rule, the names of the labels of its open alerts, which must be told apart.
    """
    try:
        server = servers.prometheus(monitoring.source(source, environment))
    except DomainError as error:
        return {rule.pk: Result(error=str(error)) for rule in rules}
    found: dict[int, Result] = {}
    end, trouble = clock() + PATIENCE, ""
    for rule in rules:
        if not trouble and clock() > end:
            trouble = f"{source} needed {PATIENCE.seconds} s for the rules before this one: it was not asked."
        if trouble:
            found[rule.pk] = Result(error=trouble)
            continue
        try:
            found[rule.pk] = _asked(server, rule, known.get(rule.pk, ()), at)
        except Unreachable as error:
            trouble = str(error)
            found[rule.pk] = Result(error=trouble)
        except DomainError as error:
            found[rule.pk] = Result(error=str(error))
    return found


def instant(environment: str, definition: Definition, *, now: datetime) -> list[Element]:
    """The elements of the rule's expression now. Raises Invalid, NotFound, and Unavailable for a server's failure."""
    if not definition.source:
        return promql.instant(environment, definition.expr, at=horizon(now.timestamp()))
    server = servers.prometheus(monitoring.source(definition.source, environment))
    return [Element(dict(one.labels), one.value) for one in server.query(definition.expr, at=now.timestamp())]


def over(
    environment: str, definition: Definition, *, start: float, end: float, step: int
) -> Sequence[promql.Drawn | Track]:
    """The same at `start` and every `step` seconds up to `end`, in unix seconds; `end` is not later than now."""
    if not definition.source:
        return promql.over(environment, definition.expr, start=start, end=end, step=step, now=end)
    server = servers.prometheus(monitoring.source(definition.source, environment))
    return server.over(definition.expr, start=start, end=end, step=step)


def _computed(rule: AlertRule, query: Query, storage: promql.StoredSeries, at: int) -> Result:
    try:
        value = evaluate(query, storage, at, lookback=promql.LOOKBACK)
        elements = [(one.labels, one.value) for one in promql.elements(value)]
        if isinstance(value, float) and not value:  # as Prometheus has it for comparisons of numbers
            elements = []
        return _result(rule, elements, storage.alive(query.names, at))
    except DomainError as error:
        return Result(error=str(error))
    except Exception as error:
        log.exception("alert rule %s", rule.pk)
        return Result(error=f"It cannot be computed: {type(error).__name__}.")


def _asked(server: Prometheus, rule: AlertRule, known: Iterable[str], at: int) -> Result:
    samples = server.query(rule.expr, at=at)
    elements = [(sample.labels, sample.value) for sample in samples]
    names = {*known, *(name for labels, _ in elements for name in labels)} - _overwritten(rule)
    there = presence(rule.expr, names)
    alive = [sample.labels for sample in server.query(there, at=at)] if there else [{}]
    return _result(rule, elements, alive)


def _result(rule: AlertRule, elements: Elements, alive: Sequence[Mapping[str, str]]) -> Result:
    """Raises Invalid for alerts with the same labels, and for texts that cannot be filled in."""
    annotations_of(rule, {}, 0.0)  # that they can be
    vector: dict[str, float] = {}
    labels: dict[str, Mapping[str, str]] = {}
    for element, number in elements:
        named = labels_of(rule, element, number)
        key = state.fingerprint(named)
        if key in vector:
            raise Invalid(f"Two of its alerts have the same labels, {named}: leave those that differ as they are.")
        if number == number:  # NaN says nothing
            vector[key], labels[key] = number, named
    own = _overwritten(rule)
    return Result(vector, labels, [{name: one[name] for name in one if name not in own} for one in alive])


def _overwritten(rule: AlertRule) -> set[str]:
    """The labels that an alert has from its rule, whatever those of the series are."""
    return {"alertname", "severity", *rule.labels}


def labels_of(rule: AlertRule, element: Mapping[str, str], value: float) -> dict[str, str]:
    """The labels of an alert: those of the element, those of the rule filled in, its name and severity."""
    own = {name: text for name, text in element.items() if name not in HIDDEN}
    filled = {name: templates.fill(text, own, value) for name, text in rule.labels.items()}
    return {**own, **filled, "alertname": rule.name, "severity": rule.severity}


def annotations_of(rule: AlertRule, labels: Mapping[str, str], value: float | None) -> dict[str, str]:
    """The texts of an alert, filled in."""
    texts = {**rule.annotations, **({"runbook_url": rule.runbook_url} if rule.runbook_url else {})}
    return {name: templates.fill(text, labels, value) for name, text in texts.items()}
