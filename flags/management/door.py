"""What the commands share: who acts, and refusals as one line on stderr with an exit code that tells their kind."""

from __future__ import annotations

import getpass
import os
from typing import Any

import orjson
from django.contrib.auth.backends import ModelBackend
from django.core.management import BaseCommand, CommandError
from django.core.management.base import CommandParser
from django.db import Error
from django.utils import timezone

from core import asking
from core.actors import Actor, ActorKind
from core.asking import ApprovalNeeded
from core.errors import Conflict, DomainError, Refused

REFUSED = 1  # the input, a missing right, an unknown name, or the database is away. 2 is a misspelt command.
CONFLICT = 3  # it could be done at another time: somebody was faster, a freeze holds, a ramp moves the flag
APPROVAL = 4  # it needs other people's approval first


def actor() -> Actor:
    """The user of the operating system."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a container without an entry in passwd
        name = f"uid {os.getuid()}"
    return Actor(name, ActorKind.COMMAND)


def signed_in(name: str, permission: str) -> Actor:
    """Who gives the password at this terminal. Refused for a wrong one, and for who lacks the permission."""
    user = ModelBackend().authenticate(None, username=name, password=getpass.getpass(f"Password of {name}: "))
    if user is None:
        raise Refused(f"This is not the password of {name}, so nothing was done.")
    if not user.has_perm(permission):
        raise Refused(f"{name} may not do this: an approver does.")
    return Actor(user.get_username(), ActorKind.PERSON)


class DoorCommand(BaseCommand):
    """Needs nothing but the database: no system checks, no Redis, no web process."""

    requires_system_checks = []

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except ApprovalNeeded as error:
            self._ask(error, options)
            return None
        except DomainError as error:
            raise _failed(error) from error
        except Error as error:
            first = str(error).strip().splitlines() or [type(error).__name__]
            raise CommandError(f"The database cannot be used, so nothing was changed: {first[0]}") from error

    def add_request_option(self, parser: CommandParser) -> None:
        """For verbs that change something which may need approval."""
        parser.add_argument(
            "--request", metavar="TITLE", help="where this needs approval, ask for it under this title (see: request)"
        )

    def _ask(self, needed: ApprovalNeeded, options: dict[str, Any]) -> None:
        """Open a change request when the caller said so; otherwise say how."""
        title = options.get("request")
        if not title:
            hint = "repeat this with --request TITLE" if "request" in options else "use manage.py request open"
            raise CommandError(f"{needed} To ask for it, {hint}.", returncode=APPROVAL)
        try:
            url = asking.ask(
                needed.environment,
                needed.changes,
                title=title,
                reason=options.get("reason") or "",
                actor=actor(),
                now=timezone.now(),
            )
        except DomainError as error:
            raise _failed(error) from error
        if options.get("json"):
            self.say_json({"asked": [change.to_dict() for change in needed.changes], "page": url})
        else:
            self.stdout.write(f"Asked for, nothing is changed yet: {url} (manage.py request list shows it).")

    def say_json(self, value: object) -> None:
        self.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode())


def _failed(error: DomainError) -> CommandError:
    return CommandError(str(error), returncode=CONFLICT if isinstance(error, Conflict) else REFUSED)
