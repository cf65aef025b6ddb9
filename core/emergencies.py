"""What makes an environment an emergency, beside what lower apps see: apps above the rollbacks say so."""

from __future__ import annotations

from collections.abc import Callable

Emergency = Callable[[str, str], list[str]]
_emergencies: list[Emergency] = []


def add(emergency: Emergency) -> None:
    """A function of an environment's key and a person's name: what is an emergency there now, each in a few words.

    The lane that it opens lets this person act alone: what is an emergency by that person's word only is left out.
    It is asked inside the transaction of a change, so it reads rows only.
    """
    if emergency not in _emergencies:
        _emergencies.append(emergency)


def found(environment: str, *, person: str) -> list[str]:
    """All that is an emergency there now for this person, in words that go on after "because"; empty: nothing is."""
    return [words for each in _emergencies for words in each(environment, person)]
