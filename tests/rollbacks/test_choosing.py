"""Another revision than the proposed one: chosen by number, kept by pod template, refused when it is no way back."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

import flags.selectors
from core.errors import Conflict, Invalid
from flags.services import rollout, tokens
from flags.services.tokens import Scope
from rollbacks import selectors
from rollbacks.models import Rollback
from rollbacks.services import running
from rollouts.models import Ramp
from rollouts.services import validation
from tests.rollbacks.conftest import BAD, GOOD, KEY, OLGA, Ask, Cluster, all_pass, confirm, switch_on
from tests.rollouts.conftest import guard, ramp, template  # noqa: F401

pytestmark = pytest.mark.django_db
OLD = "nctool:1.9.3"
ASKING = "/admin/rollbacks/rollback/ask/"


def done(row: Rollback, now: datetime) -> Rollback:
    """What the workers do, until it is over or stops."""
    for second in range(1, 13):
        running.advance(clock=lambda second=second: now + timedelta(seconds=10 * second))
        validation.run_due(now=now + timedelta(seconds=10 * second), every=timedelta(0), apart=all_pass)
    return selectors.get(row.public_id)


def test_the_chosen_revision_is_kept_by_its_template_and_gone_back_to_by_whatever_number(
    ask: Ask, cluster: Cluster, now: datetime
) -> None:
    row = ask("application", revision=1)
    step = row.plan["steps"][1]
    assert step["lines"][0].endswith(f"revision 3 ({BAD}) → revision 1 ({OLD}), chosen")
    assert (row.chosen["image"], row.chosen["template"]) == (OLD, step["what"]["target_template"])
    assert row.digest != ask("all").digest
    confirm(row, now=now)
    cluster.set(revisions={GOOD: 4, OLD: 5, BAD: 6})
    assert (done(row, now).state, cluster.state["image"], cluster.state["undone"]) == ("done", OLD, 1)
    assert "rollout undo deployment/nctool --to-revision=5 --request-timeout=5s" in cluster.said


@pytest.mark.parametrize(
    ("component", "revision", "why"),
    [
        ("application", 3, rf"Revision 3 \({BAD}\) is what runs now"),
        ("application", 9, rf"does not keep revision 9. It keeps 2 \({GOOD}\), 1 \({OLD}\)"),
        ("all", 9, "does not keep revision 9"),
        ("feature", 2, "A revision is of the application"),
        ("database", 2, "A revision is of the application"),
    ],
)
def test_what_is_no_way_back_is_refused_and_nobody_is_asked(
    component: str, revision: int, why: str, ask: Ask, cluster: Cluster
) -> None:
    with pytest.raises(Invalid, match=why) as refusal:
        ask(component, revision=revision)
    assert refusal.value.field == "revision"
    assert not Rollback.objects.exists()


def test_without_kubectl_nothing_can_be_chosen(ask: Ask, cluster: Cluster, settings: Any) -> None:
    settings.KUBECTL = "/nowhere/kubectl"
    with pytest.raises(Invalid, match="So revision 2 cannot be looked up: ask without choosing one"):
        ask("application", revision=2)


@pytest.mark.parametrize(
    ("moved", "state", "says"),
    [
        ({"revisions": {GOOD: 2, BAD: 3}}, "refused", rf"does not keep revision 1 ({OLD}). It keeps 2 ({GOOD})"),
        ({"image": OLD, "revisions": {GOOD: 2, BAD: 3, OLD: 4}}, "refused", f"Revision 4 ({OLD}) is what runs now"),
        ({"revisions": {OLD: 4, GOOD: 5, BAD: 6}}, "requested", f"revision 6 ({BAD}) → revision 4 ({OLD}), chosen"),
        ({"context": "another"}, "requested", f"goes back to {OLD}, which was chosen (revision 1 then)"),
    ],
)
def test_a_cluster_that_moved_before_the_confirmation_never_changes_what_was_chosen(
    moved: dict[str, Any], state: str, says: str, ask: Ask, cluster: Cluster, now: datetime
) -> None:
    row = ask("application", revision=1)
    cluster.set(**moved)
    with pytest.raises(Conflict):
        confirm(row, now=now)
    row.refresh_from_db()
    assert row.state == state
    assert says in f"{row.closed_reason} {row.replanned}"
    assert flags.selectors.state(KEY, "production").enabled


def test_what_was_rolled_back_from_can_be_chosen_with_a_warning(ask: Ask, cluster: Cluster, now: datetime) -> None:
    row = ask("application")
    confirm(row, now=now)
    done(row, now)
    again = ask("application", revision=3, now=now + timedelta(hours=1))
    assert "An earlier rollback went away from what was chosen" in " ".join(again.plan["steps"][0]["lines"])


def test_the_form_lists_the_revisions_and_plans_with_the_chosen_one(
    client_as: Callable[[str], Client], cluster: Cluster
) -> None:
    operator = client_as("operator")
    form = {"environment": "production", "component": "application", "reason": "errors"}
    text = operator.get(ASKING, form, headers={"HX-Request": "true"}).text
    for told in (f'revision 3, <span class="ops-mono">{BAD}', "runs now", "proposed", "first deployed", OLD):
        assert told in text
    chosen = operator.get(ASKING, {**form, "revision": "1"}, headers={"HX-Request": "true"}).text
    assert f"revision 1 ({OLD}), chosen" in chosen
    gone = operator.post(ASKING, {**form, "revision": "9"})
    assert (gone.status_code, "does not keep revision 9" in gone.text, "runs now" in gone.text) == (422, True, True)
    assert "A revision is a number" in operator.post(ASKING, {**form, "revision": "two"}).text
    assert operator.post(ASKING, {**form, "revision": "1"}).status_code == 302
    assert Rollback.objects.get().chosen["image"] == OLD


def test_a_revision_left_over_from_another_component_does_not_stand_in_the_way(
    client_as: Callable[[str], Client], cluster: Cluster
) -> None:
    form = {"environment": "production", "component": "feature", "flag": KEY, "reason": "errors", "revision": "1"}
    assert client_as("operator").post(ASKING, form).status_code == 302
    assert Rollback.objects.get().chosen == {}


def test_a_token_lists_the_revisions_and_chooses(client: Client, cluster: Cluster) -> None:
    _, secret = tokens.create("pipeline", "production", [Scope.OPERATE], actor=OLGA, now=timezone.now())
    headers = {"Authorization": f"Bearer {secret}"}
    listed = client.get("/api/v1/revisions", headers=headers).json()
    assert [(each["number"], each["standing"]) for each in listed] == [(3, "live"), (2, "proposed"), (1, "older")]
    assert listed[0]["created_at"] == "2025-08-01T09:00:00Z"

    def ask_for(revision: int) -> Any:
        body = {"component": "application", "reason": "errors", "revision": revision}
        return client.post("/api/v1/rollbacks", body, content_type="application/json", headers=headers)

    assert ask_for(9).status_code == 422
    assert ask_for(1).json()["chosen"]["image"] == OLD
    assert client.get("/api/v1/revisions").status_code == 401
    cluster.set(context="another")
    assert client.get("/api/v1/revisions", headers=headers).status_code == 409


def test_the_command_line_lists_the_revisions_and_chooses(cluster: Cluster) -> None:
    def said(*arguments: str) -> str:
        out = io.StringIO()
        call_command("rollback", *arguments, stdout=out)
        return out.getvalue()

    lines = said("revisions", "--environment", "production").splitlines()
    assert [line.split()[0:3] for line in lines[:2]] == [["3", BAD, "runs"], ["2", GOOD, "proposed"]]
    with pytest.raises(CommandError, match="No application is set up"):
        said("revisions", "--environment", "staging")
    ask = ("request", "application", "--environment", "production", "--reason", "errors")
    with pytest.raises(CommandError, match="is what runs now"):
        said(*ask, "--revision", "3")
    assert json.loads(said(*ask, "--revision", "1", "--json"))["chosen"]["number"] == 1


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_the_pages_of_a_flag_and_a_ramp_lead_to_the_form_filled_in(
    role: str,
    client_as: Callable[[str], Client],
    ramp: Ramp,  # noqa: F811
) -> None:
    now = timezone.now()
    switch_on(KEY, 25, now=now)
    client = client_as(role)
    state = flags.selectors.state(KEY, "production")
    pages = (f"/admin/flags/flagstate/{state.pk}/change/", f"/admin/rollouts/ramp/{ramp.pk}/change/")
    link = f"{ASKING}?environment=production&amp;component=feature&amp;flag={KEY}"
    assert {link in client.get(page).text for page in pages} == {role == "operator"}
    if role == "operator":
        assert f"{KEY}: 25 % → off" in client.get(link.replace("&amp;", "&")).text
    rollout.disable(KEY, "production", actor=OLGA, reason="quiet", now=now)
    assert {link in client.get(page).text for page in pages} == {False}
