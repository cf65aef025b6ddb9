"""What a form of change says of the npubs that were asked about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

import flags.selectors
from core.actors import Actor
from flags.domain.bucketing import js31_bucket
from flags.models import FlagState, SeenUnit
from flags.selectors import reach
from flags.services import lists, rollout
from rollouts.domain.template import RampStepSpec
from rollouts.services import templates

KEY = "atomicMeltOperations"
UNITS = [f"npub1{number:04d}" for number in range(500)]


@pytest.fixture
def seen(state: Callable[..., FlagState], operator_actor: Actor, now: datetime) -> FlagState:
    """500 npubs were asked about in production; the flag is on for a quarter, and for one on the list."""
    about: dict[str, Any] = {"actor": operator_actor, "reason": "x", "now": now}
    environment_id = state().environment_id
    SeenUnit.objects.bulk_create(
        SeenUnit(environment_id=environment_id, unit=unit, seen_on=now.date()) for unit in UNITS
    )
    rollout.enable(KEY, "production", **about)
    rollout.set_rollout(KEY, "production", 25, **about)
    lists.edit_allow_list(KEY, "production", add=[max(UNITS, key=js31_bucket)], **about)
    return state()


def between(low: int, high: int) -> int:
    return sum(low <= js31_bucket(unit) < high for unit in UNITS)


@pytest.mark.parametrize("target", [0, 10, 25, 60, 100])
def test_the_preview_counts_exactly_who_joins_and_leaves(seen: FlagState, target: int) -> None:
    found = reach.preview(seen, percentage=target)
    listed = 1 if target == 100 else 0  # has it by the list already
    assert (found.known, found.joining, found.leaving) == (500, between(25, target) - listed, between(target, 25))
    assert set(found.joins) <= {unit for unit in UNITS if 25 <= js31_bucket(unit) < target}


def test_lists_and_prerequisites_count_too(seen: FlagState, operator_actor: Actor, now: datetime) -> None:
    inside = [unit for unit in UNITS if js31_bucket(unit) < 25]
    outside = [unit for unit in UNITS if 25 <= js31_bucket(unit) < 99]
    found = reach.preview(seen, allow=outside[:7], deny=inside[:3])
    assert (found.joining, found.leaving) == (7, 3)
    needs = {"prerequisites": [{"flag": "nothing", "variants": ["on"]}]}
    assert reach.preview(seen, targeting=needs).leaving == between(0, 25) + 1
    assert flags.selectors.state(KEY, "production").version == seen.version


def test_the_form_names_who_gets_it_while_one_types(client_as: Callable[[str], Client], seen: FlagState) -> None:
    client, page = client_as("operator"), reverse("admin:flags_rollout", args=[seen.pk])
    typing = {"HX-Request": "true", "HX-Trigger-Name": "percentage"}
    text = client.get(page, {"percentage": "60"}, headers=typing).content.decode()
    assert f'<strong class="ops-num">{between(25, 60)}</strong>' in text
    assert "Get it, for example" in text
    assert "asked about lately" not in client.get(page, {"percentage": "sixty"}, headers=typing).content.decode()
    disabling = client.get(reverse("admin:flags_disable", args=[seen.pk])).content.decode()
    assert f'<strong class="ops-num">{between(0, 25) + 1}</strong> lose' in disabling


def test_where_nobody_was_asked_about_nobody_is_named(
    client_as: Callable[[str], Client], state: Callable[..., FlagState]
) -> None:
    text = client_as("operator").get(reverse("admin:flags_enable", args=[state("staging").pk])).content.decode()
    assert "No npub has been asked about here yet" in text


def test_the_editor_of_a_list_names_the_known_npubs_that_gain_by_it(
    client_as: Callable[[str], Client], seen: FlagState
) -> None:
    outside = [unit for unit in UNITS if 25 <= js31_bucket(unit) < 99][:3]
    form = {"mode": "add", "npubs": "\n".join([*outside, "npub1unknown"]), "reason": "x", "step": "preview"}
    for name, words in (("allow", ">3</strong> get it"), ("deny", "none gets it and none loses it")):
        page = reverse(f"admin:flags_{name}_list_edit", args=[seen.pk])
        text = client_as("operator").post(page, form | {"version": seen.version}).content.decode()
        assert "4 new npubs will be added" in text
        assert words in text


def test_the_plan_of_a_ramp_names_who_gains_by_its_first_step(
    client_as: Callable[[str], Client], seen: FlagState, operator_actor: Actor, now: datetime
) -> None:
    steps = [RampStepSpec(f"day {day}", 1, day, Decimal(percentage)) for day, percentage in ((1, 40), (2, 100))]
    templates.define("ramp", name="Ramp", flag_key=KEY, steps=steps, actor=operator_actor, reason="x", now=now)
    page = reverse("admin:rollouts_ramp_add")
    text = client_as("operator").get(page, {"template": "ramp", "environment": "production"}).content.decode()
    assert f">{between(25, 40)}</strong> get it" in text
