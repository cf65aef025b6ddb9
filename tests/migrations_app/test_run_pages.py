"""The screens of migrations: what they show, who may do what, and what a refusal says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from core import beside, events, heartbeats
from migrations_app import selectors
from migrations_app.adapters import target
from migrations_app.admin import words
from migrations_app.domain.states import RunState, Wish
from migrations_app.models import MigrationRun
from migrations_app.services import requesting
from nctool_rollout.roles import Role
from nctool_rollout.sidebar import navigation
from tests.migrations_app.engine import raw
from tests.migrations_app.ground import APPROVER, CHANGES, OPERATOR, TOKENS, Ground
from tests.servers import free_port

LIST = "/admin/migrations_app/migrationrun/"
PLAN = f"{LIST}plan/"
LOG = "/admin/migrations_app/migrationlog/"
HTMX = {"HX-Request": "true"}
ClientAs = Callable[[str], Client]
REQUESTS = ("pause", "resume", "go-on", "again", "speed", "abort", "leave", "roll-back")
APPROVES = ("approve", "unlock", "forget")


def page(row: MigrationRun, name: str = "change") -> str:
    return f"{LIST}{row.pk}/{name}/"


def wanted(**over: Any) -> dict[str, Any]:
    form = {"number": "002", "environment": "staging", "phases": "change", "canary": "0", "traffic": "live"}
    return {**form, "reason": "week 2", **over}


def set_(row: MigrationRun, **fields: Any) -> MigrationRun:
    MigrationRun.objects.filter(pk=row.pk).update(**fields)
    return selectors.get(row.uid)


# --- who may do what ---


@pytest.mark.parametrize("role", list(Role))
def test_everybody_looks_operators_ask_and_steer_and_approvers_decide(
    ground: Ground,
    client_as: ClientAs,
    role: Role,
) -> None:
    row, client = ground.completed(actor=APPROVER), client_as(role)
    seen = [LIST, page(row), page(row, "documents"), page(row, "documents/1/0"), LOG, f"{LIST}?environment=staging"]
    for address in seen:
        assert client.get(address).status_code == 200, address
    operates, approves = role is not Role.VIEWER, role is Role.APPROVER
    allowed = {PLAN: operates, page(row, "refuse"): approves}
    allowed |= {page(row, name): operates for name in REQUESTS} | {page(row, name): approves for name in APPROVES}
    for address, may in allowed.items():
        assert client.get(address).status_code == (200 if may else 403), address
        if not may:
            assert client.post(address, {"reason": "no", "digest": row.digest, "speed": 50}).status_code == 403
    assert client.post(PLAN, wanted(step="dry")).status_code == (200 if operates else 403)
    assert ("Plan its cleanup" in client.get(LIST).text) is operates
    assert client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"{LOG}add/").status_code == 403
    assert selectors.get(row.uid).version == row.version


def test_without_a_role_nothing_is_seen_and_a_stranger_is_asked_to_sign_in(
    ground: Ground,
    client_as: ClientAs,
    person: Callable[[str], Any],
) -> None:
    row, client = ground.completed(), client_as("viewer")
    person("viewer").groups.clear()
    by_id = reverse("admin:migrations_app_run_by_id", args=[row.uid])
    names = ("change", "documents", "documents/1/0", "refuse", *REQUESTS, *APPROVES)
    for address in (LIST, PLAN, LOG, by_id, *(page(row, name) for name in names)):
        assert client.get(address).status_code == 403, address
        assert Client().get(address).headers["Location"].startswith("/admin/login/"), address


def test_what_is_not_there_is_not_found(ground: Ground, client_as: ClientAs) -> None:
    client, row = client_as("approver"), ground.completed()
    for address in (f"{LIST}999/change/", f"{LIST}999/pause/", f"{LIST}id/mr-none/", page(row, "documents/99/0")):
        assert client.get(address).status_code == 404, address
    assert client.get(beside.page_of(f"migration:{row.uid}")).headers["Location"] == page(row)


# --- the list and the dry run ---


def test_the_list_tells_of_each_phase_in_each_environment_whether_it_is_applied(
    ground: Ground,
    client_as: ClientAs,
    settings: Settings,
) -> None:
    client, row = client_as("operator"), ground.completed()
    sections = {section.environment.key: section for section in client.get(LIST).context["sections"]}
    assert list(sections) == ["production", "staging"]
    told = {key: [line.look[0] for line in section.cards[0].lines] for key, section in sections.items()}
    assert told == {"production": ["not applied"] * 3, "staging": ["applied", "applied", "not applied"]}
    assert sections["staging"].cards[0].lines[1].run == row
    assert "environment=staging&number=002&phases=cleanup" in sections["staging"].cards[0].plan_url
    set_(row, checksum="v1:other")
    assert "Its file was changed since it was applied here" in client.get(LIST).text
    nowhere = client.get(LIST, {"environment": "development"}).text
    assert "NCTOOL_MONGODB_URL_DEVELOPMENT" in nowhere
    assert "No run here" in nowhere
    assert client.get(LIST, {"state": "completed"}).context["cl"].result_count == 1


def test_the_dry_run_counts_shows_documents_without_what_can_be_spent_and_writes_nothing(
    ground: Ground,
    client_as: ClientAs,
) -> None:
    ground.waive("staging")
    before = raw(ground.databases["staging"])
    found = client_as("operator").post(PLAN, wanted(step="dry", reason=""))
    assert found.status_code == 200
    plan = found.context["dry"].plan
    assert (plan["documents"], [each.get("documents") for each in plan["operations"]]) == (
        CHANGES,
        [None, None, 60, 12],
    )
    text = found.text
    for told in ("60</strong> of 60 documents", "restored", "(not shown)", "Ask for this run: it starts at once"):
        assert told in text
    assert "&quot;secret&quot;" not in text
    assert (raw(ground.databases["staging"]), MigrationRun.objects.count()) == (before, 0)


def test_a_dry_run_that_would_be_refused_says_why(ground: Ground, client_as: ClientAs) -> None:
    ground.completed()
    text = client_as("operator").post(PLAN, wanted(step="dry")).text
    assert "As things stand it would be refused" in text
    assert "applied in staging already" in text
    cleanup = client_as("operator").post(PLAN, wanted(step="dry", phases="cleanup")).text
    assert "Cleanup waits 7 days" in cleanup


def test_nothing_else_is_asked_for_than_what_the_dry_run_has_shown(
    ground: Ground,
    client_as: ClientAs,
) -> None:
    ground.waive("staging")
    operator = client_as("operator")
    tried = operator.post(PLAN, wanted(step="dry", canary=10)).context["dry"].about
    unseen = operator.post(PLAN, wanted(step="ask"))
    other = operator.post(PLAN, wanted(step="ask", canary=20, tried=tried))
    for refused in (unseen, other):
        assert (refused.status_code, "not what a dry run has shown" in refused.text) == (422, True)
    silent = operator.post(PLAN, wanted(step="ask", canary=10, tried=tried, reason=" "))
    assert (silent.status_code, "Say why" in silent.text) == (422, True)
    assert silent.context["tried"] == tried
    assert operator.post(PLAN, wanted(step="ask", canary=51, tried=tried)).status_code == 422
    assert not MigrationRun.objects.exists()
    asked = operator.post(PLAN, wanted(step="ask", canary=10, tried=tried))
    row = MigrationRun.objects.get()
    assert (asked.status_code, asked.headers["Location"]) == (302, page(row))
    assert (row.state, row.canary, row.requested_by) == (RunState.APPROVED, 10, "operator")


def test_a_database_that_is_away_is_told_and_what_needs_none_goes_on(
    ground: Ground,
    client_as: ClientAs,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(target, "ANSWER", 0.3)
    client, row = client_as("approver"), ground.completed()
    settings.NCTOOL_MONGODBS = {"STAGING": f"mongodb://127.0.0.1:{free_port()}/nctool"}
    dry = client.post(PLAN, wanted(step="dry"))
    assert (dry.status_code, "MongoDB does not answer" in dry.text) == (503, True)
    for name in ("documents", "documents/1/0"):
        away = client.get(page(row, name))
        assert (away.status_code, "MongoDB does not answer" in away.text) == (503, True)
    for name in ("unlock", "forget"):
        refused = client.post(page(row, name), {"reason": "clean up"})
        assert (refused.status_code, "nothing was changed" in refused.text) == (409, True), name
    assert client.get(page(row)).status_code == 200
    assert client.get(LIST).status_code == 200


# --- approving ---


def test_another_person_approves_exactly_what_the_page_shows(ground: Ground, client_as: ClientAs) -> None:
    own = ground.ask("production", actor=APPROVER)
    approver, operator = client_as("approver"), client_as("operator")
    shown = approver.get(page(own)).text
    assert "You asked for this: another person has to approve it." in shown
    assert "Approve and begin" not in shown
    refused = approver.post(page(own, "approve"), {"digest": own.digest})
    assert (refused.status_code, "another person has to approve" in refused.text) == (403, True)
    assert approver.post(page(own, "refuse"), {"reason": "too early"}).status_code == 302

    row = ground.ask("production")
    assert f'value="{row.digest}"' in approver.get(page(row, "approve")).text
    assert approver.post(page(row, "approve"), {"digest": "0" * 64}).status_code == 409
    assert operator.post(page(row, "approve"), {"digest": row.digest}).status_code == 403
    dialog = approver.post(page(row, "approve"), {"digest": row.digest}, headers=HTMX)
    assert dialog.headers["HX-Redirect"] == page(row)
    row = selectors.get(row.uid)
    assert (row.state, row.approved_by) == (RunState.APPROVED, "approver")


def test_who_asked_takes_it_back_and_another_operator_does_not(
    ground: Ground,
    client_as: ClientAs,
) -> None:
    row = ground.ask("production", actor=APPROVER)
    operator = client_as("operator")
    assert operator.post(page(row, "refuse"), {"reason": "no"}).status_code == 403
    assert "An approver decides on it" not in operator.get(page(set_(row, state="expired"))).text
    own = ground.ask("production")
    assert "You asked for this" in operator.get(page(own)).text
    assert operator.post(page(own, "refuse"), {"reason": "too early"}).status_code == 302
    assert selectors.get(own.uid).state == RunState.REFUSED


def test_what_waits_for_an_approver_is_counted_in_the_sidebar(
    ground: Ground,
    client_as: ClientAs,
    rf: Any,
    person: Callable[[str], Any],
) -> None:
    def badge(role: str) -> str | None:
        request = rf.get("/admin/")
        request.user = person(role)
        items = [item for group in navigation(request) for item in group["items"]]
        return next(item for item in items if item["title"] == "Migrations").get("badge")

    ground.ask("production")
    assert (badge("approver"), badge("operator")) == ("1", None)


# --- steering ---


OFFERED: list[tuple[dict[str, Any], list[str]]] = [
    ({"state": "running"}, ["Pause", "Set the speed", "Abort and take back", "End and leave"]),
    ({"state": "running", "wish": "pause"}, ["Resume", "Set the speed", "Abort and take back", "End and leave"]),
    ({"state": "running", "wish": "abort"}, ["Set the speed"]),
    ({"state": "paused"}, ["Resume", "Set the speed", "Abort and take back", "End and leave"]),
    ({"state": "held"}, ["Go on with the rest", "Set the speed", "Abort and take back", "End and leave"]),
    ({"state": "rolling_back"}, ["Set the speed"]),
    ({"state": "rollback_failed"}, ["Try the rollback again", "Roll back"]),
    ({"state": "completed"}, ["Roll back"]),
    ({"state": "completed", "result": {"forgotten": "2025-08-18T09:00:00+00:00"}}, []),
    ({"state": "abandoned"}, ["Roll back"]),
    ({"state": "rolled_back"}, []),
]


def test_a_run_offers_what_would_not_be_refused_as_it_stands(ground: Ground, client_as: ClientAs) -> None:
    row, operator, viewer = ground.completed(), client_as("operator"), client_as("viewer")
    as_it_was = {"wish": "", "result": row.result}
    for fields, offered in OFFERED:
        if fields["state"] == "rolled_back":
            row.logs.update(status="ROLLED_BACK")
        row = set_(row, **{**as_it_was, **fields})
        found = operator.get(page(row))
        assert [each.label for each in found.context["commands"]] == offered, fields
    assert viewer.get(page(row)).context["commands"] == []


def test_a_run_is_paused_slowed_down_resumed_and_aborted_from_its_page(
    ground: Ground,
    client_as: ClientAs,
) -> None:
    row, client = ground.completed(canary=10), client_as("operator")
    assert row.state == RunState.HELD

    def send(name: str, **values: Any) -> tuple[int, MigrationRun]:
        status = client.post(page(row, name), {"reason": "as agreed", **values}).status_code
        return status, selectors.get(row.uid)

    assert send("speed", speed=3)[1].speed == 100
    status, now = send("speed", speed=50)
    assert (status, now.speed) == (302, 50)
    assert send("pause")[0] == 409
    status, now = send("go-on")
    assert (status, now.state) == (302, RunState.RUNNING)
    status, now = send("pause")
    assert (status, now.wish) == (302, Wish.PAUSE)
    assert "It pauses after the batch it is at" in client.get(page(row)).text
    status, now = send("resume")
    assert (status, now.wish) == (302, Wish.NONE)
    assert send("abort", reason=" ")[0] == 200, "the form again, with what is missing"
    status, now = send("abort")
    assert (status, now.wish) == (302, Wish.ABORT)
    assert ground.work(row).state == RunState.ROLLED_BACK  # type: ignore[union-attr]


# --- the page ---


def test_the_live_part_tells_how_far_it_is_how_long_it_takes_and_why_it_waits(
    ground: Ground,
    client_as: ClientAs,
) -> None:
    now = timezone.now().isoformat()
    progress = {"phase": "data", "operation": "Add metadata", "done": 18, "rate": 9.0, "lag": 1.5, "batch": 120}
    row = set_(ground.completed(), state="running", speed=50, progress={**progress, "journal_bytes": 2100, "at": now})
    client = client_as("viewer")
    assert 'hx-trigger="every 2s [opsMayRenew()]"' in client.get(page(row)).text
    text = client.get(page(row), headers=HTMX).text
    for told in ("25 %", "18 of 72 documents", "Add metadata", "1.5 s", "2.1 kB", "120"):
        assert told in text
    assert "<dd>12 s</dd>" in text, "54 at 9 a second in half of the time"
    assert "<html" not in text
    set_(row, progress={**progress, "waiting": "The replication lag is 8 s: the run waits.", "at": now})
    waits = client.get(page(row), headers=HTMX).text
    assert "The replication lag is 8 s" in waits
    assert "<dd>12 s</dd>" not in waits
    old = timezone.now() - timedelta(minutes=5)
    set_(row, progress={**progress, "at": old.isoformat()})
    assert "Its worker has given no sign for a minute" in client.get(page(row), headers=HTMX).text
    heartbeats.beat("migrator", now=old)
    assert "see whether manage.py migrator runs" in client.get(page(row), headers=HTMX).text


def test_the_page_of_a_run_that_is_over_shows_its_validation_its_log_and_its_history(
    ground: Ground,
    client_as: ClientAs,
) -> None:
    row = ground.completed()
    found = client_as("viewer").get(page(row))
    comparison = found.context["comparison"]
    assert comparison.totals == [("cashutokens", 60, 60), ("cashuwallets", 20, 20)]
    assert all(line.ok for line in comparison.lines)
    assert len(comparison.wallets) == 10
    assert all(had == has for _, had, has in comparison.wallets)
    assert found.context["changed"] == [
        ("Add metadata to tokens that have none", 60),
        ("Mark melted tokens of the old system for cleanup", 12),
    ]
    assert [log.phase for log, _, _ in found.context["logs"]] == ["schema", "data"]
    for told in ("Migration completed", "20 wallets; 0 have become wrong", row.checksum, row.plan["target"]):
        assert told in found.text
    assert "every 2s" not in found.text, "nothing of it changes any more"


def test_a_validation_that_failed_is_told_with_its_documents_first(
    ground: Ground,
    client_as: ClientAs,
    settings: Settings,
) -> None:
    settings.NCTOOL_MONGODB_ENVIRONMENT = "staging"
    row, token = ground.completed(), ground.databases["staging"].cashutokens.find_one()
    title = "tokens without metadata"
    checks = {**row.after["checks"], title: {"ok": False, "told": "1", "named": {"left": [str(token["_id"])]}}}
    row = set_(row, after={**row.after, "checks": checks, "ok": False}, error="The validation failed")
    found = client_as("viewer").get(page(row))
    assert found.context["comparison"].lines[0].title == title
    assert f"/admin/migrations_app/cashutoken/{token['_id']}/change/" in found.text


def test_a_rollback_is_asked_for_in_a_dialog_and_its_page_names_what_could_not_be_put_back(
    ground: Ground,
    client_as: ClientAs,
    settings: Settings,
) -> None:
    settings.NCTOOL_MONGODB_ENVIRONMENT = "staging"
    row, client = ground.completed(), client_as("operator")
    tokens = ground.databases["staging"].cashutokens
    tokens.update_one({"amount": 3}, {"$set": {"metadata.version": "9"}})
    tokens.update_one({"amount": 4}, {"$set": {"note": "mine"}})
    tokens.delete_one({"amount": 6})
    assert f"each of {CHANGES} changes is put back" in client.get(page(row, "roll-back")).text
    wrong = client.post(page(row, "roll-back"), {"reason": "no", "phases": ["schema"]})
    assert (wrong.status_code, "came after schema" in wrong.text) == (409, True)
    done = client.post(page(row, "roll-back"), {"reason": "numbers look odd"}, headers=HTMX)
    down = MigrationRun.objects.get(direction="down")
    assert done.headers["HX-Redirect"] == page(down)
    ground.work()
    found = client.get(page(down))
    counts = {look[0]: count for look, count, _ in found.context["fates"]}
    assert counts == {"restored": CHANGES - 3, "merged": 1, "conflict": 1, "gone": 1}
    odd = tokens.find_one({"amount": 3})["_id"]
    assert f"/admin/migrations_app/cashutoken/{odd}/change/" in found.text
    assert page(down) in client.get(page(row)).text
    assert "rolled back" in client.get(LIST).text


def test_what_is_wrong_now_tells_of_a_run_that_waits_after_its_canary(ground: Ground, client_as: ClientAs) -> None:
    ground.completed(canary=10)
    assert "has done its canary, and waits for a person" in client_as("operator").get("/admin/core/event/recent/").text


def test_an_approver_takes_a_lock_away_and_drops_a_journal_for_good(
    ground: Ground,
    client_as: ClientAs,
) -> None:
    row, approver = ground.completed(), client_as("approver")
    assert "Nobody has the lock" in approver.get(page(row, "unlock")).text
    assert approver.post(page(row, "unlock"), {"reason": "stuck"}).status_code == 409
    assert approver.post(page(row, "forget"), {"reason": "a month is over"}).status_code == 302
    shown = approver.get(page(row))
    assert "it cannot be taken back any more" in shown.text
    assert [each.label for each in shown.context["commands"]] == []
    assert "Its journal was dropped" in approver.get(page(row, "documents")).text
    assert events.about(f"migration:{row.uid}").filter(kind="migration.forgotten").exists()


# --- the documents of a run ---


def test_documents_are_paged_in_the_order_of_the_journal_with_what_each_field_was(
    ground: Ground,
    client_as: ClientAs,
) -> None:
    row, client = ground.completed(), client_as("viewer")
    first = client.get(page(row, "documents"))
    keys = [entry.key for entry in first.context["entries"]]
    assert len(keys) == 50
    rest = client.get(page(row, "documents"), first.context["following"])
    keys += [entry.key for entry in rest.context["entries"]]
    tokens = ground.databases["staging"].cashutokens.find({}, {"_id": 1}).sort("_id", 1)
    assert keys[:TOKENS] == [str(each["_id"]) for each in tokens]
    assert (len(keys), rest.context["following"]) == (CHANGES, None)
    assert first.context["entries"][0].leaves[0] == ("metadata.migrated", "not there", "true")
    assert client.get(page(row, "documents"), {"seq": "x", "first": "-1"}).status_code == 200


def test_one_document_tells_its_present_state_and_what_a_rollback_would_make_of_it(
    ground: Ground,
    client_as: ClientAs,
) -> None:
    row, client = ground.completed(), client_as("viewer")
    tokens = ground.databases["staging"].cashutokens
    one = client.get(page(row, "documents/1/3"))
    assert one.context["fate"][0] == "restored"
    twice = client.get(page(row, "documents/1/0")).context
    assert (twice["fate"][0], twice["whole"]) == ("restored", True), "both operations have changed it"
    assert one.context["leaves"][0] == ("metadata.migrated", "not there", "true", "true")
    assert "(not shown)" in one.text
    assert "&quot;secret&quot;" not in one.text
    tokens.update_one({"amount": 3}, {"$set": {"metadata.version": "9"}})
    assert client.get(page(row, "documents/1/3")).context["fate"][0] == "conflict"
    tokens.delete_one({"amount": 3})
    gone = client.get(page(row, "documents/1/3"))
    assert (gone.context["fate"][0], "It is not there any more" in gone.text) == ("gone", True)


def test_what_can_be_spent_is_shown_nowhere() -> None:
    proofs = [{"secret": "s1", "amount": 2}]
    assert words.value(proofs, "proofs") == words.NOT_SHOWN
    assert words.value("s1", "metadata.proofs.0.secret") == words.NOT_SHOWN
    assert "s1" not in words.value({"inputs": proofs})
    assert "s1" not in words.as_json({"metadata": {"old": {"proofs": proofs}}, "more": proofs})


# --- the database of the control plane ---


def test_the_list_and_the_live_part_ask_a_fixed_number_of_questions(
    ground: Ground,
    client_as: ClientAs,
) -> None:
    client, row = client_as("viewer"), ground.completed()

    def count(address: str, **headers: Any) -> int:
        client.get(address, headers=headers)
        with CaptureQueriesContext(connection) as found:
            assert client.get(address, headers=headers).status_code == 200
        return len(found)

    few = count(LIST), count(page(row), **HTMX)
    requesting.request_rollback(row.uid, reason="no", actor=OPERATOR, now=timezone.now())
    ground.work()
    ground.completed()
    many = count(LIST), count(page(row), **HTMX)
    assert many[0] == few[0]
    assert many[1] <= few[1], "of one that was taken back no journal is kept"
    assert few[0] <= 16
    assert few[1] <= 10


# --- home ---


def test_home_tells_approvers_which_runs_wait_for_them(ground: Ground, client_as: ClientAs) -> None:
    asked, held = ground.ask("production"), ground.completed("staging", canary=10)
    assert held.state == RunState.HELD
    told = client_as("approver").get("/admin/").text
    assert page(asked) in told
    assert page(held) in told
    assert "migration to approve" in told
    assert "canary is done" in told
    assert page(asked) not in client_as("operator").get("/admin/").text
