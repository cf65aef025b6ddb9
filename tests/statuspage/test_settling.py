"""Whatever is published, set by hand and maintained, in any order: a component is in the worst state anybody says."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from core import events
from core.errors import DomainError
from statuspage.domain.states import OPEN, ComponentState, IncidentState, worst
from statuspage.models import Component, Page
from statuspage.services import components, maintenance, publishing
from tests.statuspage.conftest import OLGA, wanted

KEYS = ("melt", "wallets")
UP = ComponentState.OPERATIONAL
keys, states = st.sampled_from(KEYS), st.sampled_from(ComponentState)
published = st.tuples(
    st.just("publish"), st.integers(0, 1), st.sampled_from(IncidentState), st.dictionaries(keys, states, max_size=2)
)
by_hand = st.tuples(st.just("hand"), keys, states)
work = st.tuples(st.just("work"), st.lists(keys, min_size=1, max_size=2, unique=True))
ended = st.tuples(st.just("end"))


class Said:
    """What everybody says, kept by the rules of the document and not by the code."""

    def __init__(self) -> None:
        self.hand: dict[str, ComponentState] = dict.fromkeys(KEYS, UP)
        self.incidents: dict[int, dict[str, ComponentState]] = defaultdict(dict)
        self.work: list[set[str]] = []

    def publish(self, number: int, state: IncidentState, named: dict[str, ComponentState]) -> None:
        over = state not in OPEN
        spoken = set(self.incidents[number]) | set(named) if over else set(named)
        self.incidents[number].update(named)
        self.hand.update(dict.fromkeys(spoken, UP))
        if over:
            self.incidents[number] = dict.fromkeys(self.incidents[number], UP)

    def state(self, key: str) -> ComponentState:
        told = [incident[key] for incident in self.incidents.values() if key in incident]
        told += [ComponentState.UNDER_MAINTENANCE for keys in self.work if key in keys]
        return worst([self.hand[key], *told])


def act(said: Said, step: tuple[Any, ...], number: int, now: datetime) -> None:
    """Do it here and there; what is refused changes nothing in either."""
    told: dict[str, Any] = {"actor": OLGA, "now": now}
    kind, *rest = step
    if kind == "publish":
        incident, state, named = rest
        texts = {"title": "x", "text": "x", "impact": "minor", "key": f"{number}"}
        publishing.publish(f"i{incident}", state=state, components=named, **texts, **told)
        said.publish(incident, state, named)
    elif kind == "hand":
        key, state = rest
        components.set_state(key, state, reason="x", **told)
        said.hand[key] = state
    elif kind == "work":
        times = {
            "zone": "UTC",
            "starts_at": f"{now:%Y-%m-%dT%H:%M}",
            "ends_at": f"{now + timedelta(days=9):%Y-%m-%dT%H:%M}",
        }
        maintenance.plan(wanted(components=rest[0], **times), **told)
        maintenance.tick(now=now)
        said.work.append(set(rest[0]))
    elif said.work:
        maintenance.complete(maintenance.Maintenance.objects.filter(ended_at=None).earliest("pk").pk, **told)
        said.work.pop(0)


@how(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=st.lists(st.one_of(published, by_hand, work, ended), max_size=12))
def test_a_component_is_as_bad_as_the_worst_that_is_said(
    page: None, now: datetime, steps: list[tuple[Any, ...]]
) -> None:
    with transaction.atomic():
        said, version, before = Said(), Page.objects.get().version, events.recent().count()
        for number, step in enumerate(steps):
            with suppress(DomainError):
                act(said, step, number, now + timedelta(minutes=number))
            for key in KEYS:
                assert Component.objects.get(key=key).state == said.state(key)
        for key in KEYS:
            rows = list(Component.objects.get(key=key).changes.values_list("at", "state"))
            assert rows[-1][1] == said.state(key)
            assert all(one[1] != two[1] and one[0] <= two[0] for one, two in pairwise(rows))
        assert Page.objects.get().version - version == events.recent().count() - before
        transaction.set_rollback(True)
