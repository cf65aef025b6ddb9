"""The copy of the last snapshot on disk, which an instance starts from while the server is down."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from pathlib import Path

log = logging.getLogger("nctool_flags")


def default_path(url: str, token: str) -> Path:
    """In the user's cache directory, with a name that another server or token does not share."""
    named = hashlib.sha256(f"{url}\n{token}".encode()).hexdigest()[:20]
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(cache) / "nctool-flags" / f"{named}.json"


class DiskCopy:
    """One file that several processes may write and read; a reader sees a whole one, old or new.

    It holds allow-lists, so only its owner may read it. A disk that refuses is logged once and stops nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._refused = False

    def read(self) -> bytes | None:
        if self._path is None:
            return None
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._complain(error)
            return None

    def keep(self, content: bytes) -> None:
        if self._path is None:
            return
        try:
            if not self._path.is_file() or self._path.read_bytes() != content:
                self._write(self._path, content)
            self._refused = False
        except OSError as error:
            self._complain(error)

    def _complain(self, error: OSError) -> None:
        if not self._refused:
            log.warning("no copy of the flags on disk, a start without the server will use defaults: %s", error)
        self._refused = True

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
