"""What becomes of a change request, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from approvals import selectors
from approvals.models import Approval, ChangeRequest
from approvals.services import applying, clock, deciding, requests
from core import events
from core.actors import Actor, ActorKind
from core.asking import Change
from core.errors import Conflict, DomainError, Invalid, NotFound, Refused, StaleVersion
from flags import selectors as flag_selectors
from flags.domain.change import StateChange
from flags.services import approval_rules, emergency, rollout, tokens
from tests.approvals.conftest import ANNA, BEN, HOUR, KEY, OLGA, OTHER, RULES, Ask, approve, raised

pytestmark = pytest.mark.django_db


def stands(key: str = KEY) -> tuple[bool, float]:
    state = flag_selectors.state(key, "production")
    return state.enabled, float(state.percentage)


def kinds(request: ChangeRequest) -> list[str]:
    told = events.about(f"request:{request.pk}").order_by("id")
    return [event.kind.partition(".")[2] for event in told]


def lower_by_hand(now: datetime, actor: Actor = BEN) -> None:
    rollout.change(KEY, "production", StateChange(percentage=1), actor=actor, reason="one percent", now=now)


# --- the way through ---


def test_asking_tries_the_changes_out_and_changes_nothing(ask: Ask) -> None:
    versions = flag_selectors.configuration_versions()
    request = ask(raised(50), Change("flag.allow_list", KEY, {"add": ["npub1a", "npub1b"]}))

    assert stands() == (False, 0)
    assert flag_selectors.configuration_versions() == versions
    (effect,) = request.effects
    assert (effect["subject"], effect["events"]) == (f"flag:{KEY}", ["flag.enabled", "flag.allow_list_changed"])
    assert (effect["before"]["percentage"], effect["after"]["percentage"]) == (0, 50)
    assert effect["after"]["allow_count"] == 2
    assert effect["data"]["added"] == ["npub1a", "npub1b"]
    assert request.rules == [f"In Production, {KEY} rises by 50 points, from 0 to 50 %."]
    assert [flag.key for flag in request.flags.all()] == [KEY]
    assert events.recent().filter(subject=f"flag:{KEY}", kind="flag.enabled").count() == 0


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_active": True}])
def test_the_word_of_somebody_who_may_not_approve_any_more_does_not_count(
    ask: Ask, now: datetime, change: dict[str, bool]
) -> None:
    get_user_model().objects.create_user("anna", **change)  # without the right, in both cases
    request = ask()
    approve(request, now=now)
    with pytest.raises(Conflict, match=r"anna may not approve any more: request \d+ takes somebody else's word"):
        applying.apply(request.pk, actor=OLGA, now=now)
    assert stands() == (False, 0)
    approve(request, BEN, now=now)
    assert applying.apply(request.pk, actor=OLGA, now=now).state == "applied"


def test_an_approved_request_is_applied_whole_and_its_events_name_it(ask: Ask, now: datetime) -> None:
    request = ask(raised(50), raised(30, OTHER))
    assert approve(request, now=now).state == "approved"
    done = applying.apply(request.pk, actor=OLGA, now=now)

    assert (stands(), stands(OTHER)) == ((True, 50), (True, 30))
    assert (done.state, done.applied_at) == ("applied", now)
    told = events.recent().filter(kind="flag.enabled").order_by("id")
    assert [(event.data["request"], event.reason) for event in told] == [(request.pk, "all is calm")] * 2
    assert kinds(request) == ["opened", "approved", "applied"]
    applied = events.about(f"request:{request.pk}").filter(kind="request.applied").get()
    assert applied.data["approved_by"] == ["anna"]
    assert applied.data["events"] == [event.pk for event in told]


def test_what_one_flag_refuses_is_done_to_none(ask: Ask, now: datetime) -> None:
    request = ask(raised(50), raised(30, OTHER))
    approve(request, now=now)
    ChangeRequest.objects.filter(pk=request.pk).update(
        changes=[raised(50).to_dict(), raised("30.5", OTHER).to_dict()]  # as after a change of what the service takes
    )
    with pytest.raises(Invalid, match="steps of 1 percent"):
        applying.apply(request.pk, actor=OLGA, now=now)
    assert (stands(), selectors.get(request.pk).state) == ((False, 0), "approved")


def test_the_strictest_rule_says_how_many_people_and_for_how_long(ask: Ask, rules: Any, now: datetime) -> None:
    rules(allow_list={"above": 1, "approvals": 3, "expires_after": 2 * HOUR})
    request = ask(raised(50), Change("flag.allow_list", KEY, {"add": ["npub1a", "npub1b"]}))
    assert (request.needed, request.expires_at) == (3, now + timedelta(hours=2))
    for person in (ANNA, BEN):
        assert approve(request, person, now=now).state == "open"
    assert approve(request, Actor("cleo", ActorKind.PERSON), now=now).state == "approved"


def test_a_request_that_no_rule_asks_for_still_takes_one_other_person(ask: Ask, now: datetime) -> None:
    request = ask(raised(5))
    assert (request.rules, request.needed, request.expires_at) == ([], 1, now + timedelta(days=3))
    with pytest.raises(Conflict, match="0 of the 1 approvals"):
        applying.apply(request.pk, actor=OLGA, now=now)


# --- who may not ---


def test_nobody_approves_what_they_or_their_token_asked_for(ask: Ask, now: datetime) -> None:
    tokens.create("pipeline", "production", ["operate"], actor=ANNA, now=now)
    by_token = ask(actor=Actor("pipeline", ActorKind.TOKEN))
    for request, person in ((ask(), OLGA), (by_token, ANNA)):
        with pytest.raises(Refused, match="another person has to approve"):
            approve(request, person, now=now)
    assert approve(by_token, BEN, now=now).state == "approved"


@pytest.mark.parametrize("kind", [ActorKind.TOKEN, ActorKind.COMMAND, ActorKind.MACHINE])
@pytest.mark.parametrize("decide", [approve, lambda r, by, now: deciding.reject(r.pk, reason="r", actor=by, now=now)])
def test_only_people_decide(ask: Ask, kind: ActorKind, decide: Callable[..., Any], now: datetime) -> None:
    with pytest.raises(Refused, match="Only a person"):
        decide(ask(), Actor("robot", kind), now=now)


def test_only_those_who_asked_or_edited_withdraw(ask: Ask, now: datetime) -> None:
    request = ask()
    with pytest.raises(Refused, match=r"Only those who asked .* \(olga\)"):
        deciding.withdraw(request.pk, reason="", actor=BEN, now=now)
    requests.edit(request.pk, title="Other", actor=BEN, now=now, version=request.version)
    assert deciding.withdraw(request.pk, reason="not today", actor=BEN, now=now).state == "withdrawn"


def test_whoever_edits_may_not_approve_any_more(ask: Ask, now: datetime) -> None:
    request = ask()
    approve(request, now=now)
    requests.edit(request.pk, changes=[raised(60)], actor=ANNA, now=now, version=selectors.get(request.pk).version)
    assert selectors.get(request.pk).state == "open"
    with pytest.raises(Refused):
        approve(request, ANNA, now=now)


# --- bad input, one row each: what is done first, then what is refused, and the words that say so ---

Step = Callable[[ChangeRequest, datetime], Any]


def edits(request: ChangeRequest, now: datetime) -> Any:
    version = selectors.get(request.pk).version
    return requests.edit(request.pk, changes=[raised(60)], actor=OLGA, now=now, version=version)


def applies(request: ChangeRequest, now: datetime) -> Any:
    return applying.apply(request.pk, actor=OLGA, now=now)


def approves(request: ChangeRequest, now: datetime) -> Any:
    return approve(request, now=now)


def rejects(request: ChangeRequest, now: datetime) -> Any:
    return deciding.reject(request.pk, reason="too soon", actor=ANNA, now=now)


def withdraws(request: ChangeRequest, now: datetime) -> Any:
    return deciding.withdraw(request.pk, reason="", actor=OLGA, now=now)


def refreshes(request: ChangeRequest, now: datetime) -> Any:
    return requests.refresh(request.pk, actor=OLGA, now=now)


def late(step: Step) -> Step:
    return lambda request, now: step(request, now + timedelta(hours=72))


def changes_flag(request: ChangeRequest, now: datetime) -> Any:
    lower_by_hand(now)


def tightens(request: ChangeRequest, now: datetime) -> Any:
    harder = RULES | {"raise": {"above": 20, "approvals": 2, "expires_after": HOUR}}
    approval_rules.define("production", harder, actor=OLGA, reason="r", now=now)


@pytest.mark.parametrize(
    ("first", "refused", "words"),
    [
        ([], applies, "has 0 of the 1 approvals"),
        ([approves], approves, "anna has approved request .* already"),
        ([approves, edits], applies, "has 0 of the 1 approvals"),
        ([approves, applies], applies, "is applied and cannot be applied"),
        ([approves, applies], edits, "is applied and cannot be edited"),
        ([approves, applies], withdraws, "is applied and cannot be withdrawn"),
        ([rejects], approves, "is rejected and cannot be approved"),
        ([approves, rejects], applies, "is rejected"),
        ([withdraws], applies, "is withdrawn"),
        ([], late(approves), "expired at 2025-08-14 09:00 UTC and cannot be approved. Ask for it again"),
        ([approves], late(applies), "expired at .* cannot be applied"),
        ([], late(edits), "expired"),
        ([], late(withdraws), "expired"),
        (
            [approves, changes_flag],
            applies,
            rf"{KEY} was changed by ben .* event \d+\]: one percent The approvals are void",
        ),
        ([changes_flag], approves, rf"{KEY} was changed by ben .* Refresh the request"),
        ([approves, changes_flag, refreshes], applies, "has 0 of the 1 approvals"),
        ([approves, tightens], applies, "By now this takes 2 approvals, and it has 1"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words_and_changes_nothing(
    first: list[Step], refused: Step, words: str, ask: Ask, now: datetime
) -> None:
    request = ask()
    for step in first:
        step(request, now)
    before = selectors.get(request.pk)
    told, flag_stands, approvals = events.recent().count(), stands(), Approval.objects.count()
    with pytest.raises(Conflict, match=words):
        refused(request, now)
    after = selectors.get(request.pk)
    assert (after.state, after.version) == (before.state, before.version)
    assert (events.recent().count(), stands(), Approval.objects.count()) == (told, flag_stands, approvals)


@pytest.mark.parametrize("step", [edits, refreshes, changes_flag])
def test_an_approval_is_for_what_the_person_looked_at(step: Step, ask: Ask, now: datetime) -> None:
    request = ask()
    seen = request.digest
    if step is refreshes:
        changes_flag(request, now)
    step(request, now)
    with pytest.raises(Conflict, match=r"not what you looked at any more: (edited|refreshed) by olga|changed by ben"):
        approve(request, digest=seen, now=now)


def test_an_edit_back_to_what_was_approved_brings_no_approval_back(ask: Ask, now: datetime) -> None:
    request = ask()
    approve(request, now=now)
    for percentage in (60, 50):
        version = selectors.get(request.pk).version
        requests.edit(request.pk, changes=[raised(percentage)], actor=OLGA, now=now, version=version)
    assert selectors.standing(selectors.get(request.pk), now).counting == ()
    edited = events.about(f"request:{request.pk}").filter(kind="request.edited").last()
    assert edited is not None
    assert edited.data["voided"] == ["anna"]


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"title": "  "}, "Give it a title"),
        ({"title": "x" * 201}, "At most 200 characters"),
        ({"reason": ""}, "Say why"),
        ({"reason": "\x00"}, "cannot be stored"),
    ],
)
def test_a_request_tells_what_and_why(over: dict[str, str], words: str, ask: Ask) -> None:
    with pytest.raises(Invalid, match=words):
        ask(**over)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (Change("flag.shout", KEY), Invalid, "There is no kind 'flag.shout'. Known: flag.state"),
        (Change("flag.state", "", {"enabled": True}), Invalid, "names its flag"),
        (Change("rules", KEY, {}), Invalid, "names no flag"),
        (Change("flag.state", KEY, {"enable": True}), Invalid, "changes.0.payload.enable: Extra inputs"),
        (Change("flag.state", KEY, {"enabled": "yes"}), Invalid, "valid boolean"),
        (Change("flag.state", KEY, {"percentage": 101}), Invalid, "0 to 100 percent"),
        (Change("flag.state", KEY, {"parameters": {"a": "\x00"}}), Invalid, "NUL"),
        (Change("flag.state", KEY, {"percentage": 0}), Invalid, "like this already"),
        (Change("flag.state", "nothing", {"enabled": True}), NotFound, "no flag 'nothing'"),
        (Change("flag.allow_list", KEY, {"add": [""]}), Invalid, "is no npub"),
        (Change("flag.targeting", KEY, {"targeting": {"rules": 1}}), Invalid, "rules"),
        (Change("flag.definition", KEY, {"colour": "red"}), Invalid, "has no colour"),
        (Change("ramp.start", KEY, {"template": "nothing"}), NotFound, "no ramp template 'nothing'"),
        (Change("ramp.resume", KEY, {"ramp": 99}), NotFound, "no ramp 99"),
        (Change("rules", "", {"raise": {"approvals": 4}}), Invalid, "less than or equal to 3"),
        (Change("rules", "", {"shout": {}}), Invalid, "There is no rule 'shout'"),
    ],
)
def test_a_change_that_cannot_be_is_refused_when_it_is_asked_for(
    change: Change, error: type[DomainError], words: str, ask: Ask
) -> None:
    with pytest.raises(error, match=words):
        ask(change)
    assert ChangeRequest.objects.count() == 0


def test_no_change_and_too_many_are_refused(rules: Any, now: datetime) -> None:
    for changes in ([], [raised(50)] * 201):
        with pytest.raises(Invalid, match="holds 1 to 200 changes"):
            requests.open_request("production", changes, title="t", reason="r", actor=OLGA, now=now)


def test_two_people_on_one_form_do_not_overwrite_each_other(ask: Ask, now: datetime) -> None:
    request = ask()
    requests.edit(request.pk, title="First", actor=BEN, now=now, version=request.version)
    with pytest.raises(StaleVersion):
        requests.edit(request.pk, title="Second", actor=OLGA, now=now, version=request.version)


# --- what else people see ---


def test_an_emergency_underneath_voids_and_is_named(ask: Ask, now: datetime) -> None:
    rollout.change(KEY, "production", StateChange(enabled=True, percentage=10), actor=BEN, reason="canary", now=now)
    request = ask(raised(60))
    approve(request, now=now)
    emergency.emergency_disable(KEY, "production", actor=BEN, reason="fire", now=now)
    told = selectors.standing(selectors.get(request.pk), now)
    assert told.counting == ()
    assert "flag.emergency_disabled" in told.stale
    with pytest.raises(Conflict, match="emergency_disabled"):
        applying.apply(request.pk, actor=OLGA, now=now)


def test_a_refresh_that_finds_nothing_changed_keeps_the_approvals(ask: Ask, now: datetime) -> None:
    request = ask()
    approve(request, now=now)
    requests.refresh(request.pk, actor=OLGA, now=now)
    assert selectors.get(request.pk).state == "approved"
    assert kinds(request) == ["opened", "approved"]


def test_a_refresh_reads_the_rules_again(ask: Ask, now: datetime) -> None:
    request = ask()
    approve(request, now=now)
    tightens(request, now)
    requests.refresh(request.pk, actor=OLGA, now=now)
    after = selectors.get(request.pk)
    assert (after.state, after.needed, selectors.standing(after, now).missing) == ("open", 2, 1)
    approve(request, BEN, now=now)
    applies(request, now)
    assert stands() == (True, 50)


def test_requests_that_touch_the_same_are_told_of_each_other(ask: Ask, now: datetime) -> None:
    one, two, three = ask(), ask(raised(40), raised(30, OTHER)), ask(raised(25, OTHER))
    assert [(clash.request.pk, clash.subjects) for clash in selectors.conflicts(one)] == [(two.pk, (f"flag:{KEY}",))]
    assert [clash.request.pk for clash in selectors.conflicts(two)] == [one.pk, three.pk]
    withdraws(two, now)
    assert selectors.conflicts(selectors.get(one.pk)) == []


def test_what_waits_for_a_person_is_what_that_person_could_approve(ask: Ask, now: datetime) -> None:
    mine, theirs = ask(actor=ANNA), ask()
    assert [row.pk for row in selectors.waiting("anna", now=now)] == [theirs.pk]
    assert [row.pk for row in selectors.waiting("olga", now=now)] == [mine.pk]
    assert selectors.waiting("anna", now=now + timedelta(days=4)) == []


def test_a_comment_is_kept_and_told_and_voids_nothing(ask: Ask, now: datetime) -> None:
    request = ask()
    approve(request, now=now)
    requests.comment(request.pk, " looks good ", actor=BEN, now=now)
    assert [(said.author, said.text) for said in request.comments.all()] == [("ben", "looks good")]
    assert selectors.get(request.pk).state == "approved"
    with pytest.raises(Invalid, match="Write something"):
        requests.comment(request.pk, "  ", actor=BEN, now=now)
    assert kinds(request)[-1] == "commented"


def test_reads_take_a_fixed_number_of_queries(
    ask: Ask, now: datetime, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for percentage in range(25, 45):
        ask(raised(percentage), raised(percentage, OTHER))
    with django_assert_max_num_queries(3):
        assert len(selectors.waiting("anna", now=now)) == 20
    with django_assert_max_num_queries(3):
        assert len(list(selectors.listed(environment="production"))) == 20
    request = selectors.get(ChangeRequest.objects.first().pk)
    with django_assert_max_num_queries(3):
        assert len(selectors.conflicts(request)) == 19
    with django_assert_max_num_queries(2):
        selectors.standing(request, now)


def test_the_clock_records_what_voids_once(ask: Ask, now: datetime) -> None:
    request = ask()
    approve(request, now=now)
    lower_by_hand(now)
    for _ in range(3):
        assert clock.tick(now) == 0
    after = selectors.get(request.pk)
    assert after.state == "open"
    assert after.voided_reason.startswith(f"{KEY} was changed by ben")
    assert kinds(request) == ["opened", "approved", "voided"]
    requests.refresh(request.pk, actor=OLGA, now=now)
    approve(request, now=now)
    applies(request, now)
    assert stands() == (True, 50)
