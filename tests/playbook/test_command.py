"""`manage.py playbook`: exit codes, and what an operator reads."""

from __future__ import annotations

import io
import json
from datetime import datetime
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from core import events
from core.actors import Actor
from flags.services import rollout
from nctool_rollout.playbook.expectations import schema
from tests.playbook.conftest import SMALL, edited

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return str(path)


def run(*arguments: str, **options: object) -> tuple[int, str]:
    """Exit code and what was printed, also to stderr."""
    out = io.StringIO()
    try:
        call_command("playbook", *arguments, stdout=out, **options)
    except CommandError as error:
        return error.returncode, out.getvalue() + str(error)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def test_diff_tells_what_a_load_would_do_and_what_people_did(file: str, operator_actor: Actor, now: datetime) -> None:
    code, said = run("diff", file)
    assert code == 1
    assert "live\n  + position: 2" in said
    assert "flag sending rollout: enabled at 10 %" in said
    assert not events.recent().exists()
    done = said.replace("33 to write", "Loaded small 1: 33 written")
    assert run("load", file) == (0, done)
    assert run("diff", file) == (0, "0 to write, 0 left as they are, 33 the same already.\n")

    rollout.set_rollout("sending", "live", 30, actor=operator_actor, reason="by hand", now=now)
    Path(file).write_text(edited(("name: Lab", "name: Laboratory")))
    code, said = run("diff", file)
    assert (code, said.splitlines()) == (
        1,
        [
            "lab",
            '  ~ name: "Lab" -> "Laboratory"',
            "live",
            "  = flag sending rollout: stays enabled at 30 %, the file says enabled at 10 % "
            "(changed since the playbook was loaded)",
            "1 to write, 1 left as they are, 31 the same already.",
        ],
    )
    code, told = run("diff", file, "--json")
    assert code == 1
    assert [row["outcome"] for row in json.loads(told)] == ["change", "keep"]


def test_load_if_empty_loads_once_and_then_never_again(file: str) -> None:
    assert run("load", file, if_empty=True) == (
        0,
        "Loaded small 1: 33 written, 0 left as they are, 0 the same already.\n",
    )
    Path(file).write_text(edited(("rolloutPercentage: 10", "rolloutPercentage: 20")))
    rows = events.recent().count()
    code, said = run("load", file, "--if-empty")
    assert (code, events.recent().count()) == (0, rows)
    assert "was not loaded: there are environments and flags here already." in said


def test_mistakes_end_with_code_2_and_every_line_names_the_file(file: str) -> None:
    Path(file).write_text(edited(("name: Lab", "nmae: Lab"), ("flag: sending\n    steps", "flag: nothing\n    steps")))
    for verb in ("validate", "diff", "load"):
        code, said = run(verb, file)
        assert code == 2
        assert [line.split(": ")[0] for line in said.splitlines()] == [f"{file}:14", f"{file}:15", f"{file}:26"]
    assert not events.recent().exists()


@pytest.mark.parametrize(
    ("content", "words"), [(None, "cannot be read: No such file"), (b"\xff\xfe\x00", "is not UTF-8 text")]
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "x.yaml"
    if content is not None:
        path.write_bytes(content)
    code, said = run("validate", str(path))
    assert code == 2
    assert words in said


def test_export_and_schema_write_what_can_be_read_again(file: str, tmp_path: Path) -> None:
    assert run("export")[0] == 2
    run("load", file)
    copy = str(tmp_path / "copy.yaml")
    assert run("export", copy) == (0, f"Written to {copy}.\n")
    assert run("diff", copy)[0] == 0
    assert run("export")[1] == Path(copy).read_text()
    code, said = run("export", str(tmp_path / "no" / "where.yaml"))
    assert code == 2
    assert "cannot be written" in said
    assert json.loads(run("schema")[1]) == schema()
    assert run("validate", file)[1].endswith("small 1: 2 environments, 1 flags, 1 ramps, 1 triggers.\n")
