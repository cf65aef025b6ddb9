"""Segments: shared by the rules of one environment, so changed with care and never deleted under a rule."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from core import environments, events
from core.actors import Actor
from core.asking import ApprovalNeeded
from core.errors import Conflict, Invalid, NotFound, StaleVersion
from flags import selectors
from flags.domain.change import StateChange
from flags.models import ApprovalRule, Flag, Segment
from flags.services import rollout, segments, targeting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("flag")]
KEY = "atomicMeltOperations"
BETA = [{"attribute": "beta", "op": "equals", "values": [True]}]
OTHER = [{"attribute": "beta", "op": "equals", "values": [False]}]


@pytest.fixture
def who(operator_actor: Actor, now: datetime) -> dict[str, Any]:
    return {"actor": operator_actor, "reason": "tests", "now": now}


@pytest.fixture
def beta(who: dict[str, Any]) -> Segment:
    return segments.define("beta", "production", name="Beta testers", conditions=BETA, **who)


def use(who: dict[str, Any], *, enabled: bool, key: str = "segment") -> None:
    rules = {"rules": [{"name": "testers", "when": [{key: "beta"}]}]}
    targeting.set_targeting(KEY, "production", rules, **who)
    rollout.change(KEY, "production", StateChange(enabled=enabled), **who)


def test_a_segment_is_made_changed_and_deleted_each_told_once(beta: Segment, who: dict[str, Any]) -> None:
    version = selectors.configuration_versions()["production"]
    segments.define("beta", "production", name="Beta testers", conditions=OTHER, version=1, **who)
    segments.define("beta", "production", name="Beta testers", conditions=OTHER, **who)
    assert selectors.configuration_versions()["production"] == version + 1
    segments.delete("beta", "production", version=2, **who)
    told = [(event.kind, event.data["configuration"]) for event in events.about("segment:beta")]
    assert told == [
        ("segment.deleted", version + 2),
        ("segment.changed", version + 1),
        ("segment.created", version),
    ]


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"key": "a b"}, "key", "letters, digits, hyphens"),
        ({"name": " "}, "name", "needs a name"),
        ({"name": "x" * 121}, "name", "At most 120"),
        ({"description": "\x00"}, "description", "cannot be stored"),
        ({"conditions": []}, "conditions", "takes 1 to 20"),
        ({"conditions": [{"segment": "beta"}]}, "conditions", "cannot be made of segments"),
        ({"conditions": [{"attribute": "a", "op": "matches", "values": ["x"]}]}, "conditions", "no regular"),
    ],
)
def test_a_bad_segment_names_its_field(fields: dict[str, Any], field: str, words: str, who: dict[str, Any]) -> None:
    wanted = {"key": "new", "name": "New", "conditions": BETA, **fields}
    with pytest.raises(Invalid, match=words) as refusal:
        segments.define(wanted.pop("key"), "staging", **wanted, **who)
    assert refusal.value.field == field
    assert not Segment.objects.exists()


@pytest.mark.parametrize("key", ["segment", "not_segment"])
def test_a_segment_in_use_is_not_deleted_and_its_users_are_named(beta: Segment, who: dict[str, Any], key: str) -> None:
    use(who, enabled=False, key=key)
    with pytest.raises(Conflict, match=f"beta is used by {KEY}"):
        segments.delete("beta", "production", **who)
    targeting.set_targeting(KEY, "production", {}, **who)
    segments.delete("beta", "production", **who)
    with pytest.raises(NotFound):
        segments.delete("beta", "production", **who)


@pytest.mark.parametrize(
    ("enabled", "fields", "asks"),
    [
        (True, {"conditions": OTHER}, True),
        (True, {"name": "Renamed"}, False),
        (False, {"conditions": OTHER}, False),
    ],
)
def test_a_change_that_reaches_people_needs_the_approval_that_targeting_needs(
    beta: Segment, who: dict[str, Any], enabled: bool, fields: dict[str, Any], asks: bool
) -> None:
    use(who, enabled=enabled)
    ApprovalRule.objects.create(environment=environments.get("production"), kind="targeting")
    wanted = {"name": "Beta testers", "conditions": BETA, **fields}
    if not asks:
        assert segments.define("beta", "production", **wanted, **who).version == 2
        return
    with pytest.raises(ApprovalNeeded, match=f"segment beta changes, by which {KEY}") as needed:
        segments.define("beta", "production", **wanted, **who)
    (change,) = needed.value.changes
    assert (change.kind, change.flag) == ("segment", "")
    assert change.payload == {"key": "beta", "description": "", **wanted}


def test_who_saw_an_older_version_or_none_is_told(beta: Segment, who: dict[str, Any]) -> None:
    for seen in (0, 2):
        with pytest.raises(StaleVersion):
            segments.define("beta", "production", name="x", conditions=BETA, version=seen, **who)


def test_an_environment_has_200_segments_at_most(flag: Flag, who: dict[str, Any], now: datetime) -> None:
    where = environments.get("staging")
    Segment.objects.bulk_create(
        Segment(environment=where, key=f"s{n}", name="s", conditions=BETA, changed_at=now) for n in range(200)
    )
    with pytest.raises(Invalid, match="has 200 segments"):
        segments.define("more", "staging", name="More", conditions=BETA, **who)
