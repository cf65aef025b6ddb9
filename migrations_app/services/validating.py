"""Every document and every wallet, before and after a run. What differs is named, and leads to the way back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pymongo.database import Database

from migrations_app.adapters import indexes, pictures
from migrations_app.domain.migration import Migration, PhaseName
from migrations_app.domain.operations import DropIndex, EnsureIndex
from migrations_app.domain.states import Traffic
from migrations_app.domain.validations import Balances, Counted, NoneLeft, Unchanged
from migrations_app.domain.witness import MOST_NAMED, beside, compare

SAMPLE = 10  # wallets that are shown, as the seed's validateMigration prints them
Documents = Database[dict[str, Any]]
Results = dict[str, Any]


@dataclass
class Named:
    """How many there are, and the names of the first hundred."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        self.count += 1
        if len(self.first) < MOST_NAMED:
            self.first.append(name)


def before(database: Documents, migration: Migration, run: str) -> Results:
    """Look at everything before a run, and keep what is needed to compare with it afterwards."""
    results: Results = {"totals": _totals(database, migration), "checks": {}}
    for number, wanted in enumerate(migration.validations):
        checks = results["checks"]
        if isinstance(wanted, Unchanged):
            count, digest = pictures.keep(database, run, str(number), pictures.digests(database, wanted))
            checks[wanted.title] = {"ok": True, "value": count, "digest": digest}
        elif isinstance(wanted, Balances):
            checks[wanted.title] = _balances_before(database, wanted, run, str(number))
        else:
            checks[wanted.title] = {
                "ok": True,
                "value": database[wanted.collection].count_documents(dict(wanted.where)),
            }
    return results


def after(
    database: Documents,
    migration: Migration,
    run: str,
    *,
    earlier: Mapping[str, Any],
    traffic: Traffic,
    changed: Mapping[str, int],
    phases: tuple[str, ...],
    whole: bool = True,
) -> Results:
    """Look at everything after a run, against the pictures of before it.

    Args:
        changed: by operation, as `data.0`, how many documents the run has changed.
        whole: all documents were done; False after a canary, when some are still as they were.

    The result's `ok` says whether the run may be called successful.
    """
    results: Results = {"totals": _totals(database, migration), "checks": {}, "changed": dict(changed)}
    checks = results["checks"]
    for number, wanted in enumerate(migration.validations):
        if isinstance(wanted, Unchanged):
            checks[wanted.title] = _unchanged(database, wanted, run, str(number), traffic)
        elif isinstance(wanted, Balances):
            checks[wanted.title] = _balances(database, wanted, run, str(number), traffic, earlier)
        else:
            must = isinstance(wanted, NoneLeft) and whole and PhaseName.DATA in phases
            checks[wanted.title] = _counted(database, wanted, earlier, must=must)
            if isinstance(wanted, Counted) and wanted.made_by and earlier:
                _expect(checks[wanted.title], wanted, earlier, changed, traffic)
    checks.update(_indexes(database, migration, phases) if whole else {})
    if traffic is Traffic.STOPPED and earlier:
        checks["number of documents"] = _same_totals(earlier["totals"], results["totals"])
    results["ok"] = all(check["ok"] for check in checks.values())
    return results


def failures(results: Mapping[str, Any]) -> list[str]:
    """What failed, in sentences."""
    return [f"{title}: {check['told']}" for title, check in results["checks"].items() if not check["ok"]]


def _totals(database: Documents, migration: Migration) -> dict[str, int]:
    names = {each.collection for each in migration.validations if isinstance(each, Unchanged | Counted | NoneLeft)}
    names |= {each.collection for each in migration.updates()}
    return {name: database[name].count_documents({}) for name in sorted(names)}


def _same_totals(earlier: Mapping[str, int], now: Mapping[str, int]) -> Results:
    off = [f"{name} had {n:,} and has {now.get(name, 0):,}" for name, n in earlier.items() if now.get(name) != n]
    return {"ok": not off, "told": "; ".join(off) or "as before"}


def _unchanged(database: Documents, wanted: Unchanged, run: str, of: str, traffic: Traffic) -> Results:
    found = compare(pictures.kept(database, run, of), pictures.digests(database, wanted))
    wrong = found.changed + (found.gone + found.new if traffic is Traffic.STOPPED else 0)
    told = f"{found.same:,} of {found.total_before:,} as before"
    told += "".join(f", {getattr(found, kind):,} {kind}" for kind in ("changed", "gone", "new") if getattr(found, kind))
    named = {kind: [str(key) for key in keys] for kind, keys in found.named.items() if keys}
    return {"ok": not wrong, "value": found.same, "told": told, "named": named}


def _balances_before(database: Documents, wanted: Balances, run: str, of: str) -> Results:
    """Wallets that are wrong before are told, and do not count against the run afterwards."""
    total = 0
    wrong = Named()
    sample: list[list[Any]] = []

    def rows() -> Iterator[tuple[Any, Any]]:
        nonlocal total
        with pictures.one_moment(database) as session:
            for owner, wallet in pictures.wallets(database, wanted, session):
                total += 1
                if len(sample) < SAMPLE:
                    sample.append([_named(owner), wallet.total])
                if wallet.wrong:
                    wrong.add(f"{_named(owner)}: {wallet.wrong}")
                yield owner, [wallet.total, wallet.tokens, wallet.wrong]

    _, digest = pictures.keep(database, run, of, rows())
    told = f"{total:,} wallets" + (f", {wrong.count:,} of them wrong already" if wrong.count else "")
    return {
        "ok": True,
        "value": total,
        "digest": digest,
        "told": told,
        "named": {"wrong": wrong.first},
        "sample": sample,
    }


def _balances(
    database: Documents, wanted: Balances, run: str, of: str, traffic: Traffic, earlier: Mapping[str, Any]
) -> Results:
    """Under live traffic a wallet may have moved, but none may have become wrong; else none may have moved either."""
    wrong, moved = Named(), Named()
    total = 0
    sample: list[list[Any]] = []
    with pictures.one_moment(database) as session:
        now = ((owner, wallet) for owner, wallet in pictures.wallets(database, wanted, session))
        for owner, old, new in beside(pictures.kept(database, run, of), now):
            total += 1
            wallet = new[0] if new else None
            if wallet is not None and len(sample) < SAMPLE:
                sample.append([_named(owner), wallet.total])
            if wallet is not None and wallet.wrong and not (old and old[0][2]):
                wrong.add(f"{_named(owner)}: {wallet.wrong}")
            if earlier and (None if wallet is None else [wallet.total, wallet.tokens]) != (old[0][:2] if old else None):
                moved.add(_named(owner))
    bad = wrong.count + (moved.count if traffic is Traffic.STOPPED else 0)
    told = f"{total:,} wallets; {wrong.count:,} have become wrong, {moved.count:,} have moved"
    named = {"wrong": wrong.first, "moved": moved.first}
    return {"ok": not bad, "value": total, "told": told, "named": named, "sample": sample}


def _counted(database: Documents, wanted: NoneLeft | Counted, earlier: Mapping[str, Any], *, must: bool) -> Results:
    rows = database[wanted.collection]
    count = rows.count_documents(dict(wanted.where))
    was = earlier.get("checks", {}).get(wanted.title, {}).get("value")
    told = f"{count:,}" + (f", before {was:,}" if was is not None else "")
    named = [str(row["_id"]) for row in rows.find(dict(wanted.where), {"_id": 1}).limit(MOST_NAMED)] if must else []
    return {"ok": not (must and count), "value": count, "told": told, "named": {"left": named} if named else {}}


def _expect(
    check: Results, wanted: Counted, earlier: Mapping[str, Any], changed: Mapping[str, int], traffic: Traffic
) -> None:
    """As many more than before as the operation has changed: neither a document missed nor one too many."""
    was = earlier.get("checks", {}).get(wanted.title, {}).get("value")
    if was is None:
        return
    expected = was + changed.get(wanted.made_by, 0)
    check["expected"] = expected
    check["told"] += f", expected {expected:,}"
    check["ok"] = traffic is Traffic.LIVE or check["value"] == expected


def _indexes(database: Documents, migration: Migration, phases: tuple[str, ...]) -> Results:
    """An index that a later phase of these drops again need not be there."""
    wanted: dict[tuple[str, Any], tuple[str, bool]] = {}
    for phase in migration.phases:
        if phase.name.value in phases:
            for each in phase.operations:
                if isinstance(each, EnsureIndex | DropIndex):
                    wanted[each.collection, each.keys] = (each.title, isinstance(each, EnsureIndex))
    found: Results = {}
    for (collection, keys), (title, there) in wanted.items():
        present = indexes.find(database, collection, keys) is not None
        found[title] = {"ok": present == there, "told": "present" if present else "not there"}
    return found


def _named(owner: Any) -> str:
    """An npub is personal: enough of it to find the wallet."""
    values = [str(value) for value in owner.values()] if isinstance(owner, Mapping) else [str(owner)]
    return " at ".join([f"{values[0][:16]}…" if len(values[0]) > 17 else values[0], *(v[:60] for v in values[1:])])
