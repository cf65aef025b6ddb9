"""`manage.py up`: run the whole system under one supervisor, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from flags.api.stream import PATH as STREAM_PATH
from nctool_rollout.roles import Role
from nctool_rollout.supervisor import plan, probes, run_file
from nctool_rollout.supervisor.supervise import StartFailed, Supervisor


class Command(BaseCommand):
    help = (
        "Run the system: web server, worker, clock and, where no URL is given, Redis, MongoDB and the simulator. "
        "With -v their logs appear here, too."
    )
    requires_system_checks = ["rollout"]

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:  # Django's own -v insists on a number
        parser.add_argument("-v", "--verbosity", nargs="?", const=2, default=1, type=int, choices=[0, 1, 2, 3])

    def handle(self, *args: Any, **options: Any) -> None:
        self.began = time.monotonic()
        os.umask(0o077)  # what the children write is for their owner only
        try:
            with run_file.only_one(settings.DATA_DIR, "up", wait=False):
                self._run(echo=options["verbosity"] > 1)
        except run_file.AlreadyRunning as error:
            other = run_file.read(settings.DATA_DIR)
            where = f" at {other.url} (process {other.pid})" if other else ""
            raise CommandError(
                f"A system already runs on DATA_DIR={settings.DATA_DIR}{where}. "
                "Stop that one first, or choose another DATA_DIR."
            ) from error
        except (StartFailed, plan.NotInstalled) as error:
            raise CommandError(str(error)) from error

    def _run(self, *, echo: bool) -> None:
        if probes.taken(settings.HOST, settings.PORT):
            raise CommandError(
                f"Port {settings.PORT} of {settings.HOST} is taken or not allowed. "
                f"Choose another one, for example: PORT={settings.PORT + 1}"
            )
        _database_is_ready()
        wanted = self._wanted()
        running = _running(wanted)
        run_file.write(settings.DATA_DIR, running)
        names = people()
        connection.close()
        try:
            parts = plan.parts(wanted)
            supervisor = Supervisor(parts, logs=settings.DATA_DIR / "logs", say=self._say, echo=echo)
            supervisor.run(lambda: self._greet(running, parts, names))
        finally:
            run_file.remove(settings.DATA_DIR)
        self._say("Stopped.")

    def _wanted(self) -> plan.Wanted:
        """What to start here: a server of ours only where no URL is given, and none in production."""
        own_redis = not settings.REDIS_URL and not settings.PRODUCTION
        own_mongodb = not settings.NCTOOL_MONGODB_URL and not settings.PRODUCTION
        for directory, wanted in (("redis", own_redis), ("mongodb", own_mongodb)):
            if wanted:
                (settings.DATA_DIR / directory).mkdir(exist_ok=True)
        redis_port = probes.free_port(settings.EMBEDDED_REDIS_PORT) if own_redis else None
        stream_port = settings.STREAM_PORT
        if stream_port and not settings.PRODUCTION:
            stream_port = probes.free_port(stream_port, besides=redis_port)
        names = [name for name in settings.ALLOWED_HOSTS if not name.startswith((".", "*"))]
        return plan.Wanted(
            data_dir=settings.DATA_DIR,
            address=settings.HOST,
            port=settings.PORT,
            host=names[0] if names else "localhost",
            stream_port=stream_port,
            stream_connections=settings.STREAM_CONNECTIONS,
            redis_port=redis_port,
            mongodb_port=probes.free_port(settings.EMBEDDED_MONGODB_PORT, besides=redis_port) if own_mongodb else None,
            simulator_port=probes.free_port(settings.SIMULATOR_PORT) if settings.SIMULATOR else None,
            web_processes=settings.WEB_PROCESSES,
            worker_processes=settings.WORKER_PROCESSES,
            runner=bool(settings.RUNNER_PROGRAMS),
        )

    def _greet(self, running: run_file.Running, parts: Iterable[plan.Part], names: list[str]) -> None:
        took = time.monotonic() - self.began
        self._say(f"\nnctool rollout is ready after {took:.1f} s: {running.url}/")
        self._say("")
        if names:
            self._say(f"  Sign in   {', '.join(names)}")
            self._say("            passwords were shown once, when the people were made; for a new one:")
            self._say("            python manage.py changepassword NAME")
        else:
            self._say("  Sign in   with a person of yours; the first one: python manage.py createsuperuser")
        self._say(f"  Running   {', '.join(part.name for part in parts)}; logs in {settings.DATA_DIR / 'logs'}")
        self._say("  Try       make demo    a release goes bad and is switched off by itself, in three minutes")
        self._say("            python manage.py help    everything else")
        self._say("  Stop      Ctrl-C")
        self._say("")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def people() -> list[str]:
    """The people of the embedded set-up who are still there."""
    active = set(get_user_model().objects.filter(is_active=True).values_list("username", flat=True))
    return [role.value for role in Role if role.value in active]


def _database_is_ready() -> None:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        raise CommandError(f"The database does not answer: {error}") from error
    if missing:
        raise CommandError("The database is not set up for this version. Run: python manage.py setup")


def _running(wanted: plan.Wanted) -> run_file.Running:
    """The addresses that other commands on this DATA_DIR will find."""
    local = wanted.address in {"0.0.0.0", "::"}  # noqa: S104 - compared, not bound
    name = probes.HOST if local else f"[{wanted.address}]" if ":" in wanted.address else wanted.address
    redis, mongodb = wanted.redis_port, wanted.mongodb_port
    tells = wanted.stream_port and not settings.PRODUCTION  # there, only STREAM_URL knows how clients reach it
    return run_file.Running(
        pid=os.getpid(),
        url=f"http://{name}:{wanted.port}",
        redis=f"redis://{probes.HOST}:{redis}/0" if redis else settings.REDIS,
        mongodb=f"mongodb://{probes.HOST}:{mongodb}/nctool" if mongodb else settings.NCTOOL_MONGODB,
        stream=f"http://{name}:{wanted.stream_port}{STREAM_PATH}" if tells else "",
        nctool=f"http://{probes.HOST}:{wanted.simulator_port}" if wanted.simulator_port else "",
    )
