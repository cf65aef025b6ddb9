"""An edit of a list of npubs, as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ListEdit:
    """The npubs that join and leave a list."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.add or self.remove)

    def to_dict(self) -> dict[str, list[str]]:
        return {"add": list(self.add), "remove": list(self.remove)}


NO_EDIT = ListEdit()
