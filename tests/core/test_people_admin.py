"""What administrators do with people is recorded, and cannot be used to become more than one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from core import events


def change(client: Client, user: Any, **values: Any) -> Any:
    form = {"username": user.username, "email": "", "first_name": "", "last_name": "", "is_active": "on", "groups": []}
    return client.post(reverse("admin:core_user_change", args=[user.pk]), {**form, **values})


def test_a_new_role_is_an_event_with_before_and_after(
    client_as: Callable[[str], Client], person: Callable[[str], Any]
) -> None:
    viewer = person("viewer")
    operator = Group.objects.get(name="operator")
    assert change(client_as("administrator"), viewer, groups=[operator.pk]).status_code == 302
    told = events.about("person:viewer").get()
    assert (told.kind, told.actor) == ("person.changed", "administrator")
    assert (told.before["roles"], told.after["roles"]) == (["viewer"], ["operator"])


def test_a_form_that_changes_nothing_writes_no_event(
    client_as: Callable[[str], Client], person: Callable[[str], Any]
) -> None:
    viewer = person("viewer")
    assert change(client_as("administrator"), viewer, groups=[viewer.groups.get().pk]).status_code == 302
    assert not events.about("person:viewer").exists()


def test_a_new_person_and_a_new_password_are_events_without_the_password(
    client_as: Callable[[str], Client], person: Callable[[str], Any]
) -> None:
    client = client_as("administrator")
    secret = "a long and quiet river 42"
    form = {"username": "nora", "password1": secret, "password2": secret, "usable_password": "true"}
    assert client.post(reverse("admin:core_user_add"), form).status_code == 302
    nora = get_user_model().objects.get(username="nora")
    assert nora.is_staff
    url = reverse("admin:auth_user_password_change", args=[nora.pk])
    assert client.post(url, {k: v for k, v in form.items() if k != "username"}).status_code == 302
    told = list(events.about("person:nora"))
    assert [event.kind for event in told] == ["person.password_set", "person.created"]
    assert secret not in str([(event.before, event.after, event.data) for event in told])


def test_an_administrator_cannot_become_a_superuser(
    client_as: Callable[[str], Client], person: Callable[[str], Any]
) -> None:
    root = get_user_model().objects.create_superuser("root", password="root")
    client = client_as("administrator")
    me = person("administrator")
    assert change(client, root, username="mine").status_code == 403
    password = {"password1": "a quiet river 42", "password2": "a quiet river 42"}
    assert client.post(reverse("admin:auth_user_password_change", args=[root.pk]), password).status_code == 403
    change(client, me, is_superuser="on", user_permissions=[1])
    me.refresh_from_db()
    assert not me.is_superuser


def test_nobody_is_deleted(client_as: Callable[[str], Client], person: Callable[[str], Any]) -> None:
    viewer = person("viewer")
    assert client_as("administrator").post(reverse("admin:core_user_delete", args=[viewer.pk])).status_code == 403


@pytest.mark.django_db
def test_after_five_wrong_passwords_the_login_says_for_how_long_it_is_closed(
    client: Client, person: Callable[[str], Any]
) -> None:
    person("viewer")
    url = reverse("admin:login")
    answers = [client.post(url, {"username": "viewer", "password": "wrong"}) for _ in range(6)]
    assert answers[0].status_code == 200
    assert answers[-1].status_code == 429
    assert "Too many attempts" in answers[-1].content.decode()
    assert "15 min" in answers[-1].content.decode()
    assert client.post(url, {"username": "viewer", "password": "viewer"}).status_code == 429
