"""What people write: what no database can store, is too long or missing is refused, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alerting.services import rules
from approvals.services import requests
from audit.services import holding, reviewing
from core import environments, events, freezing
from core.actors import Actor
from core.asking import Change
from core.errors import Invalid
from core.texts import WHY, is_storable, need_reason, read_field
from flags.models import Flag
from flags.services import archiving, emergency, rollout, segments, tokens
from incidents.services import opening
from migrations_app.services import backups, readiness
from migrations_app.services.steering import unlock
from monitoring.services import errors, triggers
from oncall.services import chaining
from plans.services import attaching, phases, plans
from reports.services import releasing, walls
from rollouts.services import steering
from statuspage.services import components, maintenance, subscribing
from tests.conftest import KEY
from tests.core.test_freezes import MONDAYS

WHERE = "production"
SLOWER = Change("flag.state", KEY, {"percentage": 5})
HOLD = holding.Held("Case 7", "The court asks.")
BETA: list[dict[str, Any]] = [{"attribute": "plan", "op": "in", "values": ["beta"]}]
STEPS = [{"notify": {"people": ["olga"]}}]

Call = Callable[..., object]
# What is written, and the command that takes it; a reason and a note need no row to be refused.
NEEDED: dict[str, tuple[str, Call]] = {
    "flag enabled": ("reason", lambda text, who: rollout.enable(KEY, WHERE, reason=text, **who)),
    "flag disabled": ("reason", lambda text, who: emergency.emergency_disable(KEY, WHERE, reason=text, **who)),
    "flag rolled back": ("reason", lambda text, who: emergency.roll_back(KEY, WHERE, reason=text, **who)),
    "flag archived": ("reason", lambda text, who: archiving.archive(KEY, reason=text, **who)),
    "segment": ("name", lambda text, who: segments.define("s", WHERE, name=text, conditions=BETA, reason="r", **who)),
    "token": ("name", lambda text, who: tokens.create(text, WHERE, ["evaluate"], **who)),
    "ramp held": ("reason", lambda text, who: steering.hold(0, reason=text, **who)),
    "ramp advanced": ("reason", lambda text, who: steering.advance(0, reason=text, **who)),
    "request": ("title", lambda text, who: requests.open_request(WHERE, [SLOWER], title=text, reason="r", **who)),
    "request's reason": (
        "reason",
        lambda text, who: requests.open_request(WHERE, [SLOWER], title="t", reason=text, **who),
    ),
    "plan started": ("reason", lambda text, who: plans.start("small", WHERE, reason=text, **who)),
    "phase approved": ("reason", lambda text, who: phases.approve(0, reason=text, **who)),
    "file removed": ("reason", lambda text, who: attaching.remove(0, reason=text, **who)),
    "migration unlocked": ("reason", lambda text, who: unlock(WHERE, reason=text, **who)),
    "check waived": ("reason", lambda text, who: readiness.waive(WHERE, "backup", text, 1, **who)),
    "backup": ("reason", lambda text, who: backups.request(WHERE, reason=text, **who)),
    "backup tested": ("note", lambda text, who: backups.tested(0, text, **who)),
    "incident": ("title", lambda text, who: opening.declare(WHERE, text, 1, **who)),
    "component": ("reason", lambda text, who: components.set_state("x", "degraded_performance", reason=text, **who)),
    "maintenance": ("reason", lambda text, who: maintenance.cancel(0, reason=text, **who)),
    "subscription": ("reason", lambda text, who: subscribing.end(0, reason=text, **who)),
    "freeze": ("name", lambda text, who: freezing.plan(replace(MONDAYS, name=text), **who)),
    "freeze's reason": ("reason", lambda text, who: freezing.plan(replace(MONDAYS, reason=text), **who)),
    "override lifted": ("reason", lambda text, who: freezing.lift(0, reason=text, **who)),
    "hold": ("title", lambda text, who: holding.place(replace(HOLD, title=text), **who)),
    "hold's reason": ("reason", lambda text, who: holding.place(replace(HOLD, reason=text), **who)),
    "access reviewed": ("reason", lambda text, who: reviewing.sign_off("digest", note=text, **who)),
    "trigger re-armed": ("reason", lambda text, who: triggers.rearm("x", WHERE, reason=text, **who)),
    "error resolved": ("note", lambda text, who: errors.resolve(0, note=text, **who)),
    "alert rule removed": ("reason", lambda text, who: rules.remove(0, reason=text, **who)),
    "report's comment": ("text", lambda text, who: releasing.comment(0, text, **who)),
    "wall": ("name", lambda text, who: walls.create(text, [WHERE], days=1, **who)),
    "chain": ("name", lambda text, who: chaining.create("x", {"name": text, "steps": STEPS}, reason="r", **who)),
}
FREE: dict[str, tuple[str, Call]] = {
    "environment defined": (
        "reason",
        lambda text, who: environments.define("new", {"name": "New"}, reason=text, **who),
    ),
    "freeze planned": ("reason", lambda text, who: freezing.plan(MONDAYS, reason=text, **who)),
    "flag enabled where it is free": ("reason", lambda text, who: rollout.enable(KEY, "staging", reason=text, **who)),
    "hold's subject": ("subject", lambda text, who: holding.place(replace(HOLD, subject=text), **who)),
    "incident's summary": ("summary", lambda text, who: opening.declare(WHERE, "Melts", 1, summary=text, **who)),
}


@pytest.mark.races
@pytest.mark.django_db
@pytest.mark.parametrize("what", [*NEEDED, *FREE])
def test_words_that_cannot_be_kept_are_refused_and_nothing_is_written(
    what: str, flag: Flag, operator_actor: Actor, now: datetime
) -> None:
    field, call = (NEEDED | FREE)[what]
    who = {"actor": operator_actor, "now": now}
    rows = events.recent().count()
    wrong = {"nul \x00": "cannot be stored", "half a pair \ud800": "cannot be stored"}
    if what in NEEDED:
        wrong |= {"x" * 100_001: "At most", "": r"\w", " \n\t": r"\w"}
    for text, words in wrong.items():
        with pytest.raises(Invalid, match=words) as refusal:
            call(text, who)
        assert refusal.value.field == field
    assert events.recent().count() == rows


@given(st.text(st.characters()))
@example("\x00")
@example("\udcff")
def test_what_is_valid_unicode_without_nul_can_be_stored_and_nothing_else(text: str) -> None:
    try:
        fits = b"\x00" not in text.encode()
    except UnicodeEncodeError:
        fits = False
    assert is_storable(text) is fits


def test_a_text_loses_the_blanks_around_it_and_only_those_inside_count() -> None:
    assert need_reason(f"  {'x' * 2_000}\n") == "x" * 2_000
    assert read_field({"unit": " ms "}, "unit", 2) == "ms"
    assert read_field({}, "unit", 2) == ""


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "A text of at most 9"), (7, "A text of at most 9"), ("x" * 10, "At most 9"), (" ", "may not be empty")],
)
def test_a_field_that_is_no_text_of_its_size_is_named(value: object, words: str) -> None:
    with pytest.raises(Invalid, match=words) as refusal:
        read_field({"runbook_url": value}, "runbook_url", 9, needed=True)
    assert refusal.value.field == "runbook_url"


def test_no_reason_is_answered_by_what_to_write() -> None:
    with pytest.raises(Invalid, match=WHY):
        need_reason("\n")
