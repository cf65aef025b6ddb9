"""Play one melt: ask for the flags, reconcile, pay, and count what happened."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from simulator.complaints import MOST_USERS
from simulator.evaluation import Evaluator, Features
from simulator.faults import Fault, Harm, harm
from simulator.ledger import Broken, Ledger, Unavailable
from simulator.metrics import Tally
from simulator.plan import ATOMIC, FLAGS, PREFLIGHT, Melt
from simulator.reconciliation import judge

log = logging.getLogger(__name__)
DATABASE_DOWN = "HIGH"
FALSE_ALARMS = 10.0  # percent of the blocked melts turn out to have been fine


class Player:
    """`faults` is replaced from outside while melts are played.

    `last_on` tells, for each flag, who met it on last and when: the newest few users.
    """

    def __init__(self, evaluator: Evaluator, ledger: Ledger, tally: Tally, *, clock: Callable[[], float]) -> None:
        self._evaluator, self._ledger, self._tally, self._clock = evaluator, ledger, tally, clock
        self.faults: Sequence[Fault] = ()
        self.last_on: dict[str, dict[str, float]] = {flag: {} for flag in FLAGS}
        self._down = False

    def play(self, melt: Melt) -> None:
        """Time counts as it passes here, plus what the mint and a latency fault would have taken."""
        started = self._clock()
        features = self._evaluator.features(melt.wallet.npub)
        self._remember(melt.wallet.npub, features, started)
        harmed = harm(melt, self.faults, features.on)
        errors = self._errors(melt, features, harmed)
        if harmed.unreported:
            return
        milliseconds = (self._clock() - started) * 1000 + melt.mint_ms + harmed.extra_ms
        self._tally.melt(features.on, milliseconds=milliseconds, errors=errors)

    def _remember(self, npub: str, features: Features, at: float) -> None:
        """Many threads write here and one reads; each exchange of a dict is whole."""
        for flag in features.on:
            if flag in self.last_on:
                users = {**self.last_on[flag]}
                users.pop(npub, None)
                users[npub] = at
                self.last_on[flag] = dict(list(users.items())[-MOST_USERS:])

    def _errors(self, melt: Melt, features: Features, harmed: Harm) -> Mapping[str, str]:
        """What failed. An error of one path counts for its flag; one that no path is to blame for, for both."""
        if melt.trouble:
            return dict.fromkeys(FLAGS, melt.trouble)
        if PREFLIGHT in harmed.errors:
            return {PREFLIGHT: harmed.errors[PREFLIGHT]}
        try:
            if PREFLIGHT in features.on and self._blocked(melt, features):
                return {}
            failed = self._pay(melt, features, harmed)
        except Unavailable as error:
            self._tell_down(str(error))
            return dict.fromkeys(FLAGS, DATABASE_DOWN)
        self._tell_down("")
        return {ATOMIC: harmed.errors[ATOMIC]} if failed else {}

    def _blocked(self, melt: Melt, features: Features) -> bool:
        """Compare the wallet with the mint before anything is spent."""
        self._ledger.balance(melt.wallet)
        self._tally.count("operations_checked_total", flag=PREFLIGHT)
        if not melt.discrepancy:
            return False
        self._tally.count("discrepancies_found_total", flag=PREFLIGHT, severity=melt.discrepancy)
        outcome = judge(
            melt.discrepancy,
            threshold=str(features.parameter(PREFLIGHT, "severityThreshold", "HIGH")),
            auto_correction=features.parameter(PREFLIGHT, "autoCorrection", False) is True,
        )
        if outcome.corrected:
            self._tally.count("auto_corrections_total", flag=PREFLIGHT)
        if outcome.blocked:
            self._tally.count("operations_blocked_total", flag=PREFLIGHT)
            if melt.luck < FALSE_ALARMS:
                self._tally.count("false_positives_total", flag=PREFLIGHT)
        return outcome.blocked

    def _pay(self, melt: Melt, features: Features, harmed: Harm) -> bool:
        """True when the atomic path failed, also when the legacy path then made the melt."""
        if ATOMIC not in features.on:
            self._ledger.melt_legacy(melt)
            return False
        try:
            self._ledger.melt_atomic(melt, broken=ATOMIC in harmed.errors, spoilt=harmed.spoilt)
        except Broken:
            self._tally.count("atomic_transaction_failures_total", flag=ATOMIC)
            if features.parameter(ATOMIC, "fallbackToLegacy", True) is True:
                self._ledger.melt_legacy(melt)
            return True
        return False

    def _tell_down(self, trouble: str) -> None:
        if trouble and not self._down:
            log.warning("MongoDB does not answer (%s). Melts fail until it does.", trouble)
        elif self._down and not trouble:
            log.info("MongoDB answers again.")
        self._down = bool(trouble)
