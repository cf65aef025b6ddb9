from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core import events
from core.tokens import digest
from flags.models import ApiToken, Flag

CREATE = "admin:flags_token_create"
FORM: dict[str, Any] = {"name": "nctool", "environment": "production", "evaluate": "on", "report": "on"}


@pytest.fixture
def admin(client_as: Callable[[str], Client], flag: Flag) -> Client:
    return client_as("administrator")


def test_a_token_is_shown_once_and_kept_nowhere(admin: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answer = admin.post(reverse(CREATE), FORM)
    found = re.search(r'value="(nct_[\w-]{43})"', answer.content.decode())
    assert found is not None
    text = found[1]
    token = ApiToken.objects.get()
    assert (token.digest, token.scopes, token.created_by) == (digest(text), ["evaluate", "report"], "administrator")
    assert "no-store" in answer.headers["Cache-Control"]
    pages = [reverse("admin:flags_apitoken_changelist"), reverse("admin:flags_apitoken_change", args=[token.pk])]
    for page in (*pages, reverse("admin:core_event_changelist"), reverse("admin:index")):
        assert text not in admin.get(page).content.decode()
    assert token.digest not in admin.get(pages[1]).content.decode()
    assert text not in caplog.text
    assert text not in str([(event.after, event.data) for event in events.recent()])
    assert text not in str(dict(admin.session))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "   "}, "This field is required"),
        ({"environment": "nowhere"}, "Select a valid choice"),
        ({"evaluate": "", "report": ""}, "A token needs a scope out of calendar, evaluate, operate, report, snapshot."),
    ],
)
def test_a_bad_form_makes_no_token(admin: Client, wrong: dict[str, str], told: str) -> None:
    form = {name: value for name, value in {**FORM, **wrong}.items() if value}
    assert told in admin.post(reverse(CREATE), form).content.decode()
    assert not ApiToken.objects.exists()


def test_a_revoked_token_stays_in_the_list_and_cannot_be_revoked_again(admin: Client) -> None:
    admin.post(reverse(CREATE), FORM)
    token = ApiToken.objects.get()
    address = reverse("admin:flags_token_revoke", args=[token.pk])
    assert "It cannot be given back" in admin.get(address).content.decode()
    assert admin.post(address).status_code == 302
    assert "revoked" in admin.get(reverse("admin:flags_apitoken_changelist")).content.decode()
    again = admin.post(address)
    assert again.status_code == 409
    assert "was revoked already" in again.content.decode()
    assert events.recent().filter(kind="token.revoked", actor="administrator").count() == 1
