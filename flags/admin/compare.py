"""Two environments side by side: what differs, for all flags, and which of them to promote."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import QueryDict
from django.urls import reverse

from core import beside, environments
from core.admin.read_only import Screen
from flags.domain.promotion import skipped
from flags.domain.standing import Standing, share, standing
from flags.selectors.comparison import Compared, ListGap, compare

if TYPE_CHECKING:
    from core.models import Environment

STANDING = ("enabled", "percentage")  # told beside the name of the flag
SHOWS: dict[str, tuple[str, Callable[[Compared], bool]]] = {
    "": ("All that differ", lambda row: row.differs),
    "switch": ("State and percentage", lambda row: _any(row, STANDING)),
    "parameters": ("Parameters", lambda row: _any(row, ("parameters",))),
    "targeting": ("Targeting", lambda row: _any(row, ("targeting",))),
    "lists": ("Lists", lambda row: bool(row.allow or row.deny)),
    "all": ("All flags", lambda row: True),
}

LONGEST = 300  # characters of a value that the table shows


@dataclass(frozen=True, slots=True)
class Line:
    """One field that differs, as it is on the left and on the right."""

    field: str
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Row:
    """A flag as the page shows it. `moved`: state or percentage differ; `lines` are what else does.

    `obstacle` is why it cannot be promoted to the right now.
    """

    key: str
    name: str
    left_url: str
    right_url: str
    left: Standing
    right: Standing
    left_share: str
    right_share: str
    differs: bool
    moved: bool
    lines: list[Line]
    obstacle: str


class ComparePage(Screen):
    """`left` and `right` are environments; the two highest ones when they are not given or not known."""

    permission_required = "flags.view_flagstate"
    template_name = "flags/compare.html"
    title = "Compare environments"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        every = list(environments.ordered())
        left, right = chosen(every, self.request.GET)
        rows = compare(left.key, right.key) if left and right else []
        show = self.request.GET.get("show", "")
        show = show if show in SHOWS else ""
        search = self.request.GET.get("q", "").replace("\0", "").strip()
        wanted = [row for row in rows if SHOWS[show][1](row) and _found(row, search)]
        return super().get_context_data(
            environments=every,
            left=left,
            right=right,
            rows=_rows(wanted, right.key) if right else [],
            total=len(rows),
            differing=sum(row.differs for row in rows),
            shows=_shows(self.request.GET, show, rows),
            show=show,
            search=search,
            passed=_passed(every, left, right),
            downwards=bool(left and right and left.position > right.position),
            may_operate=self.request.user.has_perm("flags.operate_flagstate"),
            **kwargs,
        )


def chosen(every: list[Environment], given: Mapping[str, str]) -> tuple[Environment | None, Environment | None]:
    """The two environments of the address, never twice the same; of one alone, the next one. None without two."""
    by_key = {environment.key: environment for environment in every}
    if len(every) < 2:
        return None, None
    left, right = by_key.get(given.get("left", "")), by_key.get(given.get("right", ""))
    if right is None:
        right = every[-1] if left is None else every[min(every.index(left) + 1, len(every) - 1)]
    if left is None or left == right:
        place = every.index(right)
        left = every[place - 1] if place else every[1]
    return left, right


def _any(row: Compared, names: tuple[str, ...]) -> bool:
    return any(each.field.partition(".")[0] in names for each in row.fields)


def _found(row: Compared, search: str) -> bool:
    wanted = search.casefold()
    return wanted in row.left.flag.key.casefold() or wanted in row.left.flag.name.casefold()


def _rows(found: list[Compared], target: str) -> list[Row]:
    movers = beside.movers([row.left.flag.key for row in found], target)
    return [_row(row, movers.get(row.left.flag.key, "")) for row in found]


def _row(row: Compared, mover: str) -> Row:
    lines = [Line(each.field, _cut(each.before), _cut(each.after)) for each in row.fields if each.field not in STANDING]
    for name, gap, left, right in (
        ("allow-list", row.allow, row.left.allow_count, row.right.allow_count),
        ("deny-list", row.deny, row.left.deny_count, row.right.deny_count),
    ):
        if gap:
            lines.append(_list_line(name, gap, left, right))
    return Row(
        key=row.left.flag.key,
        name=row.left.flag.name,
        left_url=reverse("admin:flags_flagstate_change", args=[row.left.pk]),
        right_url=reverse("admin:flags_flagstate_change", args=[row.right.pk]),
        left=standing(row.left),
        right=standing(row.right),
        left_share=share(row.left.percentage),
        right_share=share(row.right.percentage),
        differs=row.differs,
        moved=_any(row, STANDING),
        lines=lines,
        obstacle=f"{mover} moves it" if mover else "stopped in an emergency" if row.right.disabled_at else "",
    )


def _cut(text: str) -> str:
    """A value that fits a cell."""
    return f"{text[:LONGEST]}…" if len(text) > LONGEST else text or "–"


def _list_line(name: str, gap: ListGap, left: int, right: int) -> Line:
    def told(count: int, only: int) -> str:
        return f"{count:,} npub{'' if count == 1 else 's'}" + (f", {only:,} only here" if only else "")

    return Line(name, told(left, gap.left_only), told(right, gap.right_only))


def _passed(every: list[Environment], left: Environment | None, right: Environment | None) -> list[str]:
    """The names of the environments that a promotion from left to right would skip."""
    if left is None or right is None:
        return []
    names = {environment.key: environment.name for environment in every}
    return [names[key] for key in skipped(left.key, right.key, list(names))]


def _shows(given: QueryDict, show: str, rows: list[Compared]) -> list[tuple[str, int, str, bool]]:
    """Name, how many flags, query and whether it is chosen, for each way to look at the list."""
    found = []
    for key, (name, wanted) in SHOWS.items():
        query = given.copy()
        query["show"] = key
        found.append((name, sum(map(wanted, rows)), query.urlencode(), key == show))
    return found
