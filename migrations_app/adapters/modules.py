"""placeholder until the branch with the loader is merged"""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from core.errors import NotFound
from migrations_app.domain.migration import Migration


@dataclass(frozen=True, slots=True)
class Loaded:
    migration: Migration
    path: Path
    checksum: str
    problems: list[str]


def load(directory: Path) -> dict[str, Loaded]:
    found = {}
    for path in sorted(directory.glob("m[0-9][0-9][0-9]_*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        m = module.migration
        found[m.number] = Loaded(m, path, "v1:" + hashlib.sha256(path.read_bytes()).hexdigest(), [])
    return found


def get(number: str) -> Loaded:
    found = load(Path(settings.NCTOOL_MIGRATIONS)).get(number)
    if found is None:
        raise NotFound(f"There is no migration {number!r}.")
    return found
