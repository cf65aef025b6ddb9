"""The picture of one environment that evaluation reads: swapped as a whole, compiled flag by flag.

A flag is compiled when it is first asked for. Those that were asked for before are ready when the snapshot takes its
place, so that no evaluation waits for them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from nctool_flags.compiling import Decide, Flag, UsageRow
from nctool_flags.conditions import compile_all
from nctool_flags.prerequisites import decider
from nctool_flags.reading import BadDocument, Document, damaged, read


class Snapshot:
    """All flags of one environment at one version. `deciders` are those that are compiled, by the flag's key."""

    def __init__(self, document: Document, memo: Mapping[str, int]) -> None:
        self.environment: str = document.head["environment"]
        self.version: int = document.head["version"]
        self.changed_at: str = document.head.get("changedAt", "")
        self.texts = document.flags
        self.deciders: dict[str, Decide] = {}
        self.flags: dict[str, Flag] = {}
        self._told_segments: Mapping[str, list[dict[str, object]]] = document.head["segments"]
        self._segments = {name: compile_all(conditions, {}) for name, conditions in self._told_segments.items()}
        self._memo = memo

    @property
    def mark(self) -> tuple[str, int, str]:
        """Two snapshots differ when their marks do: a restored database counts its versions again."""
        return self.environment, self.version, self.changed_at

    @classmethod
    def read(cls, content: bytes, memo: Mapping[str, int], previous: Snapshot | None = None) -> Snapshot:
        """Raises BadDocument for what is damaged or of another format. Nothing of it is used then.

        What did not change is taken from the `previous` one.
        """
        try:
            made = cls(read(content.decode(), previous.texts if previous is not None else {}), memo)
            if previous is not None:
                made._take_over(previous)
            return made
        except BadDocument:
            raise
        except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
            raise damaged(error) from error

    def find(self, key: str) -> Flag | None:
        """The compiled flag. Two threads that compile it at once get the same one, so nothing is counted apart."""
        if key not in self.flags and key in self.texts:
            self.flags.setdefault(key, Flag(json.loads(self.texts[key]), self._segments, self._memo))
        return self.flags.get(key)

    def decider(self, key: str) -> Decide | None:
        """How the flag decides; None when there is no such flag."""
        flag = self.find(key)
        if flag is not None and key not in self.deciders:
            self.deciders[key] = decider(flag, self.find)
        return self.deciders.get(key)

    def differences(self, older: Snapshot | None) -> list[str]:
        """The keys of the flags that are new, gone or not as they were."""
        before = older.texts if older is not None else {}
        return sorted(key for key in self.texts.keys() | before.keys() if self.texts.get(key) != before.get(key))

    def usage(self) -> Iterator[UsageRow]:
        """What was answered since the last call. One thread at a time."""
        for flag in list(self.flags.values()):  # another thread may compile one meanwhile
            yield from flag.usage()

    def gone(self, newer: Snapshot) -> list[Flag]:
        """The compiled flags that the newer one does not have as they are."""
        return [flag for key, flag in list(self.flags.items()) if newer.flags.get(key) is not flag]

    def _take_over(self, previous: Snapshot) -> None:
        asked = list(previous.deciders)
        if json.dumps(self._told_segments) == json.dumps(previous._told_segments):
            kept = list(previous.flags.items())
            self.flags = {key: flag for key, flag in kept if self.texts.get(key) == previous.texts[key]}
        for key in asked:
            self.decider(key)
