"""databaseIntegrity: tokens and wallets in nctool's MongoDB are as they must be, also while melts go on."""

from __future__ import annotations

import time
from collections.abc import Callable

from migrations_app.adapters import invariants, mongo
from migrations_app.adapters.invariants import Invariant, Ledger
from rollouts.domain.validation import Findings, Result, Subject, failed, few

PAUSE = 2.0  # seconds: a melt under way is through by then
LOOKS = 3  # only what is wrong at every look is wrong: a busy wallet may be in the middle of a melt at two of them
WHAT_TO_DO = {
    Invariant.STATUS: "Look at these tokens under Tokens: who wrote a status that nctool does not know?",
    Invariant.TYPE: "Look at these tokens under Tokens: who wrote a transaction type that nctool does not know?",
    Invariant.AMOUNT: "Stop the melts of these wallets and correct the amounts from the mint's records.",
    Invariant.OWNER: "Look for the wallets of these tokens in a backup: their money belongs to nobody now.",
    Invariant.WALLET: "Make a unique index over npub and mint_url, and join the wallets that are there twice.",
    Invariant.BALANCE: "Reconcile these wallets with the mint before anybody melts: a balance is wrong.",
    Invariant.SECRET: "Switch atomicMeltOperations off and look for double counting: the same money is there twice.",
}


def check(subject: Subject, *, pause: Callable[[float], None] = time.sleep) -> Result:
    try:
        ledger = _lasting(pause)
    except mongo.Unreachable as error:
        why = str(error).split(", Timeout:")[0][:200]
        return failed(
            f"nctool's MongoDB did not answer, so nothing can be said about its data: {why}",
            "See that MongoDB runs and that NCTOOL_MONGODB_URL is right, then validate again.",
        )
    return _told(ledger)


def _lasting(pause: Callable[[float], None]) -> Ledger:
    """What is broken at every look. The second and third are only needed where the first found something."""
    ledger = _look()
    for _ in range(1, LOOKS):
        if not any(ledger.broken.values()):
            break
        pause(PAUSE)
        again = _look()
        again.broken = {each: wrong & ledger.broken[each] for each, wrong in again.broken.items()}
        ledger = again
    return ledger


def _look() -> Ledger:
    with mongo.limited(invariants.WORK):
        return invariants.look()


def _told(ledger: Ledger) -> Result:
    if not ledger.tokens and not ledger.wallets:
        return failed(
            "nctool's database holds neither tokens nor wallets.",
            "See that NCTOOL_MONGODB_URL and NCTOOL_MONGODB_NAME name nctool's database.",
        )
    tokens = sum(ledger.tokens.values())
    found = Findings()
    states = ", ".join(f"{count:,} {status}" for status, count in sorted(ledger.tokens.items()))
    found.tell("Tokens", f"{tokens:,}: {states}")
    found.tell("of them by atomic operations", f"{ledger.atomic:,}")
    found.tell("Wallets", f"{ledger.wallets:,}")
    for invariant, wrong in ledger.broken.items():
        if invariant is Invariant.BALANCE and not ledger.balances:
            found.tell(invariant.capitalize(), "wallets keep no balance of their own: their tokens are the balance")
            continue
        value = f"not: {few(sorted(wrong))}" if wrong else "holds"
        found.judge(invariant.capitalize(), value, ok=not wrong, todo=WHAT_TO_DO[invariant])
    return found.result(
        f"All invariants hold in {tokens:,} tokens and {ledger.wallets:,} wallets.",
        f"{{}} wrong in {tokens:,} tokens and {ledger.wallets:,} wallets, at {LOOKS} looks in a row.",
    )
