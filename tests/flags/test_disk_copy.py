"""The copy on disk: private, whole, and nothing that stops evaluation."""

from __future__ import annotations

import stat
from datetime import datetime
from pathlib import Path

import pytest

from core.actors import Actor
from flags.adapters.disk import DiskCopy
from flags.domain.configuration import EnvironmentConfig
from flags.domain.snapshot import Snapshot
from flags.services import lists, rollout, segments, targeting
from flags.services.holding import Holder

KEY = "atomicMeltOperations"
EU = [{"attribute": "country", "op": "in", "values": ["DE", "FR"]}]


@pytest.mark.django_db
def test_the_copy_is_private_and_holds_no_token(holder: Holder, copy: DiskCopy, token: str) -> None:
    holder.refresh()
    files = sorted(copy.path.iterdir())
    assert [file.stem for file in files] == sorted(holder.held.configurations)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert not any(token in file.read_text() for file in files)
    assert copy.read() is not None


@pytest.mark.django_db
@pytest.mark.usefixtures("flag")
def test_an_old_copy_that_a_slow_process_wrote_is_put_right(
    holder: Holder, copy: DiskCopy, operator_actor: Actor, now: datetime
) -> None:
    holder.refresh()
    file, other = copy.path / "production.json", copy.path / "staging.json"
    old, same = file.read_bytes(), other.stat().st_ino
    rollout.enable(KEY, "production", actor=operator_actor, reason="r", now=now)
    holder.refresh()
    new = file.read_bytes()
    file.write_bytes(old)
    assert not holder.refresh()
    assert file.read_bytes() == new != old
    assert other.stat().st_ino == same  # what did not change is not written


@pytest.mark.django_db
@pytest.mark.usefixtures("flag")
def test_the_copy_tells_all_that_decides(holder: Holder, copy: DiskCopy, operator_actor: Actor, now: datetime) -> None:
    told = {"actor": operator_actor, "reason": "r", "now": now}
    segments.define("eu", "production", name="EU", conditions=EU, **told)
    rule = {"name": "EU", "when": [{"segment": "eu"}], "percentage": 50}
    targeting.set_targeting(KEY, "production", {"rules": [rule]}, **told)
    rollout.enable(KEY, "production", **told)
    lists.edit_deny_list(KEY, "production", add=["npub1no"], **told)
    holder.refresh()
    kept, held = Snapshot((copy.read() or {})["production"]), holder.held.snapshots["production"]
    for npub in ("npub1no", "npub1yes", "npub1other", ""):
        for context in ({}, {"country": "DE"}):
            assert kept.decide(KEY, npub, context) == held.decide(KEY, npub, context)


@pytest.mark.django_db
@pytest.mark.usefixtures("flag")
def test_what_no_longer_is_leaves_the_copy(holder: Holder, copy: DiskCopy, caplog: pytest.LogCaptureFixture) -> None:
    former = copy.path.with_suffix(".json")
    former.parent.mkdir()
    former.write_text("{}\n{}")
    assert copy.read() is None
    assert "is of an earlier release and is not read" in caplog.text
    copy.keep({"gone": EnvironmentConfig("gone", 1)})
    holder.refresh()
    assert "gone" not in (copy.read() or {})
    assert not former.exists()


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"{}\n[]\n", b"{}\n[]\n[1]", b'[1,""]\n[]\n{"format":2}', b"\xff\n[]\n\xff", b"1\n{}\n{}"]
)
def test_a_damaged_copy_is_no_copy(copy: DiskCopy, content: bytes) -> None:
    copy.keep({"staging": EnvironmentConfig("staging", 1)})
    assert copy.read() == {"staging": EnvironmentConfig("staging", 1)}
    (copy.path / "production.json").write_bytes(content)
    assert copy.read() is None


def test_a_disk_that_refuses_stops_nothing_and_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    copy = DiskCopy(tmp_path / "file" / "snapshot")
    for version in (1, 2):
        copy.keep({"staging": EnvironmentConfig("staging", version)})
    assert len([record for record in caplog.records if "cannot be written" in record.message]) == 1
    assert copy.read() is None
