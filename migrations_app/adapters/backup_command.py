"""The team's own command that makes a backup of an environment's database: a program, never a line for a shell."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from django.conf import settings

from core import commandline, program
from core.errors import Conflict
from migrations_app.adapters import target
from migrations_app.domain.backup import SET_COMMAND

DIRECTORY = "/"  # no directory of ours: a script names the place of its files whole
SHORTEST = 4  # characters of a password that is looked for in what the command says


def is_set_up(environment: str) -> bool:
    return bool(_text(environment))


def argv(environment: str) -> list[str]:
    """The program and its arguments. Raises Conflict where none is set up, Invalid for what needs a shell."""
    text = _text(environment)
    if not text:
        raise Conflict(f"There is no command that makes a backup of {environment}. {SET_COMMAND}")
    return commandline.read(text)


def start(environment: str) -> program.Child:
    """Start it with the way to the database. Raises Conflict where it or the database is not set up, ProgramError."""
    passed = {
        **program.passed(),
        "ROLLOUT_ENVIRONMENT": environment,
        "MONGODB_URL": target.address(environment),
        "MONGODB_DATABASE": target.connect(environment).database.name,
    }
    return program.start(argv(environment), environment=passed, directory=DIRECTORY)


def secrets(environment: str) -> list[str]:
    """What must not be kept of what it says."""
    try:
        url = target.address(environment)
        password = urlsplit(url).password or ""
    except (Conflict, ValueError):
        return []
    return [url, *(each for each in {password, unquote(password)} if len(each) >= SHORTEST)]


def _text(environment: str) -> str:
    own: str = settings.BACKUP_COMMANDS.get(environment.upper().replace("-", "_"), "")
    return own or str(settings.BACKUP_COMMAND)
