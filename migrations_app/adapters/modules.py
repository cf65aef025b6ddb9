"""The migrations of nctool's database as they lie in their directory: read, checked and told apart by a checksum.

A migration only declares; so its module may do nothing but that. What it may import is listed here, and whoever reads
it need not look for a hidden query.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from core.errors import Conflict, NotFound
from migrations_app.domain.migration import Migration, problems

FILE = re.compile(r"m([0-9]{3})_([a-z0-9_]+)\.py")
ALGORITHM = "v1"  # of the checksum, so that a later one can be told apart
MAY_IMPORT = (
    *("__future__", "datetime", "typing", "collections.abc", "re", "decimal", "dataclasses", "bson"),
    "migrations_app.domain",
)
NO_CALLS = ("open", "exec", "eval", "compile", "__import__", "getattr", "globals")


@dataclass(frozen=True, slots=True)
class Loaded:
    """One migration. `problems` say why it may not be run."""

    migration: Migration
    path: Path
    checksum: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that is none."""

    path: Path
    problems: tuple[str, ...]


def load(directory: Path | None = None) -> dict[str, Loaded]:
    """The migrations by their numbers, in order; files that are none are left out (see `broken`)."""
    found: dict[str, Loaded] = {}
    for each in _all(directory):
        if isinstance(each, Loaded):
            first = found.get(each.migration.number)
            if first is not None:
                double = f"{each.path.name} has the number {each.migration.number} too"
                each = replace(first, problems=(*first.problems, double))
            found[each.migration.number] = each
    return found


def broken(directory: Path | None = None) -> list[Broken]:
    """The files that cannot be read as migrations, each with the reasons."""
    return [each for each in _all(directory) if isinstance(each, Broken)]


def get(number: str) -> Loaded:
    """One migration that may be run. Raises NotFound, or Conflict with all that is wrong with it."""
    found = load().get(number)
    if found is not None and not found.problems:
        return found
    if found is not None:
        raise Conflict(f"{found.path.name} cannot be run: {'; '.join(found.problems)}.")
    for each in broken():
        if each.path.name.startswith(f"m{number}_"):
            raise Conflict(f"{each.path.name} cannot be run: {'; '.join(each.problems)}.")
    raise NotFound(f"There is no migration {number!r} in {_directory(None)}.")


def checksum(source: bytes) -> str:
    """The same for line ends of Windows and for blanks at the ends of lines; another one for any other change."""
    lines = source.decode("utf-8").replace("\r\n", "\n").split("\n")
    text = "\n".join(line.rstrip() for line in lines).rstrip("\n") + "\n"
    return f"{ALGORITHM}:{hashlib.sha256(text.encode()).hexdigest()}"


def forbidden(source: str) -> list[str]:
    """What the text of a module does that a migration does not: each with its line."""
    return [f"line {line}: {what}" for line, what in sorted(_forbidden(ast.parse(source)))]


def _directory(given: Path | None) -> Path:
    return given or Path(settings.NCTOOL_MIGRATIONS)


def _all(directory: Path | None) -> Iterator[Loaded | Broken]:
    for path in sorted(_directory(directory).glob("m*.py")):
        seen = path.stat()
        yield _read(path, seen.st_mtime_ns, seen.st_size)


@lru_cache(maxsize=256)
def _read(path: Path, _changed: int, _size: int) -> Loaded | Broken:
    """One file, read anew when it has changed."""
    named = FILE.fullmatch(path.name)
    if named is None:
        return Broken(path, (f"its name is not of the form {FILE.pattern}",))
    source = path.read_bytes()
    try:
        wrong = forbidden(source.decode("utf-8"))
        if wrong:
            return Broken(path, tuple(wrong))  # it is not even imported
        migration = _imported(path)
    except (SyntaxError, UnicodeDecodeError) as error:
        return Broken(path, (f"line {getattr(error, 'lineno', '?')}: {error}",))
    if not isinstance(migration, Migration):
        return Broken(path, (migration,))
    try:
        found = [*problems(migration)]
    except Exception as error:  # a comma that is missing makes no tuple: this file is told, and the others are read
        shape = f"its parts are not of the form they should be ({type(error).__name__}: {error}); is a comma missing?"
        return Broken(path, (shape,))
    if (migration.number, migration.name) != named.groups():
        found.append(f"it calls itself {migration.number} {migration.name}, and its file {named[1]} {named[2]}")
    return Loaded(migration, path, checksum(source), tuple(found))


def _imported(path: Path) -> Migration | str:
    """What the module declares, or why it cannot be imported."""
    spec = importlib.util.spec_from_file_location(f"nctool_migrations_{path.stem}", path)
    if spec is None or spec.loader is None:
        return "it cannot be imported"
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever the file does: it is told, and nothing of it is run
        trace, line = error.__traceback__, 0
        while trace is not None:
            line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == str(path) else line
            trace = trace.tb_next
        return f"line {line}: {type(error).__name__}: {error}"
    found = getattr(module, "migration", None)
    return found if isinstance(found, Migration) else "it has no `migration = Migration(…)`"


def _forbidden(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, _import(alias.name)) for alias in node.names if not _may(alias.name))
        elif isinstance(node, ast.ImportFrom) and (node.level or not _may(node.module or "")):
            yield node.lineno, _import("." * node.level + (node.module or ""))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NO_CALLS:
            yield node.lineno, f"a migration does not call {node.func.id}"
        elif isinstance(node, ast.Attribute) and node.attr in ("now", "today", "utcnow"):
            yield node.lineno, f"{node.attr}() gives another answer after a resume: take RUN_START, or the argument"


def _may(module: str) -> bool:
    return any(module == each or module.startswith(f"{each}.") for each in MAY_IMPORT)


def _import(module: str) -> str:
    return f"a migration does not import {module}: it declares, and the runner alone talks to the database"
