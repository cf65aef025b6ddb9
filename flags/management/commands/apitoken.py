"""`manage.py apitoken …`: make, list and revoke the tokens of nctool and other callers."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from flags import selectors
from flags.management.door import DoorCommand, actor
from flags.services import tokens
from flags.services.tokens import Scope


class Command(DoorCommand):
    help = "Make, list and revoke API tokens."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        create = verbs.add_parser("create", help="make a token; it is the last line, and is never shown again")
        create.add_argument("--name", required=True, help="who uses it")
        create.add_argument("--environment", required=True, metavar="E")
        create.add_argument(
            "--scope", action="append", required=True, choices=[scope.value for scope in Scope], help="repeatable"
        )
        listing = verbs.add_parser("list", help="all tokens, newest first; never their text")
        listing.add_argument("--json", action="store_true", help="print JSON")
        revoke = verbs.add_parser("revoke", help="end a token")
        revoke.add_argument("id", type=int, help="as `list` shows it")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] == "create":
            token, text = tokens.create(
                options["name"], options["environment"], options["scope"], actor=actor(), now=timezone.now()
            )
            self.stdout.write(
                f"Token {token.pk} ({token.name}) opens {', '.join(token.scopes)} in {options['environment']}. "
                "Keep it now: only its digest is stored."
            )
            self.stdout.write(text)
        elif options["verb"] == "revoke":
            token = tokens.revoke(options["id"], actor=actor(), now=timezone.now())
            self.stdout.write(f"Token {token.pk} ({token.name}) is revoked.")
        else:
            self._list(as_json=options["json"])

    def _list(self, *, as_json: bool) -> None:
        rows = [
            {
                "id": token.pk,
                "name": token.name,
                "environment": token.environment.key,
                "scopes": token.scopes,
                "prefix": token.prefix,
                "created_at": token.created_at.isoformat(),
                "created_by": token.created_by,
                "revoked_at": token.revoked_at and token.revoked_at.isoformat(),
            }
            for token in selectors.tokens()
        ]
        if as_json:
            self.say_json(rows)
        for row in () if as_json else rows:
            state = "revoked" if row["revoked_at"] else "live"
            self.stdout.write(
                f"{row['id']:>4}  {row['prefix']}…  {state:8} {row['environment']:16} "
                f"{','.join(row['scopes']):24} {row['name']}"
            )
        if not rows and not as_json:
            self.stdout.write("There is no token yet: `manage.py apitoken create` makes one.")
