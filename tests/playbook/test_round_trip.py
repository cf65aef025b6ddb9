"""What is exported loads to the same; every playbook survives being written and read again."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from core import events
from core.actors import Actor
from core.errors import Conflict
from flags.domain.change import RESERVED_PARAMETERS
from flags.services import rollout
from nctool_rollout.playbook import wanted
from nctool_rollout.playbook.expectations import schema
from nctool_rollout.playbook.export import as_yaml, export
from nctool_rollout.playbook.validation import load_text
from rollbacks.domain import place
from statuspage.domain.texts import COMPONENT_KEY
from tests.playbook.conftest import SMALL, Load
from tests.playbook.test_loading import NCTOOL

ROOT = Path(settings.BASE_DIR)


@pytest.mark.django_db
@pytest.mark.parametrize("text", [SMALL, NCTOOL.read_text()], ids=["small", "nctool"])
def test_an_export_loads_to_the_same(load: Load, text: str) -> None:
    load(text)
    rows = events.recent().count()
    exported = as_yaml(export())
    assert load(exported) == {}
    assert events.recent().count() == rows
    assert as_yaml(export()) == exported


@pytest.mark.django_db
def test_an_export_has_what_people_changed_and_loads_it_elsewhere(
    load: Load, operator_actor: Actor, now: datetime
) -> None:
    load()
    rollout.set_rollout("sending", "live", 42, actor=operator_actor, reason="by hand", now=now)
    playbook, _ = load_text(as_yaml(export()), file="x.yaml")
    assert wanted.items(playbook)["states", "live", "sending", "rollout"] == {"enabled": True, "percentage": 42}
    assert load(as_yaml(export())) == {}


@pytest.mark.django_db
def test_nothing_cannot_be_exported() -> None:
    with pytest.raises(Conflict, match="load a playbook first"):
        export()


def test_the_published_schema_is_the_one_of_the_code() -> None:
    published = json.loads((ROOT / "docs" / "playbook.schema.json").read_text())
    assert published == schema(), "run: manage.py playbook schema > docs/playbook.schema.json"


def test_the_example_of_the_documentation_is_a_whole_playbook() -> None:
    example = (ROOT / "docs" / "playbook.md").read_text().split("```yaml\n")[1].split("```")[0]
    playbook, _ = load_text(example, file="docs/playbook.md")
    assert playbook.ramps["payouts"].steps[1].percentage == Decimal("1.5")


level = st.fixed_dictionaries(
    {},
    optional={
        "everySeconds": st.integers(10, 30),
        "soak": st.floats(0.1, 10),
        "calm": st.booleans(),
        "tell": st.lists(st.sampled_from(["slack", "email"]), unique=True),
    },
)
DAY = '{"hours": {"from": "09:00", "to": "17:00"}}'
NIGHT = '{"hours": {"from": "22:00", "to": "04:00", "days": ["sat"], "zone": "Europe/Zurich"}}'
key = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
words = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff\u2028\u2029\x85"), max_size=20
)
name = words.filter(lambda text: text.strip() != "")
json_value = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e18, 1e18) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
parameters = st.dictionaries(words.filter(lambda text: text not in RESERVED_PARAMETERS), json_value, max_size=3)
npubs = st.lists(st.from_regex(r"npub1[a-z0-9.]{1,12}", fullmatch=True), max_size=3, unique=True)


rule = st.fixed_dictionaries(
    {},
    optional={
        "above": st.decimals(0, 100_000, places=2).map(float),
        "approvals": st.integers(1, 3),
        "expiresAfterHours": st.integers(1, 2160),
    },
)
limit = st.fixed_dictionaries({"from": st.integers(0, 100)}) | st.fixed_dictionaries({"above": st.floats(0, 9000)})
action = st.fixed_dictionaries({"action": name}, optional={"does": st.sampled_from(["tell_users", "roll_back"])})
incident_level = st.fixed_dictionaries(
    {
        "name": name,
        "actions": st.lists(action, min_size=1, max_size=3),
    },
    optional={
        "errorRate": limit,
        "complaints": limit,
        "unavailable": st.booleans(),
        "escalationMinutes": st.integers(0, 1440),
        "chain": words,
    },
)
zones = st.sampled_from(["", "UTC", "Europe/Berlin"])
application = st.fixed_dictionaries(
    {field: st.from_regex(form, fullmatch=True).filter(str.isascii) for field, form in place.FORMS.items()}
)
rules = st.dictionaries(st.sampled_from(["raise", "allowList", "ramp", "promotion", "targeting", "rules"]), rule)


component = st.fixed_dictionaries(
    {"name": name},
    optional={
        "description": words,
        "group": name,
        "translations": st.fixed_dictionaries({}, optional={"de": st.fixed_dictionaries({}, optional={"name": name})}),
    },
)
status_page = st.fixed_dictionaries(
    {"title": name},
    optional={
        "url": st.sampled_from(["", "https://status.example.org", "https://status.example.org/"]),
        "components": st.dictionaries(st.from_regex(COMPONENT_KEY, fullmatch=True), component, max_size=3),
    },
)


@st.composite
def playbooks(draw: st.DrawFn) -> dict[str, Any]:
    """Any playbook that is right, as plain values."""
    flags = draw(st.lists(key, min_size=1, max_size=3, unique=True))
    places = draw(st.lists(key, min_size=1, max_size=3, unique=True))

    def start() -> dict[str, Any]:
        percentage = st.integers(0, 100)
        fields = {
            "enabled": st.booleans(),
            "rolloutPercentage": percentage,
            "allowedUsers": npubs,
            "parameters": parameters,
        }
        return draw(st.fixed_dictionaries({}, optional=fields))

    def ramp() -> dict[str, Any]:
        shares = sorted(draw(st.lists(st.integers(0, 100), min_size=1, max_size=4)))
        steps = [
            {"label": f"{number}", "week": number, "percentage": share, "parameters": draw(parameters)}
            for number, share in enumerate(shares, start=1)
        ]
        more = json.loads(draw(st.sampled_from(["{}", DAY, NIGHT])))
        return {"name": draw(name), "flag": draw(st.sampled_from(flags)), "steps": steps, **more}

    def feature() -> dict[str, Any]:
        return {"name": draw(name), "bucketing": draw(st.sampled_from(["js31", "murmur3"])), **start()}

    def environment() -> dict[str, Any]:
        chosen = draw(st.lists(st.sampled_from(flags), unique=True))
        return {
            "name": draw(name),
            "purpose": draw(words),
            "zone": draw(zones),
            "flags": {flag: start() for flag in chosen},
        }

    return {
        "playbook": 1,
        "name": draw(key),
        "description": draw(words),
        "deploymentConfig": {"version": draw(name), "features": {flag: feature() for flag in flags}},
        "environments": {place: environment() for place in places},
        "monitoringLevels": draw(st.fixed_dictionaries({}, optional={"intensive": level, "reduced": level})),
        "ramps": {draw(key): ramp() for _ in range(draw(st.integers(0, 2)))},
        "approvals": draw(st.dictionaries(st.sampled_from(places), rules)),
        "incidents": draw(st.fixed_dictionaries({}, optional={"level1": incident_level, "level3": incident_level})),
        "applications": draw(st.dictionaries(st.sampled_from(places), application)),
        **draw(st.fixed_dictionaries({}, optional={"statusPage": status_page})),
    }


@how(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plain=playbooks())
def test_a_playbook_that_is_written_and_read_again_wants_the_same(plain: dict[str, Any]) -> None:
    first, _ = load_text(json.dumps(plain), file="x.json")  # JSON is YAML
    second, _ = load_text(as_yaml(plain), file="x.yaml")
    third, _ = load_text(as_yaml(second.model_dump(mode="json", by_alias=True)), file="y.yaml")
    assert first == second
    assert wanted.items(second) == wanted.items(third)


@pytest.mark.django_db
@how(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(plain=playbooks())
def test_whatever_was_loaded_is_exported_whole(load: Load, plain: dict[str, Any]) -> None:
    with transaction.atomic():
        load(as_yaml(plain))
        assert load(as_yaml(export())) == {}
        transaction.set_rollback(True)
