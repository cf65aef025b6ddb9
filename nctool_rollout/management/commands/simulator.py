"""`manage.py simulator`: play nctool, and break it on purpose."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from core.actors import Actor, ActorKind
from core.errors import DomainError
from core.tokens import digest
from flags import selectors
from flags.services import tokens
from nctool_rollout.supervisor import run_file
from simulator import faults
from simulator.faults import SEVERITIES, UNIT, BadFault, Fault, Kind
from simulator.ledger import ForeignDatabase
from simulator.plan import FLAGS
from simulator.runner import Config, Simulator

NAME = "simulator"
HELP = UNIT | {
    Kind.SILENCE: "Melts with the flag on are not reported.",
    Kind.DOWN: "The health address answers 503 while anybody has the flag on.",
}
ACTOR = Actor(NAME, ActorKind.COMMAND)


def fault_file() -> Path:
    return Path(settings.DATA_DIR) / "simulator-faults.json"


class Command(BaseCommand):
    help = "Play nctool: melts that ask for flags, move tokens in MongoDB and report metrics; with faults on demand."
    requires_system_checks = ["rollout"]

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        run = actions.add_parser("run", help="Play until it is stopped.")
        run.add_argument("--environment", default="production")
        run.add_argument("--rate", type=float, default=float(settings.SIMULATOR_RATE), help="Melts a second.")
        run.add_argument("--seed", type=int, default=1, help="Same seed, same traffic.")
        run.add_argument("--health-port", type=int, default=settings.SIMULATOR_PORT, help="Where GET /health answers.")
        run.add_argument("--url", default="", help="Of the control plane; the one that runs here by default.")
        fault = actions.add_parser("fault", help="Break the new path of a flag, or mend it.")
        kinds = fault.add_subparsers(dest="kind", required=True)
        for kind in Kind:
            one = kinds.add_parser(kind.value, help=HELP[kind])
            one.add_argument("--flag", required=True, choices=FLAGS)
            if UNIT[kind]:
                one.add_argument("--rate", type=float, required=True, help=UNIT[kind])
            if kind is Kind.ERRORS:
                one.add_argument("--severity", choices=SEVERITIES, default="HIGH")
        kinds.add_parser("clear", help="End all faults.")
        kinds.add_parser("status", help="The faults there are.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "run":
            self._run(options)
        else:
            self._fault(options)

    def _run(self, options: dict[str, Any]) -> None:
        if not 0 < options["rate"] <= 1000:
            raise CommandError("--rate must be above 0 and at most 1000 melts a second.")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        for noisy in ("pymongo", "urllib3"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        config = Config(
            base_url=options["url"] or _own_url(),
            mongodb_url=settings.NCTOOL_MONGODB,
            mongodb_name=settings.DATABASES["nctool"]["NAME"],
            fault_file=fault_file(),
            rate=options["rate"],
            seed=options["seed"],
            health_port=options["health_port"],
        )
        try:
            with run_file.only_one(settings.DATA_DIR, NAME, wait=False):
                Simulator(config, lambda: _renewed(options["environment"])).run(stop)
        except run_file.AlreadyRunning as error:
            raise CommandError(f"A simulator runs already on DATA_DIR={settings.DATA_DIR}.") from error
        except (DomainError, DatabaseError, ForeignDatabase) as error:
            raise CommandError(f"The simulator cannot play: {error}") from error
        logging.shutdown()
        os._exit(0)  # at once: on a busy machine Python takes seconds to tidy up, and nothing is left to save

    def _fault(self, options: dict[str, Any]) -> None:
        kind, path = options["kind"], fault_file()
        try:
            if kind == "clear":
                faults.write(path, [])
            elif kind != "status":
                new = Fault(Kind(kind), options["flag"], options.get("rate", 0.0), options.get("severity", "HIGH"))
                faults.write(path, faults.add(faults.read(path), new))
            now = faults.read(path)
        except (BadFault, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write("\n".join(map(str, now)) or "No faults.")
        if not is_running():
            self.stdout.write(f"No simulator runs on DATA_DIR={settings.DATA_DIR}; one that starts there reads this.")


def is_running() -> bool:
    """A simulator plays on this DATA_DIR."""
    try:
        with run_file.only_one(settings.DATA_DIR, NAME, wait=False):
            return False
    except run_file.AlreadyRunning:
        return True


def _renewed(environment: str) -> str:
    """As `live_token`, hours after the last one: a connection of then may be gone."""
    close_old_connections()
    return live_token(environment)


def live_token(environment: str) -> str:
    """The kept token of the simulator; a new one when it was never made, was lost or was revoked."""
    path = Path(settings.DATA_DIR) / "simulator.json"
    kept = _kept(path).get(environment, "")
    live = selectors.tokens().filter(digest=digest(kept), environment__key=environment, revoked_at__isnull=True)
    if kept and live.exists():
        return kept
    scopes = [tokens.Scope.EVALUATE.value, tokens.Scope.REPORT.value]
    _, text = tokens.create(NAME, environment, scopes, actor=ACTOR, now=timezone.now())
    _keep(path, {**_kept(path), environment: text})
    return text


def _kept(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _keep(path: Path, found: dict[str, str]) -> None:
    """In one step, readable by its owner only."""
    draft = path.with_suffix(f".{os.getpid()}")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(found, file)
    draft.replace(path)


def _own_url() -> str:
    return settings.RUNNING.url if settings.RUNNING else f"http://127.0.0.1:{settings.PORT}"
