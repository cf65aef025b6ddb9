"""The screen of readiness: who sees it, who may waive, and what it says without a database."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings

from core import events
from core.actors import Actor, ActorKind
from migrations_app.models import Backup, ReadinessWaiver
from migrations_app.services import backups, readiness
from nctool_rollout.roles import Role
from tests.servers import free_port

PERSON = Actor("ada", ActorKind.PERSON)
HTMX = {"HX-Request": "true"}
SCREEN = "/admin/migrations_app/readiness/"


@pytest.fixture
def ground(all_environments: None, settings: Settings, tmp_path: Path) -> dict[str, str]:
    """Production with a waiver and a backup, its database away. The addresses by their names."""
    settings.NCTOOL_MONGODB = f"mongodb://127.0.0.1:{free_port()}/nctool"
    script = tmp_path / "backup.py"
    script.write_text("print('<b>done</b>'); print('size=2048'); print('place=/backups/nctool.gz')")
    settings.BACKUP_COMMANDS = {"PRODUCTION": shlex.join([sys.executable, str(script)])}
    now = timezone.now()
    waiver = readiness.waive("production", "diskSpace", "df says 61 % free", 4, PERSON, now)
    made = backups.request("production", PERSON, "before 002", now)
    backups.run_next(clock=lambda: now, look=0.05)
    named: dict[str, list[Any]] = {
        "in": ["production"],
        "measured": ["production"],
        "waive": ["production", "oplogWindow"],
        "waive_several": ["production"],
        "backup": ["production"],
        "withdraw": [waiver.pk],
        "tested": [made.pk],
    }
    return {name: reverse(f"admin:migrations_app_readiness_{name}", args=args) for name, args in named.items()}


@pytest.mark.parametrize("role", list(Role))
def test_everybody_looks_operators_make_backups_and_approvers_waive(
    ground: dict[str, str], client_as: Callable[[str], Client], role: Role
) -> None:
    operates, approves = role is not Role.VIEWER, role is Role.APPROVER
    allowed = {"in": True, "waive": approves, "waive_several": approves, "withdraw": approves}
    allowed |= {"backup": operates, "tested": operates}
    client = client_as(role)
    assert client.get(SCREEN, follow=True).redirect_chain[-1][0] == ground["in"]
    for name, may in allowed.items():
        assert client.get(ground[name]).status_code == (200 if may else 403), name
        if name != "in":
            sent = {"reason": "looked at by hand", "hours": "4", "checks": ["backup", "indexHealth"]}
            assert client.post(ground[name], sent).status_code == (302 if may else 403), name
    waived = {"oplogWindow", "backup", "indexHealth"} if approves else set()
    assert set(ReadinessWaiver.objects.exclude(check_name="diskSpace").values_list("check_name", flat=True)) == waived
    assert (Backup.objects.count(), Backup.objects.filter(restored_by=role).count()) == (1 + operates, int(operates))


def test_nobody_without_the_right_sees_it_and_a_stranger_is_asked_to_sign_in(
    ground: dict[str, str], client_as: Callable[[str], Client], person: Callable[[str], Any]
) -> None:
    client = client_as("viewer")
    person("viewer").groups.clear()
    one = reverse("admin:migrations_app_readinesswaiver_change", args=[1])
    for address in (*ground.values(), one, reverse("admin:migrations_app_readinesswaiver_changelist")):
        assert client.get(address).status_code == 403, address
        assert Client().get(address).headers["Location"].startswith("/admin/login/")


def test_the_database_away_is_told_and_the_page_itself_does_not_wait_for_it(
    ground: dict[str, str], client_as: Callable[[str], Client]
) -> None:
    client = client_as("approver")
    page = client.get(ground["in"]).content.decode()
    assert ground["measured"] in page
    assert "/backups/nctool.gz" in page
    assert "&lt;b&gt;done" in page
    assert "does not answer" not in page
    part = client.get(ground["measured"], headers=HTMX)
    text = part.content.decode()
    assert (part.status_code, "<html" in text) == (200, False)
    assert "nctool&#x27;s MongoDB does not answer" in text or "nctool's MongoDB does not answer" in text
    assert "Waived by ada" in text
    assert "waive/ping/" not in text
    assert "waive/oplogWindow/" in text
    several = re.search(r'href="([^"]*/waive/\?checks=[^"]*)"', text)
    assert several is not None
    dialog = client.get(unescape(several[1])).context["form"]
    assert {"oplogWindow", "indexHealth"} <= set(dialog["checks"].value())
    assert not {"ping", "primary", "diskSpace"} & set(dialog["checks"].value()), "never waived, or waived already"
    whole = client.get(ground["measured"]).content.decode()
    assert "<html" in whole
    assert "does not answer" in whole
    assert "no database set up" in whole
    elsewhere = ground["measured"].replace("production", "staging")
    assert "set NCTOOL_MONGODB_URL_STAGING" in client.get(elsewhere, headers=HTMX).content.decode()


def test_whether_the_database_answers_is_waived_by_nobody(
    ground: dict[str, str], client_as: Callable[[str], Client]
) -> None:
    client = client_as("approver")
    for check, status in (("ping", 403), ("primary", 403), ("luck", 404)):
        address = ground["waive"].replace("oplogWindow", check)
        assert client.post(address, {"reason": "r", "hours": "4"}).status_code == status
    assert client.post(ground["waive"], {"reason": "r", "hours": "99"}).status_code == 200  # asked again
    assert client.post(ground["waive"], {"reason": "", "hours": "4"}).status_code == 200
    assert ReadinessWaiver.objects.count() == 1
    assert client.get(ground["in"].replace("production", "mars")).status_code == 404
    assert client.get(ground["tested"].replace("backup/", "backup/9")).status_code == 404


def test_events_lead_to_the_page_of_their_environment(
    ground: dict[str, str], client_as: Callable[[str], Client]
) -> None:
    kinds = {event.kind for subject in ("readiness", "backup") for event in events.about(f"{subject}:production")}
    assert kinds == {"readiness.waived", "backup.requested", "backup.made"}
    history = client_as("viewer").get(reverse("admin:core_event_recent")).content.decode()
    assert ground["in"] in history


@pytest.mark.browser
def test_an_approver_waives_a_backup_that_is_missing_and_what_cannot_be_shown_here_needs_no_waiver(
    page_as: Callable[..., Page], all_environments: None, mongodb_url: str, settings: Settings
) -> None:
    settings.NCTOOL_MONGODB = mongodb_url
    page = page_as("approver", width=390, dark=True)
    page.goto(SCREEN)
    disk = page.get_by_role("row").filter(has_text="Disk space")
    expect(disk).to_contain_text("cannot be shown")
    expect(disk.get_by_role("link", name="Waive")).to_have_count(0)
    row = page.get_by_role("row").filter(has_text="Backup")
    row.get_by_role("link", name="Waive").click()
    page.get_by_label("Reason").fill("the nightly one is there")
    page.get_by_role("dialog").get_by_role("button", name="Waive").click()
    expect(row).to_contain_text("Waived by approver")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert ReadinessWaiver.objects.get().expires_at > timezone.now() + timedelta(hours=3)
