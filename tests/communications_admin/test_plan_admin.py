"""The communication plan on its pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from communications.domain.audiences import Content, Frequency
from communications.models import Alert, Audience, Channel, Wording
from communications.services import announcing, audiences
from communications.services.audiences import AudienceSpec, Way
from core import events
from core.actors import Actor
from core.errors import Invalid
from flags.models import Flag
from flags.services import emergency
from tests.telling import somebody_hears

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]
PLAN = "/admin/communications/audience/"
ADD = f"{PLAN}audience/add/"
GIVEN = {
    "key": "supportTeam",
    "name": "Support team",
    "content": "operations",
    "frequency": "real-time",
    "topics": ["incident", "rollback"],
    "ways": "slack #support\n\n",
    "least_level": "1",
    "burst": "5",
    "quiet_from": "22:00",
    "quiet_until": "07:00",
    "zone": "Europe/Berlin",
    "language": "en",
    "reason": "They are asked by customers",
}


@pytest.fixture
def slack(db: None) -> Channel:
    return Channel.objects.create(key="slack", name="Slack", kind="slack")


@pytest.fixture
def alert(flag: Flag, operator_actor: Actor, now: datetime) -> Alert:
    emergency.emergency_disable(flag.key, "staging", actor=operator_actor, reason="mint is down", now=now)
    announcing.announce(now=now)
    return Alert.objects.get()


def test_the_plan_says_what_to_do_while_it_is_empty(client_as: ClientAs) -> None:
    assert "Nobody is told of anything yet" in client_as("viewer").get(PLAN).content.decode()


def test_an_audience_is_made_changed_and_removed_by_forms(client_as: ClientAs, slack: Channel) -> None:
    assert client_as("viewer").get(ADD).status_code == 403
    client = client_as("approver")
    client.post(ADD, GIVEN)
    page = client.get(PLAN).content.decode()
    for part in ("Support team", "#support", "22:00 to 07:00 Europe/Berlin", "at once"):
        assert part in page
    edit = f"{PLAN}audience/supportTeam/"
    client.post(edit, GIVEN | {"name": "Support", "version": "1", "key": "other"})
    assert Audience.objects.get().name == "Support"
    stale = client.post(edit, GIVEN | {"version": "1"})
    assert (stale.status_code, "was changed by someone else" in stale.content.decode()) == (422, True)
    client.post(f"{edit}remove/", {"reason": "They are gone"})
    assert not Audience.objects.exists()
    kinds = ["audience.created", "audience.changed", "audience.removed"]
    assert [event.kind for event in events.about("audience:supportTeam")][::-1] == kinds


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"ways": "telegraph"}, "There is no channel &#x27;telegraph&#x27;. There are: slack."),
        ({"ways": "slack"}, "say where in Slack"),
        ({"ways": "slack #a\nslack #a"}, "The same way is there twice."),
        ({"content": "service"}, "rollback is not for people outside"),
        ({"frequency": "as-needed"}, "Only what goes outside is drafted first"),
        ({"quiet_from": "07:00"}, "Quiet hours that end when they begin are none"),
        ({"quiet_from": ""}, "is no time of day"),
        ({"least_level": "4"}, "less than or equal to 3"),
        ({"key": "1x"}, "Begin with a letter"),
    ],
)
def test_what_cannot_be_is_told_at_its_field_and_nothing_is_made(
    wrong: dict[str, str], told: str, client_as: ClientAs, slack: Channel
) -> None:
    answer = client_as("approver").post(ADD, GIVEN | wrong)
    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert not Audience.objects.exists()


def test_people_see_what_would_be_sent_of_a_past_event(client_as: ClientAs, alert: Alert) -> None:
    somebody_hears("slack")
    page = client_as("viewer").get(f"{PLAN}preview/{alert.pk}/").content.decode()
    for part in ("slack by Slack", "#ops-alerts", "[CRITICAL] EMERGENCY DISABLE", "mint is down"):
        assert part in page
    assert client_as("viewer").get(f"{PLAN}preview/0/").status_code == 404


WORDS = {
    "type": "FEATURE_EMERGENCY_DISABLED",
    "channel_kind": "slack",
    "language": "en",
    "subject": "{{ about }} is off",
    "text": "Look: {% for fact in facts %}{{ fact.name }} {% endfor %}",
    "html": "",
    "reason": "shorter",
}


def test_own_words_are_tried_on_a_real_event_kept_used_and_taken_away(client_as: ClientAs, alert: Alert) -> None:
    channel = somebody_hears("slack")
    edit = f"{PLAN}audience/by-slack/words/edit/"
    client = client_as("approver")
    tried = client.get(edit, WORDS, headers={"HX-Request": "true"}).content.decode()
    assert "atomicMeltOperations is off" in tried
    client.post(edit, WORDS)
    assert "atomicMeltOperations is off" in client.get(f"{PLAN}preview/{alert.pk}/").content.decode()
    row = Wording.objects.get()
    client.post(f"{PLAN}words/{row.pk}/remove/", {"reason": "too short"})
    assert "atomicMeltOperations is off" not in client.get(f"{PLAN}preview/{alert.pk}/").content.decode()
    assert channel.key == "slack"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"text": "a\nb {% if %}"}, "Line 2:"),
        ({"text": "{% load static %}"}, "Invalid block tag"),
        ({"text": "{% include 'admin/base.html' %}"}, "Invalid block tag"),
        ({"text": "{{ about|rjust:100000000 }}"}, "Invalid filter"),
        ({"text": "{{ settings.SECRET_KEY }}"}, "There is no settings here"),
        ({"subject": " "}, "Write something"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused_when_it_is_saved(
    wrong: dict[str, str], told: str, client_as: ClientAs
) -> None:
    somebody_hears("slack")
    answer = client_as("approver").post(f"{PLAN}audience/by-slack/words/edit/", WORDS | wrong)
    assert told in answer.content.decode()
    assert not Wording.objects.exists()


@pytest.mark.parametrize("wrong", [{"type": "no.such"}, {"channel_kind": "no_such"}])
def test_a_form_with_a_choice_that_there_is_not_comes_back(
    wrong: dict[str, str], client_as: ClientAs, flag: Flag, operator_actor: Actor, now: datetime
) -> None:
    somebody_hears("slack")
    emergency.emergency_disable(flag.key, "staging", actor=operator_actor, reason="mint is down", now=now)
    announcing.announce(now=now)
    edit = f"{PLAN}audience/by-slack/words/edit/"
    assert client_as("approver").get(edit, {"of": "x"}).status_code == 200
    assert client_as("approver").post(edit, WORDS | wrong).status_code == 422


def test_words_for_people_outside_know_nothing_of_the_inside(
    client_as: ClientAs, slack: Channel, operator_actor: Actor, now: datetime
) -> None:
    spec = AudienceSpec("users", "Users", Content.SERVICE, Frequency.AS_NEEDED, ["incident"], [Way("slack", "#users")])
    audiences.define(spec, actor=operator_actor, reason="tests", now=now)
    answer = client_as("approver").post(f"{PLAN}audience/users/words/edit/", WORDS | {"text": "{{ reason }}"})
    assert "There is no about here" in answer.content.decode() or "There is no reason here" in answer.content.decode()


def test_a_wording_that_fails_when_it_is_used_is_replaced_and_told(
    client_as: ClientAs, flag: Flag, operator_actor: Actor, now: datetime
) -> None:
    somebody_hears("slack")
    row = Audience.objects.get()
    Wording.objects.create(audience=row, subject="{{ about|nothing }}", text="{% broken %}")
    emergency.emergency_disable(flag.key, "staging", actor=operator_actor, reason="mint is down", now=now)
    announcing.announce(now=now)
    alert = Alert.objects.get()
    sent = alert.announcements.get()
    assert "mint is down" in sent.text
    assert "Invalid filter" in sent.flaw
    page = client_as("viewer").get(f"/admin/communications/alert/{alert.pk}/change/").content.decode()
    assert "The wording failed, so the default one went out" in page


def test_the_plan_costs_the_same_for_three_audiences_and_for_thirty(
    client_as: ClientAs, operator_actor: Actor, now: datetime, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    somebody_hears("slack")
    for number in range(30):
        spec = AudienceSpec(
            f"a{number}", "A", Content.OPERATIONS, Frequency.REAL_TIME, ["risk"], [Way("slack", f"#{number}")]
        )
        audiences.define(spec, actor=operator_actor, reason="tests", now=now)
    client = client_as("viewer")
    with django_assert_max_num_queries(20):
        client.get(PLAN)


def test_an_audience_that_is_so_already_is_left_alone(slack: Channel, operator_actor: Actor, now: datetime) -> None:
    spec = AudienceSpec("a", "A", Content.OPERATIONS, Frequency.REAL_TIME, ["risk"], [Way("slack", "#a")])
    for _ in range(2):
        assert audiences.define(spec, actor=operator_actor, reason="tests", now=now).version == 1
    with pytest.raises(Invalid, match="no time zone 'Berlin'"):
        audiences.define(
            AudienceSpec(**{**{f: getattr(spec, f) for f in spec.__slots__}, "zone": "Berlin"}),
            actor=operator_actor,
            reason="tests",
            now=now,
        )
