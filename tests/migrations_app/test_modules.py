"""Migrations are files: what is wrong with one is told with its line, and a changed one is known."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pytest_django import Settings

from core.errors import Conflict, Invalid, NotFound
from migrations_app.adapters import modules
from migrations_app.management.new import new

SHIPPED = Path("nctool_migrations")
GOOD = (SHIPPED / "m002_atomic_melt_support.py").read_text(encoding="utf-8")
IMPORT = "from datetime import timedelta"


@pytest.fixture
def directory(tmp_path: Path, settings: Settings) -> Path:
    shutil.copy(SHIPPED / "m002_atomic_melt_support.py", tmp_path)
    settings.NCTOOL_MIGRATIONS = str(tmp_path)
    return tmp_path


def test_the_migrations_of_this_project_have_no_problems() -> None:
    loaded = modules.load(SHIPPED)
    assert {number: each.problems for number, each in loaded.items()} == {"002": ()}
    assert modules.broken(SHIPPED) == []
    assert loaded["002"].checksum.startswith("v1:")


@pytest.mark.parametrize(
    ("text", "with_", "why"),
    [
        ('number="002"', 'number="2"', "number is three digits, not '2'"),
        ('name="atomic_melt_support"', 'name="other"', "it calls itself 002 other, and its file 002 atomic_melt"),
        (IMPORT, f"{IMPORT}\nimport pymongo", "line 10: a migration does not import pymongo"),
        (IMPORT, f"{IMPORT}\nfrom django.db import models", "not import django.db"),
        (IMPORT, f"{IMPORT}\nfrom . import secrets", r"not import \.:"),
        ("TOKENS, WALLETS =", "SECRET = open('/etc/passwd')\nTOKENS, WALLETS =", "does not call open"),
        ("TOKENS, WALLETS =", "import datetime\nAT = datetime.datetime.now()\nTOKENS, WALLETS =", "take RUN_START"),
        ("migration = Migration(", "other = Migration(", "it has no `migration = Migration"),
        ("migration = Migration(", "migration = Migratoin(", "NameError: name 'Migratoin' is not defined"),
        ("migration = Migration(", "migration = = Migration(", "invalid syntax"),
        ('guard={"metadata": None},', "guard={},", "without a guard a repeat would change documents again"),
        ('guard={"metadata": None},', 'guard={"amount": {"$gt": 1}},', "the guard of amount is"),
        ('guard={"metadata": None},', 'guard={"other": None},', "no field of the guard is changed"),
        ('"metadata.version": "2.0.0",', '"metadata": {},', "metadata and metadata.migrated are changed at once"),
        ('"metadata.version": "2.0.0",', '"metadata.0": 1,', "'metadata.0' is no path of a field that can be changed"),
        ('"metadata.version": "2.0.0",', '"_id": 1,', "'_id' is no path"),
        ('where=LEGACY,', 'where={"$where": "true"},', r"where cannot be one of \$where"),
        ("PhaseName.SCHEMA,", "PhaseName.DATA,", "phases are schema, data and cleanup, in this order"),
        ('(("metadata.operation_id", 1),)', '(("metadata.operation_id", 2),)', "keys are pairs of a field and 1 or -1"),
    ],
)  # fmt: skip
def test_a_migration_that_may_not_be_run_says_why_and_where(directory: Path, text: str, with_: str, why: str) -> None:
    assert text in GOOD
    (directory / "m002_atomic_melt_support.py").write_text(GOOD.replace(text, with_, 1), encoding="utf-8")
    with pytest.raises(Conflict, match=why):
        modules.get("002" if 'number="2"' not in with_ else "2")


def test_an_index_among_changes_of_documents_and_a_change_among_indexes_are_refused(directory: Path) -> None:
    text = GOOD.replace("PhaseName.SCHEMA,", "PhaseName.X,", 1).replace("PhaseName.DATA,", "PhaseName.SCHEMA,", 1)
    text = text.replace("PhaseName.X,", "PhaseName.DATA,", 1)
    (directory / "m002_atomic_melt_support.py").write_text(text, encoding="utf-8")
    with pytest.raises(Conflict, match=r"not among the changes of documents.*documents are changed in data or cleanup"):
        modules.get("002")


def test_a_checksum_knows_every_change_but_that_of_line_ends_and_of_blanks_at_them(directory: Path) -> None:
    path = directory / "m002_atomic_melt_support.py"
    first = modules.get("002").checksum
    path.write_bytes(GOOD.replace("\n", "  \r\n").encode())
    assert modules.get("002").checksum == first
    path.write_text(GOOD.replace("2.0.0", "2.0.1"), encoding="utf-8")
    assert modules.get("002").checksum != first


def test_two_files_of_one_number_stop_that_number(directory: Path) -> None:
    other = GOOD.replace('name="atomic_melt_support"', 'name="other"')
    (directory / "m002_other.py").write_text(other, encoding="utf-8")
    with pytest.raises(Conflict, match=r"m002_other\.py has the number 002 too"):
        modules.get("002")
    with pytest.raises(NotFound, match="no migration '004'"):
        modules.get("004")


def test_a_new_migration_is_numbered_and_can_be_run_as_it_is(directory: Path, tmp_path: Path) -> None:
    module, test = new("expiry", directory=directory, tests=tmp_path / "tests")
    assert (module.name, test.name) == ("m003_expiry.py", "test_m003_expiry.py")
    assert modules.get("003").problems == ()
    compile(test.read_text(encoding="utf-8"), str(test), "exec")
    with pytest.raises(Conflict, match="already"):
        new("expiry", directory=directory, tests=tmp_path / "tests")
    with pytest.raises(Invalid, match="small letters"):
        new("Expiry!", directory=directory, tests=tmp_path / "tests")
