"""What is learnt, in a real Chromium: the pages fit, read well and name their controls, and a user answers a survey."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from core.actors import Actor, ActorKind
from flags.models import Flag
from improvement.domain.feedback import Given, State
from improvement.models import Feedback
from improvement.services import actions, feedback, future, lessons, surveys
from nctool_rollout.playbook import improving
from nctool_rollout.playbook.validation import load_text
from plans.models import Phase
from plans.services import plans, templates
from tests.browser.test_home import CONTROLS_WITHOUT_NAME, WEAK_CONTRAST
from tests.plans.conftest import DOCUMENT

pytestmark = pytest.mark.browser
PageAs = Callable[..., Page]
OLGA = Actor("operator", ActorKind.PERSON)
FILE = Path(__file__).parents[2] / "playbooks" / "nctool-v2.yaml"
AT = "/admin/improvement"


@pytest.fixture
def learnt(flag: Flag, person: Callable[[str], Any]) -> dict[str, str]:
    """The lessons, next phase and roadmap of the strategy, and something of everything else; addresses by name."""
    person("operator")
    who: dict[str, Any] = {"actor": OLGA, "now": timezone.now()}
    _load({**who, "reason": "playbook"})
    said = [_given(who, number) for number in range(6)]
    feedback.settle(said[0], State.ACCEPTED, reason="", **who)
    feedback.settle(said[1], State.DUPLICATE, reason="The same", duplicate_of=said[0], **who)
    feedback.tag(said[0], ["slow pages", "melt"], **who)
    today = timezone.localdate()
    item = {"owner": "operator", "origin": f"feedback:{said[0]}", "text": "As the export has it."}
    late = actions.open_item("Cut the list into pages", due=today - timedelta(days=3), **item, **who)
    actions.open_item("Measure it again", due=today + timedelta(days=14), **item, **who)
    actions.tell_late(today=today, now=who["now"])
    lesson = {"area": "technical", "sort": "challenges", "text": "Exports need pages", "tags": ["export"]}
    more = {"detail": "A list of 10,000 rows took 40 s.", "evidence": f"feedback:{said[0]}"}
    about = ["flag:atomicMeltOperations", "phase:first", "phase:migration"]
    taught = lessons.write({**lesson, **more, "about": about}, **who)
    until = who["now"] + timedelta(days=30)
    survey, token = surveys.open_survey("production", name="After week 4", until=until, **who)
    surveys.answer(token, rating=5, text="", once="user 1", network="192.0.2.0/24", now=who["now"])
    templates.define("small", DOCUMENT, reason="tests", **who)
    plans.start("small", "production", reason="tests", **who)
    return {
        "feedback": f"{AT}/feedback/",
        "feedback-page": f"{AT}/feedback/{said[0]}/change/",
        "feedback-new": f"{AT}/feedback/new/",
        "duplicate": f"{AT}/feedback/{said[2]}/duplicate/",
        "surveys": f"{AT}/survey/",
        "survey-new": f"{AT}/survey/new/",
        "survey-end": f"{AT}/survey/{survey.pk}/end/",
        "items": f"{AT}/actionitem/",
        "item": f"{AT}/actionitem/{late.pk}/change/",
        "item-edit": f"{AT}/actionitem/{late.pk}/edit/",
        "item-finish": f"{AT}/actionitem/{late.pk}/finish/",
        "lessons": f"{AT}/lesson/",
        "lesson": f"{AT}/lesson/{taught.pk}/change/",
        "lesson-edit": f"{AT}/lesson/{taught.pk}/edit/",
        "future": f"{AT}/nextphase/",
        "phase-edit": f"{AT}/nextphase/of/enhanced-features-v2-1/edit/",
        "quarter-edit": f"{AT}/nextphase/quarter/q1_2025/edit/",
        "plan-phase": f"/admin/plans/phase/{Phase.objects.get(key='first').pk}/change/",
        "survey-open": f"/survey/{token}/",
    }


def _load(who: dict[str, Any]) -> None:
    playbook, _ = load_text(FILE.read_text(), file=FILE.name)
    define = {"lessons": lessons.define, "nextPhases": future.define_phase, "roadmap": _quarter}
    for (section, key), value in improving.wanted(playbook).items():
        define[section](key, value, **who)


def _quarter(key: str, value: dict[str, Any], **who: Any) -> None:
    texts = [{"text": text} for text in value["deliverables"]]
    future.define_quarter(key, {**value, "deliverables": texts}, **who)


def _given(who: dict[str, Any], number: int) -> int:
    words = "The list of melts is slow when it has more than a thousand rows. I had to wait for forty seconds."
    if number % 2:
        given = Given("user", words, rating=1 + number % 5, flag="atomicMeltOperations")
    else:
        given = Given("technical", words, "performanceImpact")
    return feedback.receive("production", given, **who).feedback.pk


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1440, False)])
def test_the_pages_fit_have_contrast_and_name_their_controls(
    page_as: PageAs, learnt: dict[str, str], width: int, *, dark: bool
) -> None:
    page = page_as("approver", width=width, dark=dark)
    flaws: list[str] = []
    for name, address in learnt.items():
        answer = page.goto(address)
        assert answer is not None
        if answer.status != 200:
            flaws.append(f"{name}: {answer.status}")
            continue
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            flaws.append(f"{name}: scrolls sideways")
        flaws += [f"{name}: no name: {control}" for control in page.evaluate(CONTROLS_WITHOUT_NAME)]
        flaws += [f"{name}: contrast {text}" for text in page.evaluate(WEAK_CONTRAST.replace(".plain main", "main"))]
    assert not flaws, "\n".join(flaws)


def test_a_user_answers_in_german_and_without_scripts_by_the_link_that_an_operator_copied(
    page_as: PageAs, chromium: Browser, all_environments: None
) -> None:
    olga = page_as("operator")
    olga.goto(f"{AT}/survey/new/")
    olga.get_by_label("Name").fill("After week 4")
    olga.get_by_role("button", name="Open it").click()
    link = olga.locator("code").inner_text()
    with chromium.new_context(java_script_enabled=False, locale="de-DE") as context:
        user = context.new_page()
        for said in ("4", "1"):  # who answers again by a link of their own is counted once
            user.goto(f"{link}?user=7")
            user.get_by_label(said, exact=True).check()
            user.get_by_label("Was Sie noch sagen möchten").fill("<b>Gut</b>")
            user.get_by_role("button", name="Senden").click()
            expect(user.get_by_role("status")).to_have_text("Ihre Antwort ist gespeichert.")
        assert context.cookies() == []
    assert [(row.rating, row.text) for row in Feedback.objects.all()] == [(4, "<b>Gut</b>")]
    olga.get_by_role("link", name="I have copied it").click()
    expect(olga.get_by_role("row", name="After week 4").get_by_role("cell").nth(3)).to_have_text("1")
