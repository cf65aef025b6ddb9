from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import Count, F, Value, Window
from pytest_django import DjangoAssertNumQueries

from core import environments, events, freezes, together
from core.actors import Actor
from core.models import Freeze, Heartbeat
from flags.models import Flag, FlagState


@pytest.mark.races
def test_several_querysets_are_read_in_one_query_as_each_would_be_alone(
    flag: Flag, operator_actor: Actor, now: object, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    FlagState.objects.update(percentage=Decimal("12.34"), parameters={"a": [1, "ü", None, {"b": "\"'"}]}, enabled=True)
    for number in range(5):
        events.record(f"kind.{number}", subject="x", actor=operator_actor, now=now, before={"n": number}, after={})
    asked = {
        "states": FlagState.objects.select_related("flag", "environment")
        .annotate(total=Window(Count("pk")), word=Value("w"))
        .order_by("-environment__position")[:3],
        "events": events.recent()[1:3],
        "places": environments.ordered().reverse(),
        "pairs": events.recent().values_list("pk", "at", "after"),
        "words": events.recent().values("kind", where=F("environment__key")),
        "kinds": events.recent().values_list("kind", flat=True)[:2],
        "deferred": Flag.objects.defer("description"),
        "none": Flag.objects.filter(pk__in=[]),
        "nobody": Flag.objects.filter(key="nobody"),
        "counted": events.recent().order_by().values("subject").annotate(n=Count("pk")).order_by("subject"),
    }
    with django_assert_num_queries(1):
        found = together.read(**asked)
        [state, *_] = found["states"]
        assert (state.percentage, state.parameters["a"][1], state.enabled) == (Decimal("12.34"), "ü", True)
        assert (state.total, state.word, state.flag.key) == (4, "w", flag.key)
        assert state.environment.key == "production"
        assert found["deferred"][0].get_deferred_fields() == {"description"}
    for name, rows in asked.items():
        alone = list(rows)
        assert found[name] == alone, name
        if alone and hasattr(alone[0], "_meta"):
            fields = [field.attname for field in alone[0]._meta.concrete_fields]
            for one, other in zip(found[name], alone, strict=True):
                told, expected = ([repr(getattr(row, field)) for field in fields] for row in (one, other))
                assert told == expected


@pytest.mark.races
def test_what_is_prefetched_comes_with_it(
    flag: Flag, now: object, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    [place, *_] = environments.ordered()
    freeze = Freeze.objects.create(
        name="n", reason="r", zone="UTC", starts_at="2025-08-11T09:00:00", duration=60, created_at=now
    )
    freeze.environments.add(place)
    Heartbeat.objects.create(name="guard", at=now + timedelta(microseconds=1))
    with django_assert_num_queries(2):
        found = together.read(freezes=freezes.live(), beats=Heartbeat.objects.all())
        assert [list(row.environments.all()) for row in found["freezes"]] == [[place]]
        assert found["beats"][0].at == now + timedelta(microseconds=1)


def test_nothing_is_asked_for_nothing(db: None, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert together.read(flags=Flag.objects.filter(pk__in=[])) == {"flags": []}
