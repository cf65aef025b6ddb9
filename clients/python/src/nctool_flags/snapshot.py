"""The picture of one environment that evaluation reads: compiled once, swapped as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from nctool_flags.compiling import Flag
from nctool_flags.conditions import compile_all
from nctool_flags.prerequisites import deciders

FORMAT = 1
UsageRow = tuple[str, str, str, int]  # flag, variant, reason, count


class BadDocument(ValueError):
    """What came is no snapshot that this version can read; the text says why."""


class Snapshot:
    """All flags of one environment at one version."""

    def __init__(self, document: Mapping[str, Any], memo: Mapping[str, int]) -> None:
        self.environment: str = document["environment"]
        self.version: int = document["version"]
        self.changed_at: str = document.get("changedAt", "")
        self.documents: dict[str, Any] = {flag["key"]: flag for flag in document["flags"]}
        segments = {name: compile_all(conditions, {}) for name, conditions in document["segments"].items()}
        self.flags = {key: Flag(flag, segments, memo) for key, flag in self.documents.items()}
        self.deciders = deciders(self.flags)

    @classmethod
    def read(cls, content: bytes, memo: Mapping[str, int]) -> Snapshot:
        """Raises BadDocument for what is damaged or of another format. Nothing of it is used then."""
        try:
            document = json.loads(content)
            found = document["format"] if isinstance(document, dict) else None
            if found != FORMAT:
                raise BadDocument(f"not a snapshot of format {FORMAT} (it says {found!r}): update this library")
            if type(document["version"]) is not int or not isinstance(document["environment"], str):
                raise BadDocument("a snapshot without version or environment")
            return cls(document, memo)
        except BadDocument:
            raise
        except (AttributeError, KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
            raise BadDocument(f"a damaged snapshot ({type(error).__name__}: {str(error)[:200]})") from error

    def differences(self, older: Snapshot | None) -> list[str]:
        """The keys of the flags that are new, gone or not as they were."""
        before = older.documents if older is not None else {}
        keys = self.documents.keys() | before.keys()
        return sorted(key for key in keys if self.documents.get(key) != before.get(key))

    def usage(self) -> Iterator[UsageRow]:
        """What was answered since the last call. One thread at a time."""
        for key, flag in self.flags.items():
            for outcome in flag.outcomes:
                count = outcome.take_count()
                if count:
                    yield key, outcome.variant, outcome.reason, count
