from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from communications.models import Announcement
from communications.services import announcing
from core import environments, heartbeats
from core.actors import GUARD, Actor
from core.models import Freeze
from flags.models import Flag, FlagState
from flags.services import emergency, rollout
from incidents.services import opening
from monitoring.models import Bucket, Metric, Rollup, Series
from oncall.models import Schedule
from reports.adapters.kept import Kept
from rollouts.models import Ramp, RampStep
from tests.system.running import wait_for
from tests.telling import somebody_hears

HOME = "admin:index"
COLD = 20  # queries at most, also when what all people see is read anew


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


def test_home_shows_production_first_and_then_the_environment_that_a_person_chose(
    client_as: Callable[[str], Client], flag: Flag, operator_actor: Actor
) -> None:
    now = timezone.now()
    rollout.enable(flag.key, "production", actor=operator_actor, reason="x", now=now)
    rollout.set_rollout(flag.key, "production", 25, actor=operator_actor, reason="a good reason", now=now)
    client = client_as("viewer")
    text = home(client)
    assert 'id="environment-production"' in text
    assert "25 %" in text
    assert "a good reason" in text
    chosen = client.get(reverse(HOME), {"environment": "staging"}).text
    assert 'id="environment-staging"' in chosen
    assert "25 %" not in chosen
    assert 'id="environment-staging"' in home(client)
    assert 'id="environment-production"' in home(client_as("operator"))
    assert client.get(reverse(HOME), {"environment": "moon"}).status_code == 404


def test_home_answers_the_five_questions_before_anything_else(
    client_as: Callable[[str], Client], flag: Flag, operator_actor: Actor
) -> None:
    text = home(client_as("viewer"))
    titles = ("health-title", "on-title", "next-title", "waits-title", "wrong-title", "environment-production")
    places = [text.index(f'id="{title}"') for title in titles]
    assert places == sorted(places)
    for words in ("UNKNOWN", "Nothing is planned here", "Nothing: no approval", "Nothing in the last 30 days"):
        assert words in text


def test_what_went_wrong_and_what_comes_next_are_those_of_the_environment(
    client_as: Callable[[str], Client], flag: Flag, operator_actor: Actor
) -> None:
    now = timezone.now()
    emergency.roll_back(flag.key, "staging", actor=GUARD, reason="11 % errors", now=now, evidence={})
    opening.declare("staging", "Slow melts", 2, actor=operator_actor, now=now)
    client = client_as("viewer")
    there = client.get(reverse(HOME), {"environment": "staging"}).text.split('id="environment-staging"')[0]
    assert "11 % errors" in there.split('id="wrong-title"')[1]
    assert "UNHEALTHY" in there
    here = client.get(reverse(HOME), {"environment": "production"}).text.split('id="environment-production"')[0]
    assert "Slow melts" in here  # it needs somebody, wherever one looks
    assert "Nothing in the last 30 days" in here


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
    with django_assert_max_num_queries(COLD):
        home(client)
    for words in ("Redis does not answer", "MongoDB does not answer"):
        wait_for(lambda words=words: words in home(client))  # once the question has timed out


def test_home_renews_itself_with_its_live_part_alone(client_as: Callable[[str], Client], flag: Flag) -> None:
    client = client_as("viewer")
    assert 'hx-trigger="every 5s [opsMayRenew()]"' in home(client)
    part = home(client, headers={"HX-Request": "true"})
    assert "<html" not in part
    assert flag.key in part


@pytest.mark.races
def test_home_asks_the_database_as_often_for_many_flags_and_events_as_for_one(
    client_as: Callable[[str], Client],
    flag: Flag,
    operator_actor: Actor,
    settings: Settings,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client, now = client_as("approver"), timezone.now()
    get_user_model().objects.get(username="approver").groups.set(Group.objects.all())
    something_of_everything(now)
    home(client)
    with django_assert_max_num_queries(COLD) as few:
        text = home(client)
    for words in ("Slow", "Freeze ends: Feast", "carla", "62 %"):
        assert words in text
    made = Flag.objects.bulk_create(Flag(key=f"flag{n:04d}", name="x", created_at=now) for n in range(300))
    FlagState.objects.bulk_create(
        FlagState(flag=made_flag, environment=environment, changed_at=now)
        for made_flag in made
        for environment in environments.ordered()
    )
    for number in range(30):
        emergency.roll_back(flag.key, "staging", actor=GUARD, reason=f"error {number}", now=now, evidence={})
    with django_assert_max_num_queries(COLD) as many:
        text = home(client)
    assert len(few) == len(many)
    assert "289 more" in text
    settings.HOME_SECONDS = 60
    home(client)
    with django_assert_max_num_queries(13):
        assert "289 more" in home(client)
    Freeze.objects.all().delete()
    rollout.enable(flag.key, "production", actor=operator_actor, reason="just now", now=now)
    assert "just now" in home(client), "a change shows at once, however young the kept picture is"


def something_of_everything(now: datetime) -> None:
    """A ramp, a freeze, a plan of who is on call, and a figure: each has rows of its own beside it."""
    [flag], place = Flag.objects.all(), environments.get("production")
    told = {"template_key": "slow", "name": "Slow", "state": "held", "position": 1, "starts_at": now}
    ramp = Ramp.objects.create(flag=flag, environment=place, soaking_since=now, **told)
    RampStep.objects.create(ramp=ramp, position=1, label="1", due_at=now, percentage=5, monitoring="standard", soak=0)
    freeze = Freeze.objects.create(
        name="Feast", reason="r", zone="UTC", starts_at=f"{now:%Y-%m-%dT%H}:00:00", duration=7200, created_at=now
    )
    freeze.environments.add(place)
    schedule = Schedule.objects.create(key="first", name="First line")
    schedule.overrides.create(person="carla", since=now, until=now + timedelta(days=1), by="carla", at=now)
    about = {"title": "Pool", "unit": "%", "meaning": "m", "owner": "o", "better": "lower"}
    Metric.objects.create(key="connection_pool", warning=80, critical=90, position=1, **about)
    series = Series.objects.create(
        environment=place, source="recorded", name="connection_pool", kind="gauge", digest="1", created_at=now
    )
    at = int(now.timestamp())
    figure = {"n": 1, "sum": 62, "min": 62, "max": 62, "last": 62}
    Bucket.objects.create(series=series, start=at // 10 * 10 - 20, **figure)
    Rollup.objects.create(series=series, span=300, start=at // 300 * 300 - 300, **figure)


def test_what_is_kept_for_some_seconds_is_made_anew_after_them() -> None:
    time, made = [0.0], []
    kept: Kept[int] = Kept(clock=lambda: time[0])
    assert [kept.get("a", lambda: made.append(1) or len(made), seconds=5) for _ in range(3)] == [1, 1, 1]
    time[0] = 5.0
    assert kept.get("a", lambda: made.append(1) or len(made), seconds=5) == 2
    assert kept.get("b", lambda: made.append(1) or len(made), seconds=5) == 3
    assert kept.get("a", lambda: made.append(1) or len(made), seconds=0) == 4
