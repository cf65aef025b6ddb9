"""What the simulated users do. Pure: the same seed gives the same traffic on every machine.

Nothing here knows when a melt happens, which flags it meets or whether a server is down.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

ATOMIC = "atomicMeltOperations"
PREFLIGHT = "preFlightReconciliation"
FLAGS = (ATOMIC, PREFLIGHT)

WALLETS = 300
MINTS = ("https://mint.one.example", "https://mint.two.example", "https://mint.three.example")
NPUB_MARK = "npub1sim"  # bech32 has no "i": no real npub can begin like this
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_NPUB_LENGTH = 63

_TROUBLES = (("LOW", 0.3), ("MEDIUM", 0.1))  # percent of melts that fail by themselves, whatever the flags
_DISCREPANCIES = (("LOW", 0.8), ("MEDIUM", 0.3), ("HIGH", 0.1))  # percent of wallets that differ from the mint


@dataclass(frozen=True, slots=True)
class Wallet:
    npub: str
    mint_url: str


@dataclass(frozen=True, slots=True)
class Melt:
    """One melt: who, how much, and the luck it meets.

    `mint_ms` is what the mint takes for it. `trouble` is the severity of an error that happens by itself,
    `discrepancy` the severity of what a reconciliation would find, both empty for most melts. `luck` is 0 to
    100: a fault of 20 percent hits the melts below 20.
    """

    number: int
    wallet: Wallet
    amount: int
    mint_ms: float
    trouble: str
    discrepancy: str
    luck: float

    @property
    def fee(self) -> int:
        """What the mint keeps: one percent."""
        return self.amount // 100


def wallets(seed: int) -> list[Wallet]:
    """The wallets of this seed, always in the same order."""
    return [_wallet(seed, number) for number in range(WALLETS)]


def melt(seed: int, number: int) -> Melt:
    """The melt with this number; any one can be asked for without those before it."""
    dice = random.Random(f"melt:{seed}:{number}")
    return Melt(
        number=number,
        wallet=_wallet(seed, dice.randrange(WALLETS)),
        amount=dice.randint(1, 500),
        mint_ms=round(dice.lognormvariate(5.5, 0.4), 1),  # about 265 ms on average
        trouble=_pick(dice, _TROUBLES),
        discrepancy=_pick(dice, _DISCREPANCIES),
        luck=dice.uniform(0, 100),
    )


def _wallet(seed: int, number: int) -> Wallet:
    dice = random.Random(f"wallet:{seed}:{number}")
    tail = "".join(dice.choices(_BECH32, k=_NPUB_LENGTH - len(NPUB_MARK)))
    return Wallet(NPUB_MARK + tail, dice.choice(MINTS))


def _pick(dice: random.Random, odds: tuple[tuple[str, float], ...]) -> str:
    roll = dice.uniform(0, 100)
    for name, percent in odds:
        if roll < percent:
            return name
        roll -= percent
    return ""
