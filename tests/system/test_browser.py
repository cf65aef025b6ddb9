"""The ground of the browser tests stands: a page, a person, our policy."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from playwright.sync_api import Page, expect


@pytest.mark.browser
def test_a_person_signs_in_and_sees_the_home_page(
    page_as: Callable[..., Page], person: Callable[[str], object]
) -> None:
    page = page_as("viewer")
    page.context.clear_cookies()
    person("viewer")
    page.goto("/admin/")
    page.get_by_label("Username").fill("viewer")
    page.get_by_label("Password").fill("viewer")
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(re.compile(r"/admin/$"))
    expect(page.get_by_text("viewer").first).to_be_visible()


@pytest.mark.parametrize(
    ("role", "operates", "administers"),
    [("viewer", False, False), ("operator", True, False), ("approver", True, False), ("administrator", True, True)],
)
def test_each_role_has_its_rights(
    role: str, operates: bool, administers: bool, person: Callable[[str], object], client_as: Callable[[str], Client]
) -> None:
    user = person(role)
    assert user.has_perm("flags.view_flagstate")
    assert user.has_perm("core.view_event")
    assert user.has_perm("flags.operate_flagstate") is operates
    assert user.has_perm("rollouts.operate_ramp") is operates
    assert user.has_perm("monitoring.rearm_trigger") is operates
    assert user.has_perm("core.change_user") is administers
    assert user.has_perm("flags.view_apitoken") is administers
    assert not user.is_superuser
    assert not user.has_perm("flags.change_flagstate")
