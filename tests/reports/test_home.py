from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from communications.models import Announcement
from communications.services import announcing
from core import environments, heartbeats
from core.actors import GUARD, Actor
from flags.models import Flag, FlagState
from flags.services import emergency, rollout
from tests.system.running import wait_for
from tests.telling import somebody_hears

HOME = "admin:index"


def home(client: Client, **more: Any) -> str:
    return client.get(reverse(HOME), **more).content.decode()


def test_an_empty_system_says_what_to_do(client_as: Callable[[str], Client]) -> None:
    assert "manage.py playbook load" in home(client_as("viewer"))


def test_somebody_without_a_role_sees_nothing_but_how_to_get_one(flag: Flag, django_user_model: Any) -> None:
    client = Client()
    user = django_user_model.objects.create_user("nobody", is_staff=True)
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    text = home(client)
    assert "Your account has no role yet." in text
    assert flag.key not in text


def test_home_shows_production_first_with_what_each_flag_does(
    client_as: Callable[[str], Client], flag: Flag, operator_actor: Actor
) -> None:
    now = timezone.now()
    rollout.enable(flag.key, "production", actor=operator_actor, reason="x", now=now)
    rollout.set_rollout(flag.key, "production", 25, actor=operator_actor, reason="a good reason", now=now)
    text = home(client_as("viewer"))
    places = [text.index(f'id="environment-{key}"') for key in ("production", "pre-production", "staging")]
    assert places == sorted(places)
    assert "25 %" in text
    assert "a good reason" in text


def test_what_needs_a_person_is_on_top(client_as: Callable[[str], Client], flag: Flag, operator_actor: Actor) -> None:
    now = timezone.now()
    emergency.roll_back(flag.key, "production", actor=GUARD, reason="11 % errors", now=now, evidence={})
    somebody_hears()
    announcing.announce(now=now)
    Announcement.objects.update(state="failed", failed_at=now, error="no")
    heartbeats.beat("guard", now=now - timedelta(minutes=5))
    heartbeats.beat("ramps", now=now)
    text = home(client_as("viewer"))
    top = text.split('id="environment-production"')[0]
    assert "Guard was last seen" in top
    assert "Nothing rolls back by itself" in top
    assert "1 announcement was given up." in top
    assert "Ramp clock" not in top
    assert "rolled back" in text
    assert "11 % errors" in text


def test_home_says_that_redis_and_mongodb_are_away_and_asks_the_database_no_more_often(
    client_as: Callable[[str], Client], flag: Flag, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = client_as("viewer")
    with django_assert_max_num_queries(24):
        home(client)
    for words in ("Redis does not answer", "MongoDB does not answer"):
        wait_for(lambda words=words: words in home(client))  # once the question has timed out


def test_home_renews_itself_with_its_live_part_alone(client_as: Callable[[str], Client], flag: Flag) -> None:
    client = client_as("viewer")
    assert 'hx-trigger="every 5s [opsMayRenew()]"' in home(client)
    part = home(client, headers={"HX-Request": "true"})
    assert "<html" not in part
    assert flag.key in part


def test_home_asks_the_database_as_often_for_many_flags_as_for_one(
    client_as: Callable[[str], Client],
    flag: Flag,
    operator_actor: Actor,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client, now = client_as("operator"), timezone.now()
    with django_assert_max_num_queries(24) as few:
        home(client)
    made = Flag.objects.bulk_create(Flag(key=f"flag{n:04d}", name="x", created_at=now) for n in range(300))
    FlagState.objects.bulk_create(
        FlagState(flag=made_flag, environment=environment, changed_at=now)
        for made_flag in made
        for environment in environments.ordered()
    )
    with django_assert_max_num_queries(24) as many:
        text = home(client)
    assert len(few) == len(many)
    assert "289 more" in text
