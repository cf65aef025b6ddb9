"""The copy of the configuration on disk: what a process starts from while the database cannot be reached.

It holds digests of tokens, never a token. The first line is the marks of what follows on the second.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from flags.domain.configuration import EnvironmentConfig

log = logging.getLogger(__name__)
_content = TypeAdapter(dict[str, EnvironmentConfig])


class DiskCopy:
    """One file that several processes write and read; a reader sees a whole one, old or new."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._refused = False

    def keep(self, configurations: Mapping[str, EnvironmentConfig]) -> None:
        """Write the copy unless it is on disk already. A disk that refuses is logged once and stops nothing."""
        marks = {key: configuration.mark for key, configuration in configurations.items()}
        header = json.dumps(marks, sort_keys=True).encode()
        try:
            if self._header() != header:
                self._write(header + b"\n" + _content.dump_json(dict(configurations)))
            self._refused = False
        except OSError as error:
            if not self._refused:
                log.warning("the copy of the configuration cannot be written to %s: %s", self.path, error)
            self._refused = True

    def read(self) -> dict[str, EnvironmentConfig] | None:
        """What was kept; None when there is no copy or it is damaged."""
        try:
            _, _, content = self.path.read_bytes().partition(b"\n")
            return _content.validate_json(content)
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            log.warning("the copy of the configuration in %s cannot be used: %s", self.path, error)
            return None

    def _header(self) -> bytes:
        try:
            with self.path.open("rb") as file:
                return file.readline().rstrip(b"\n")
        except FileNotFoundError:
            return b""

    def _write(self, content: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}-")  # mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
