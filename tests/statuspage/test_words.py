"""Every word that visitors read exists in every language of the page."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.translation.template import templatize

from statuspage.domain.languages import FIRST, LANGUAGES
from statuspage.services import subscribing
from statuspage.templatetags.status_times import DAY, LONG_DAY

ROOT = Path(settings.BASE_DIR)
REFUSERS = ("domain/addresses.py", "selectors/links.py", "services/subscribing.py", "views/subscriptions.py")
INSIDE = {"This subscription has ended already."}


def of_templates() -> Iterator[str]:
    for file in (ROOT / "templates/statuspage").glob("*.html"):
        for found in re.finditer(
            r"gettext\((u?'(?:[^'\\]|\\.)*'|u?\"(?:[^\"\\]|\\.)*\")", templatize(file.read_text())
        ):
            yield ast.literal_eval(found[1])


def calls(file: Path, *names: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in names:
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value


def of_code() -> Iterator[str]:
    for file in [*(ROOT / "statuspage/views").glob("*.py"), *(ROOT / "statuspage/templatetags").glob("*.py")]:
        yield from calls(file, "_", "gettext_lazy", "ngettext")
    yield subscribing.TOO_MANY
    for name in REFUSERS:
        yield from calls(ROOT / "statuspage" / name, "Invalid")


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {FIRST}))
def test_no_word_is_left_in_the_first_language(language: str) -> None:
    file = ROOT / f"statuspage/locale/{language}/LC_MESSAGES/django.mo"
    with file.open("rb") as content:
        known = gettext.GNUTranslations(content)._catalog  # type: ignore[attr-defined]
    there = {key[0] if isinstance(key, tuple) else key for key in known}
    wanted = {*of_templates(), *of_code()} - INSIDE
    assert len(wanted) > 80
    assert sorted(wanted - there) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_its_way_to_write_a_day(language: str) -> None:
    assert {language} <= set(DAY) & set(LONG_DAY)
