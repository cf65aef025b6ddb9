"""`manage.py channel`: what an operator needs of the channels when the web is down."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

import communications.selectors
from communications.domain.channels import ChannelKind
from communications.domain.delivery import Failure
from communications.services import channels
from communications.services.channels import ChannelSpec, is_set_up
from core.actors import Actor, ActorKind
from core.errors import DomainError

ACTOR = Actor("command", ActorKind.COMMAND)


class Command(BaseCommand):
    help = "Channels: list them, make and set them up, try them, switch them on and off."
    requires_system_checks = ["rollout"]

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="all of them, and how they are")
        add = verbs.add_parser("add", help="make one, or change its fields")
        add.add_argument("key")
        add.add_argument("kind", choices=[kind.value for kind in ChannelKind])
        add.add_argument("--name", default="")
        add.add_argument(
            "--set", action="append", default=[], metavar="NAME=VALUE", help="a field, such as url=https://…"
        )
        test = verbs.add_parser("test", help="send a message that says that it is a test")
        test.add_argument("key")
        test.add_argument("--to", default="", help="#channel or address, where the kind needs one")
        for verb, told in (("on", "switch on"), ("off", "switch off"), ("remove", "remove one that was never used")):
            verbs.add_parser(verb, help=told).add_argument("key")
        verbs.add_parser("secret", help="read its secret from the standard input, and keep it").add_argument("key")
        verbs.add_parser("seal", help="encrypt all secrets by the first of CHANNEL_KEYS")
        for name in ("add", "on", "off", "remove", "secret"):
            verbs.choices[name].add_argument("--reason", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(getattr(self, f"_{options['verb']}")(options))
        except DomainError as error:
            raise CommandError(str(error)) from error

    def _list(self, options: dict[str, Any]) -> str:
        lines = []
        for row in communications.selectors.channels():
            state = "off" if not row.enabled else "on" if is_set_up(row) else "not set up"
            wrong = f", failing: {row.error}" if row.failures else ""
            lines.append(f"{row.key:16} {row.kind:14} {state}{wrong}")
        return "\n".join(lines) or "There are no channels."

    def _add(self, options: dict[str, Any]) -> str:
        pairs = [text.partition("=") for text in options["set"]]
        spec = ChannelSpec(
            options["key"],
            options["name"] or options["key"],
            ChannelKind(options["kind"]),
            {name: value for name, _, value in pairs},
        )
        row = channels.define(spec, **self._who(options))
        return f"{row.key} is kept, {'on' if row.enabled else 'off'}."

    def _secret(self, options: dict[str, Any]) -> str:
        channels.set_secret(options["key"], sys.stdin.read(), **self._who(options))
        return "The secret is kept. Try it: manage.py channel test"

    def _test(self, options: dict[str, Any]) -> str:
        answer = channels.test(options["key"], options["to"], actor=ACTOR, clock=timezone.now)
        if isinstance(answer, Failure):
            raise CommandError(f"It was not taken: {answer.error}")
        return f"It was taken{f': {answer.answer}' if answer.answer else ''}."

    def _on(self, options: dict[str, Any]) -> str:
        return f"{channels.switch(options['key'], on=True, **self._who(options))} is on."

    def _off(self, options: dict[str, Any]) -> str:
        return f"{channels.switch(options['key'], on=False, **self._who(options))} is off."

    def _remove(self, options: dict[str, Any]) -> str:
        channels.remove(options["key"], **self._who(options))
        return "It is removed."

    def _seal(self, options: dict[str, Any]) -> str:
        return f"{channels.seal_anew(actor=ACTOR, now=timezone.now())} secrets are encrypted anew."

    def _who(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"actor": ACTOR, "reason": options["reason"], "now": timezone.now()}
