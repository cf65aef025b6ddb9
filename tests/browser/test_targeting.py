"""Targeting in a real browser: rules written by keyboard alone, files chosen, pages that fit a phone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

import flags.selectors
from core.actors import Actor
from flags.domain.change import StateChange
from flags.domain.definition import DefinitionChange
from flags.models import Flag, Segment
from flags.services import definition, rollout, segments, targeting

pytestmark = pytest.mark.browser
PageAs = Callable[..., Page]
KEY = "atomicMeltOperations"
EU = [{"attribute": "country", "op": "in", "values": ["DE", "FR"]}]


@pytest.fixture
def who(operator_actor: Actor, now: datetime) -> dict[str, Any]:
    return {"actor": operator_actor, "reason": "tests", "now": now}


@pytest.fixture
def beta(flag: Flag, who: dict[str, Any]) -> Segment:
    beta = [{"attribute": "beta", "op": "equals", "values": [True]}]
    return segments.define("beta", "production", name="Beta testers", conditions=beta, **who)


def place(page: str, environment: str = "production") -> str:
    return f"/admin/flags/flagstate/{flags.selectors.state(KEY, environment).pk}/{page}"


def type_into(page: Page, *keys: str) -> None:
    """Type a text, or press a key that is written as <Tab>."""
    for key in keys:
        if key.startswith("<"):
            page.keyboard.press(key.strip("<>"))
        else:
            page.keyboard.type(key)


def test_an_operator_writes_a_rule_by_keyboard_alone(page_as: PageAs, beta: Segment) -> None:
    page = page_as("operator")
    page.goto(place("targeting/edit/"))
    page.get_by_role("button", name="Rule", exact=True).focus()
    type_into(page, "<Enter>")
    name = page.get_by_label("Name of the rule")
    expect(name).to_be_focused()
    type_into(page, "Beta in the EU")
    page.get_by_label("Attribute").focus()
    type_into(page, "country", "<Tab>", "<Tab>", "DE", "<Enter>", "FR")
    expect(page.get_by_label("Values, one a line")).to_have_value("DE\nFR")
    page.get_by_role("button", name="Segment", exact=True).focus()
    type_into(page, "<Enter>")
    segment = page.get_by_label("Segment", exact=True)
    expect(segment).to_be_focused()
    type_into(page, "Beta")  # a select goes to the option that begins so
    page.get_by_label("Percent of them").focus()
    type_into(page, "10")
    page.get_by_role("button", name="Check, and see who is affected").focus()
    type_into(page, "<Enter>")
    words = "Where country is one of DE, FR and in segment beta: 10 % of them get on, the others off."
    expect(page.get_by_role("status").filter(has_text="In words")).to_contain_text(words)
    page.get_by_label("Reason").focus()
    type_into(page, "The EU first", "<Tab>", "<Tab>", "<Tab>", "<Enter>")
    expect(page.get_by_text(f"{KEY} in Production has 1 rule.")).to_be_visible()
    assert flags.selectors.state(KEY, "production").targeting == {
        "rules": [{"name": "Beta in the EU", "when": [*EU, {"segment": "beta"}], "percentage": 10}]
    }


def test_a_mistake_is_found_from_its_sentence_and_rules_are_moved_by_keyboard(
    page_as: PageAs, beta: Segment, who: dict[str, Any]
) -> None:
    rules = [{"name": name, "when": EU} for name in ("First", "Second", "Third")]
    targeting.set_targeting(KEY, "staging", {"rules": rules}, **who)
    page = page_as("operator")
    page.goto(place("targeting/edit/", "staging"))
    page.get_by_role("button", name="Move rule 1 down").focus()
    type_into(page, "<Enter>")
    expect(page.get_by_role("button", name="Move rule 2 down")).to_be_focused()
    type_into(page, "<Enter>")
    expect(page.get_by_role("button", name="Move rule 3 up")).to_be_focused()
    names = page.get_by_label("Name of the rule")
    assert [names.nth(number).input_value() for number in range(3)] == ["Second", "Third", "First"]
    page.get_by_label("Percent of them").nth(1).fill("many")
    page.get_by_role("button", name="Save in Staging").click()
    wrong = page.get_by_role("alert")
    expect(wrong).to_contain_text("Write a number from 0 to 100.")
    wrong.get_by_role("link").click()
    assert page.url.endswith("#at-rules-1-percentage")
    field = page.locator("#at-rules-1-percentage")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("many")


def test_the_percents_of_a_split_are_there_only_while_something_is_split(
    page_as: PageAs, flag: Flag, who: dict[str, Any]
) -> None:
    colours = [{"key": key, "value": key} for key in ("red", "blue")]
    definition.create("colour", DefinitionChange(name="Colour", value_type="string", variants=colours), **who)
    state = flags.selectors.state("colour", "staging")
    page = page_as("operator")
    page.goto(f"/admin/flags/flagstate/{state.pk}/targeting/edit/")
    red = page.get_by_label("Percent of red")
    expect(red).to_be_hidden()
    page.get_by_label("To those who have it").select_option("split by percent …")
    red.fill("25")
    page.get_by_label("Percent of blue").fill("75")
    page.get_by_role("button", name="Save in Staging").click()
    expect(page.get_by_text("colour in Staging has no rules.")).to_be_visible()
    assert flags.selectors.state("colour", "staging").targeting == {"serve": [["red", 25], ["blue", 75]]}


def test_a_file_is_chosen_its_column_named_and_its_npubs_added(page_as: PageAs, flag: Flag, tmp_path: Path) -> None:
    file = tmp_path / "testers.csv"
    file.write_text("account;owner\nnpub1a;Max\nnpub1b;Eva\n")
    page = page_as("operator")
    page.goto(place("allow-list/edit/", "staging"))
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Preview", exact=True).click()
    page.get_by_label("Which column has the npubs?").select_option("account")
    page.get_by_role("button", name="Preview this column").click()
    page.get_by_role("button", name="Add 2 in Staging").click()
    expect(page.get_by_text("2 added. The list has 2 npubs.")).to_be_visible()
    expect(page.get_by_text("npub1b")).to_be_visible()


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_no_page_of_a_flag_is_wider_than_the_screen(
    page_as: PageAs, beta: Segment, who: dict[str, Any], width: int, dark: bool
) -> None:
    rules = [{"name": "x" * 80, "when": [{"segment": "beta"}, {**EU[0], "values": ["y" * 200]}], "percentage": 5}]
    targeting.set_targeting(KEY, "production", {"rules": rules}, **who)
    rollout.change(KEY, "production", StateChange(enabled=True, percentage=20), **who)
    page = page_as("operator", width=width, dark=dark)
    pages = ("change/", "targeting/", "targeting/edit/", "targeting/json/", "ramp/", "history/", "usage/")
    pages += ("definition/", "buckets/", "deny-list/", "deny-list/edit/")
    others = ["/admin/flags/segment/", f"/admin/flags/segment/{beta.pk}/change/", "/admin/flags/flagstate/new/"]
    for address in [*map(place, pages), *others, f"/admin/flags/segment/{beta.pk}/edit/"]:
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
