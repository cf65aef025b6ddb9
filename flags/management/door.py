"""What the commands of the flags share: who acts, and refusals as one line on stderr with exit code 1."""

from __future__ import annotations

import getpass
import os
from typing import Any

import orjson
from django.core.management import BaseCommand, CommandError
from django.db import Error

from core.actors import Actor, ActorKind
from core.errors import DomainError


def actor() -> Actor:
    """The user of the operating system."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a container without an entry in passwd
        name = f"uid {os.getuid()}"
    return Actor(name, ActorKind.COMMAND)


class DoorCommand(BaseCommand):
    """Needs nothing but the database: no system checks, no Redis, no web process."""

    requires_system_checks = []

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except DomainError as error:
            raise CommandError(str(error)) from error
        except Error as error:
            first = str(error).strip().splitlines() or [type(error).__name__]
            raise CommandError(f"The database cannot be used, so nothing was changed: {first[0]}") from error

    def say_json(self, value: object) -> None:
        self.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode())
