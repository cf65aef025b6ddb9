"""`manage.py migration new NAME`: a migration to fill in, and its test."""

from __future__ import annotations

import re
from pathlib import Path

from core.errors import Conflict, Invalid
from migrations_app.adapters.modules import FILE

NAME = re.compile(r"[a-z][a-z0-9_]{2,60}")

MODULE = '''"""What this is for, and what would go wrong without it. docs/writing-migrations.md tells all there is."""

from __future__ import annotations

from datetime import timedelta

from migrations_app.domain.migration import Migration, Phase, PhaseName
from migrations_app.domain.operations import EnsureIndex, UpdateEach
from migrations_app.domain.validations import Balances, NoneLeft, Unchanged

TOKENS, WALLETS = "cashutokens", "cashuwallets"

migration = Migration(
    number="{number}",
    name="{name}",
    description="One line for the list of migrations.",
    needed_by=(),  # keys of flags that may not be raised before this is applied
    phases=(
        # Indexes first: they are built outside of transactions, and taken back last.
        Phase(
            PhaseName.SCHEMA,
            "Schema Updates",
            timedelta(hours=1),
            (EnsureIndex(TOKENS, (("{name}", 1),)),),
        ),
        # Each document that `where` and `guard` find is changed once. The guard is true before and false after.
        Phase(
            PhaseName.DATA,
            "Data Migration",
            timedelta(hours=1),
            (
                UpdateEach(
                    "Say what happens to a document",
                    TOKENS,
                    where={{"status": "unspent"}},
                    guard={{"{name}": {{"$ne": True}}}},
                    set={{"{name}": True}},
                ),
            ),
        ),
    ),
    validations=(
        Unchanged(TOKENS, ("npub", "mint_url", "amount", "transaction_type", "created_at")),
        Balances(TOKENS, WALLETS),
        NoneLeft("unspent tokens that were forgotten", TOKENS, {{"status": "unspent", "{name}": {{"$ne": True}}}}),
    ),
)
'''

TEST = '''"""m{number}_{name}: there and back on a real MongoDB protocol."""

from __future__ import annotations

from typing import Any

from migrations_app.domain.states import RunState
from migrations_app.services import driving
from tests.migrations_app.engine import declared, raw, token, worker


def test_{number}_changes_what_it_should_and_its_way_back_leaves_nothing(empty: Any) -> None:
    empty.cashuwallets.insert_one({{"npub": "npub100", "mint_url": "https://mint.example"}})
    empty.cashutokens.insert_many([token(20, _id=1, status="unspent"), token(40, _id=2, status="spent")])
    before = raw(empty)

    with worker(empty, declared("{number}")) as work:
        ending = driving.drive(work)
    assert (ending.state, ending.why) == (RunState.COMPLETED, "")
    assert empty.cashutokens.find_one({{"_id": 1}})["{name}"] is True
    assert "{name}" not in empty.cashutokens.find_one({{"_id": 2}})

    with worker(empty, declared("{number}")) as work:
        assert driving.take_back(work, work.phases).state is RunState.ROLLED_BACK
    assert raw(empty) == before
'''


def new(name: str, *, directory: Path, tests: Path) -> list[Path]:
    """Write both files; where they are. Raises Invalid for a name, Conflict when they are there."""
    if not NAME.fullmatch(name):
        raise Invalid("A name is small letters, digits and underscores: add_expiry_to_tokens.", field="name")
    taken = [match for path in directory.glob("m*.py") if (match := FILE.fullmatch(path.name))]
    if any(match[2] == name for match in taken):
        raise Conflict(f"There is a migration {name!r} already.")
    number = f"{max((int(match[1]) for match in taken), default=0) + 1:03d}"
    found = []
    for path, text in (
        (directory / f"m{number}_{name}.py", MODULE),
        (tests / f"test_m{number}_{name}.py", TEST),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(number=number, name=name), encoding="utf-8")
        found.append(path)
    return found
