"""What the buttons of the targeting form do to a draft: add, remove, move. A button that fits nothing does nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flags.domain.draft import Condition, Draft, Needed, Rule

Item = TypeVar("Item")


def edit(draft: Draft, command: str) -> str:
    """Carry out `<part>.<what>[.<index>[.<index>]]`, for example `rule.up.2`; the place to put the focus on."""
    part, _, rest = command.partition(".")
    what, *numbers = rest.split(".")
    places = [int(number) for number in numbers if number.isdecimal() and len(number) < 5]
    takes, act = _ACTS.get(f"{part}.{what}", (0, _nothing))
    focus = act(draft, places) if takes == len(places) == len(numbers) else ""
    draft.numbered()
    return focus


def edit_conditions(when: list[Condition], command: str, noun: str = "conditions") -> str:
    """The same for the conditions of a segment: `when.add`, `segment.add`, `when.remove.<index>`."""
    part, _, rest = command.partition(".")
    what, _, number = rest.partition(".")
    if what == "remove" and number.isdecimal() and len(number) < 5:
        _take(when, int(number))
        focus = ""
    else:
        focus = _append(when, noun, segment=part == "segment")
    for index, condition in enumerate(when):
        condition.path = f"{noun}[{index}]"
    return focus


def _rule_add(draft: Draft, places: list[int]) -> str:
    draft.rules.append(Rule(when=[Condition()]))
    return f"rules[{len(draft.rules) - 1}].name"


def _rule_remove(draft: Draft, places: list[int]) -> str:
    _take(draft.rules, *places)
    return f"rules[{min(places[0], len(draft.rules) - 1)}].name" if draft.rules else "rules.add"


def _rule_up(draft: Draft, places: list[int]) -> str:
    return _move(draft, places[0], places[0] - 1, "up")


def _rule_down(draft: Draft, places: list[int]) -> str:
    return _move(draft, places[0], places[0] + 1, "down")


def _move(draft: Draft, start: int, end: int, way: str) -> str:
    if not (0 <= end < len(draft.rules) and start < len(draft.rules)):
        return ""
    draft.rules.insert(end, draft.rules.pop(start))
    last = end in (0, len(draft.rules) - 1)
    other = {"up": "down", "down": "up"}[way]
    return f"rules[{end}].{other if last else way}"  # a button that can do no more takes no focus


def _when_add(draft: Draft, places: list[int]) -> str:
    return _of_rule(draft, places, segment=False)


def _segment_add(draft: Draft, places: list[int]) -> str:
    return _of_rule(draft, places, segment=True)


def _when_remove(draft: Draft, places: list[int]) -> str:
    rule, number = places
    if rule < len(draft.rules):
        _take(draft.rules[rule].when, number)
    return f"rules[{rule}].when.add"


def _need_add(draft: Draft, places: list[int]) -> str:
    draft.prerequisites.append(Needed(variants="on"))
    return f"prerequisites[{len(draft.prerequisites) - 1}].flag"


def _need_remove(draft: Draft, places: list[int]) -> str:
    _take(draft.prerequisites, *places)
    return "prerequisites.add"


def _of_rule(draft: Draft, places: list[int], *, segment: bool) -> str:
    (number,) = places
    if number >= len(draft.rules):
        return ""
    return _append(draft.rules[number].when, f"rules[{number}].when", segment=segment)


def _append(when: list[Condition], noun: str, *, segment: bool) -> str:
    when.append(Condition(segment="") if segment else Condition())
    return f"{noun}[{len(when) - 1}].{'segment' if segment else 'attribute'}"


def _take(items: list[Item], number: int) -> None:
    if number < len(items):
        del items[number]


def _nothing(draft: Draft, places: list[int]) -> str:
    return ""


_ACTS: dict[str, tuple[int, Callable[[Draft, list[int]], str]]] = {  # how many indexes it takes, and what it does
    "rule.add": (0, _rule_add),
    "rule.remove": (1, _rule_remove),
    "rule.up": (1, _rule_up),
    "rule.down": (1, _rule_down),
    "when.add": (1, _when_add),
    "when.remove": (2, _when_remove),
    "segment.add": (1, _segment_add),
    "need.add": (0, _need_add),
    "need.remove": (1, _need_remove),
}
