"""The copy of the configuration on disk: what a process starts from while the database cannot be reached.

A file for each environment, of three lines: its mark, its tokens, and the document of docs/clients.md. It holds
digests of tokens, never a token. It is written in pieces, so that a thread that evaluates never waits for the whole.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from flags.domain.configuration import EnvironmentConfig, TokenConfig
from flags.domain.document import Pieces, parts, pieces, read_document

log = logging.getLogger(__name__)
_DAMAGED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)  # what reading it may end in


class DiskCopy:
    """A directory that several processes write and read; a reader sees each file whole, old or new."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._refused = False
        self._pieces: dict[str, Pieces] = {}

    def keep(self, configurations: Mapping[str, EnvironmentConfig]) -> None:
        """Write what is not on disk already. A disk that refuses is logged once and stops nothing."""
        try:
            for environment, configuration in configurations.items():
                mark = orjson.dumps(configuration.mark)
                if self._mark(environment) != mark:
                    self._pieces[environment] = pieces(configuration, self._pieces.get(environment, {}))
                    content = parts(configuration, self._pieces[environment])
                    self._write(environment, (mark, b"\n", _tokens(configuration), b"\n", *content))
            self._clear(configurations)
            self._refused = False
        except OSError as error:
            if not self._refused:
                log.warning("the copy of the configuration cannot be written to %s: %s", self.path, error)
            self._refused = True

    def read(self) -> dict[str, EnvironmentConfig] | None:
        """What was kept; None when there is no copy, or a part of it is damaged."""
        try:
            found = [_read(file.read_bytes()) for file in sorted(self.path.glob("*.json"))]
        except (OSError, *_DAMAGED) as error:
            log.warning("the copy of the configuration in %s cannot be used: %r", self.path, error)
            return None
        if not found and self._former.exists():
            log.warning("the copy in %s is of an earlier release and is not read", self._former)
        return {configuration.environment: configuration for configuration in found} or None

    @property
    def _former(self) -> Path:
        """Where earlier releases kept all environments."""
        return self.path.with_suffix(".json")

    def _file(self, environment: str) -> Path:
        return self.path / f"{environment}.json"

    def _mark(self, environment: str) -> bytes:
        try:
            with self._file(environment).open("rb") as file:
                return file.readline().rstrip(b"\n")
        except FileNotFoundError:
            return b""

    def _clear(self, configurations: Mapping[str, EnvironmentConfig]) -> None:
        """Away with environments that are no more, and with the copy of an earlier release."""
        kept = {self._file(environment) for environment in configurations}
        for file in {*self.path.glob("*.json"), self._former} - kept:
            file.unlink(missing_ok=True)

    def _write(self, environment: str, content: Iterable[bytes]) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path, prefix=f".{environment}-")  # mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._file(environment))
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _tokens(configuration: EnvironmentConfig) -> bytes:
    return orjson.dumps(
        [{"digest": token.digest, "name": token.name, "scopes": sorted(token.scopes)} for token in configuration.tokens]
    )


def _read(content: bytes) -> EnvironmentConfig:
    _, tokens, document = content.split(b"\n", 2)
    found = read_document(orjson.loads(document))
    return replace(found, tokens=tuple(_token(told, found.environment) for told in orjson.loads(tokens)))


def _token(told: Mapping[str, Any], environment: str) -> TokenConfig:
    return TokenConfig(told["digest"], told["name"], environment, frozenset(told["scopes"]))
