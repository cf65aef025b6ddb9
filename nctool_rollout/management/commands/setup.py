"""`manage.py setup`: make this installation ready to run, or bring it up to date. Run it as often as you like."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.utils import timezone

from communications.services import variables
from core.actors import Actor, ActorKind
from nctool_rollout.people import create_demo_people
from nctool_rollout.roles import setup_roles
from nctool_rollout.supervisor import run_file

PLAYBOOK = settings.BASE_DIR / "playbooks" / "nctool-v2.yaml"
ACTOR = Actor("setup", ActorKind.COMMAND)
LOCK = 7_205_931  # of PostgreSQL, for this command alone


@contextmanager
def _alone() -> Iterator[None]:
    """Two set-ups of one database run one after the other, also from two machines on one PostgreSQL."""
    with run_file.only_one(settings.DATA_DIR, "setup", wait=True):
        if connection.vendor != "postgresql":
            yield
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


class Command(BaseCommand):
    help = "Migrate the database, set the roles, load the playbook once and, in the embedded set-up, make four people."
    requires_system_checks = ["rollout"]

    def handle(self, *args: Any, **options: Any) -> None:
        os.umask(0o077)  # what is in DATA_DIR is for its owner only
        with _alone():
            call_command("migrate", interactive=False, verbosity=0)
            setup_roles()
            self.stdout.write("The database is up to date, the roles are set.")
            logging.getLogger("flags.adapters.bus").setLevel("ERROR")  # on a first start there is nobody to tell
            passwords = create_demo_people(now=timezone.now()) if settings.DEMO_USERS else {}
            try:
                call_command("playbook", "load", str(PLAYBOOK), if_empty=True, stdout=self.stdout)
                variables.apply(actor=ACTOR, now=timezone.now())
            finally:  # they are told once, whatever becomes of the playbook
                self._show(passwords)

    def _show(self, passwords: dict[str, str]) -> None:
        if not passwords:
            return
        self.stdout.write("\nFour people can sign in. Their passwords are shown this once and kept hashed:\n")
        for name, password in passwords.items():
            self.stdout.write(f"    {name:<14} {password}")
