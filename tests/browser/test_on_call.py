"""An operator looks who is on call, takes a shift, and answers an escalation, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from core.actors import Actor, ActorKind
from core.models import User
from oncall.services import chaining, escalating, planning, ticking

pytestmark = pytest.mark.browser
ANNA = Actor("anna", ActorKind.PERSON)


def test_an_operator_takes_a_shift_and_acknowledges(page_as: Callable[..., Page], all_environments: None) -> None:
    now = timezone.now()
    who = {"actor": ANNA, "reason": "tests", "now": now}
    User.objects.create_user("ada", email="ada@example.org")
    weekly = {"name": "Weekly", "people": ["ada"], "starts": "2025-08-04T09:00", "turn": "1w"}
    planning.define("first-line", {"name": "First line", "layers": [weekly]}, **who)
    chaining.define("major", {"name": "Major", "steps": [{"notify": {"schedule": "first-line"}}, {"wait": 15}]}, **who)
    told = {"chain": "major", "title": "Melts fail", "level": 2, "environment": "production", "actor": ANNA}
    escalating.start("incident:12", now=now - timedelta(minutes=1), **told)

    page = page_as("operator", width=390)
    page.goto("/admin/oncall/schedule/")
    expect(page.get_by_text("on call, nobody else in five weeks")).to_be_visible()
    page.get_by_role("link", name="Take a shift").click()
    page.get_by_role("button", name="Take the shift").click()
    expect(page.get_by_text("operator is on call in First line")).to_be_visible()
    expect(page.get_by_role("link", name="Give back")).to_be_visible()

    page.goto("/admin/oncall/escalation/")
    page.get_by_role("link", name="Melts fail").click()
    expect(page.get_by_role("timer")).to_contain_text("Next step")
    page.get_by_role("link", name="Acknowledge").click()
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("operator has it since")).to_be_visible()
    ticking.tick(now=now + timedelta(hours=1))
    page.reload()
    expect(page.get_by_text("0 notifications so far")).to_be_visible()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, "nothing is wider than the phone"


def test_the_preview_of_a_chain_follows_what_is_filled_in(page_as: Callable[..., Page], all_environments: None) -> None:
    page = page_as("approver")
    page.goto("/admin/oncall/chain/add/")
    page.get_by_label("Key").fill("minor")
    page.get_by_label("Name").fill("Minor issues")
    page.locator("#id_step0_do").select_option("role")
    page.locator("#id_step0_value").fill("operator")
    preview = page.locator("#form-preview")
    expect(preview.get_by_text("Notify everybody with the role operator.").first).to_be_visible()
    page.locator("#id_step1_value").fill("0")
    expect(preview.get_by_text("A wait takes 1 to 1440 minutes, not 0.")).to_be_visible()
    page.locator("#id_step1_value").fill("30")
    page.locator("#id_why").fill("new")
    page.get_by_role("button", name="Make the chain").click()
    expect(page.get_by_text("Minor issues is as shown.")).to_be_visible()
