"""The four people of the embedded set-up, so that a newcomer can sign in at once."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction

import core.people
from core.actors import Actor, ActorKind
from nctool_rollout.roles import Role

LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that look alike
SETUP = Actor("setup", ActorKind.COMMAND)


@transaction.atomic
def create_demo_people(*, now: datetime) -> dict[str, str]:
    """One person for each role, when there is nobody yet: name and password. The passwords are kept hashed only."""
    users = get_user_model().objects
    if users.exists():
        return {}
    passwords = {role.value: "".join(secrets.choice(LETTERS) for _ in range(16)) for role in Role}
    for name, password in passwords.items():
        person = users.create_user(name, email=f"{name}@localhost", password=password, is_staff=True)
        person.groups.add(Group.objects.get(name=name))
        core.people.tell_change(person.pk, {}, actor=SETUP, now=now)
    return passwords
