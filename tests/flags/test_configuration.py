"""What is read of an environment after a change: only that, and never less."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from core.actors import Actor
from core.environments import get
from flags import selectors
from flags.domain.change import StateChange
from flags.domain.configuration import EnvironmentConfig
from flags.domain.definition import DefinitionChange
from flags.models import AllowedUser, Configuration, FlagState
from flags.services import archiving, definition, emergency, lists, locking, rollout, segments
from flags.services.targeting import set_targeting
from tests.racing import at_once

HERE = "production"
IN_BETA = {"rules": [{"name": "beta", "when": [{"segment": "beta"}]}]}
BETA = [{"attribute": "plan", "op": "equals", "values": ["beta"]}]


@pytest.fixture
def who(operator_actor: Actor, now: datetime) -> dict[str, Any]:
    return {"actor": operator_actor, "reason": "tests", "now": now}


@pytest.fixture
def three(all_environments: None, who: dict[str, Any]) -> None:
    for key in ("a", "b", "other"):
        definition.create(key, DefinitionChange(name=key), **who)
    lists.edit_allow_list("other", HERE, add=["npub1"], **who)


def read(known: EnvironmentConfig | None = None) -> EnvironmentConfig:
    mark = {HERE: selectors.configuration_marks()[HERE]}
    return selectors.configurations(mark, {HERE: known} if known else None)[HERE]


def forget_to_stamp(who: dict[str, Any]) -> None:
    """A command that raises the versions and does not say so in the state."""
    before = selectors.state("a", HERE).configuration
    rollout.change("a", HERE, StateChange(enabled=True, percentage=7), **who)
    FlagState.objects.filter(flag__key="a", environment__key=HERE).update(configuration=before)


CHANGES: list[Callable[[dict[str, Any]], object]] = [
    lambda who: rollout.change("a", HERE, StateChange(enabled=True, percentage=25, parameters={"n": 1}), **who),
    lambda who: lists.edit_allow_list("a", HERE, add=["npub1", "npub2"], **who),
    lambda who: lists.edit_deny_list("a", HERE, add=["npub3"], **who),
    lambda who: lists.edit_allow_list("a", HERE, remove=["npub1"], **who),
    lambda who: segments.define("beta", HERE, name="Beta", conditions=BETA, **who),
    lambda who: set_targeting("a", HERE, IN_BETA, **who),
    lambda who: segments.define("beta", HERE, name="Beta", conditions=[{**BETA[0], "values": ["gold"]}], **who),
    lambda who: definition.change("b", DefinitionChange(group="shared"), **who),
    lambda who: definition.create("0-new", DefinitionChange(name="new"), **who),
    lambda who: archiving.archive("b", force=True, **who),
    lambda who: archiving.restore("b", **who),
    lambda who: emergency.emergency_disable("a", HERE, **who),
    lambda who: rollout.change("a", "staging", StateChange(enabled=True), **who),
    forget_to_stamp,
    lambda who: (archiving.archive("b", force=True, **who), definition.create("c", DefinitionChange(name="c"), **who)),
    lambda who: AllowedUser.objects.all().delete() and lists.edit_allow_list("a", HERE, add=["x"], **who),
]


@pytest.mark.django_db
@pytest.mark.usefixtures("three")
def test_what_is_read_after_any_change_is_what_is_read_from_nothing(who: dict[str, Any]) -> None:
    held = read()
    other = next(flag for flag in held.flags if flag.key == "other")
    for change in CHANGES:
        change(who)
        held = read(held)
        fresh = read()
        if change is not CHANGES[-1]:  # the last one went behind our back
            assert held == fresh
        assert [flag.key for flag in held.flags] == sorted(flag.key for flag in fresh.flags)
        assert next(flag for flag in held.flags if flag.key == "other") is other


@pytest.mark.django_db
@pytest.mark.usefixtures("three")
def test_one_change_among_many_flags_costs_the_same_queries(who: dict[str, Any]) -> None:
    held = read()
    for percentage, most in ((10, 0), (20, 30)):
        for number in range(most):
            definition.create(f"flag-{number}", DefinitionChange(name="x"), **who)
        held = read(held)
        rollout.change("a", HERE, StateChange(percentage=percentage), **who)
        mark = {HERE: selectors.configuration_marks()[HERE]}
        with CaptureQueriesContext(connection) as queries:
            held = selectors.configurations(mark, {HERE: held})[HERE]
        assert len(queries) == 4  # tokens, states, sums, segments


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("three")
def test_versions_become_visible_in_order(now: datetime) -> None:
    """A transaction that took version 6 could not commit before the one that took 5: else 5 would be missed."""
    environment = get(HERE)
    order: list[int] = []

    def change() -> None:
        with transaction.atomic():
            version = locking.bump(environment.pk, HERE, now=now)
            seen = Configuration.objects.get(environment=environment).version
            assert seen == version
            order.append(version)

    before = Configuration.objects.get(environment=environment).version
    at_once(*[change] * 6)
    assert order == sorted(order) == list(range(before + 1, before + 7))
