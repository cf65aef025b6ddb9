"""The copy of the page on disk: what a process shows while the database cannot be reached, also after a restart.

One file, written whole by atomic rename. When it was last confirmed by the database is the time of the file.
"""

from __future__ import annotations

import logging
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from statuspage.domain.picture import Picture, dump, load

log = logging.getLogger(__name__)


class DiskCopy:
    """Several processes write and read it; each reader sees the old file or the new one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._kept: int | None = None
        self._refused = False

    def keep(self, picture: Picture, *, at: datetime) -> None:
        """Write what is new, and that the database confirmed it at `at`. A disk that refuses is logged once."""
        try:
            if picture.version != self._kept or not self.path.exists():
                self._write(dump(picture))
                self._kept = picture.version
            os.utime(self.path, (at.timestamp(), at.timestamp()))
            self._refused = False
        except OSError as error:
            if not self._refused:
                log.warning("the copy of the status page cannot be written to %s: %s", self.path, error)
            self._refused = True

    def read(self) -> tuple[Picture, datetime] | None:
        """What was kept and when the database last confirmed it; None when there is no copy, or it is damaged."""
        try:
            at = datetime.fromtimestamp(self.path.stat().st_mtime, tz=UTC)
            return load(self.path.read_bytes()), at
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning("the copy of the status page in %s cannot be used: %s", self.path, type(error).__name__)
            return None

    def _write(self, content: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
