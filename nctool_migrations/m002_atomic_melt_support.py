"""What the atomic melt operations need (seed: Phase 2, migrations/002_atomic_melt_support.js; Migration Phases).

The seed sets the whole of `metadata` a second time on melted tokens: they lose `migrated`, and `down` leaves them
behind. Here every field is set by its own path.
"""

from __future__ import annotations

from datetime import timedelta

from migrations_app.domain.migration import Migration, Phase, PhaseName
from migrations_app.domain.operations import RUN_START, DropIndex, EnsureIndex, UpdateEach
from migrations_app.domain.validations import Balances, Counted, NoneLeft, Unchanged

TOKENS, WALLETS = "cashutokens", "cashuwallets"
# Melts of the new system are melted tokens too: they are no leftovers.
LEGACY = {"transaction_type": "melted", "metadata.atomic_operation": {"$ne": True}}

migration = Migration(
    number="002",
    name="atomic_melt_support",
    description="Index and metadata for atomic melt operations; melted tokens of the old system are marked.",
    needed_by=("atomicMeltOperations",),
    phases=(
        Phase(
            PhaseName.SCHEMA,
            "Schema Updates",
            timedelta(hours=2),
            (
                EnsureIndex(TOKENS, (("npub", 1), ("status", 1), ("transaction_type", 1))),
                # validateAtomicOperations looks for the tokens of one melt.
                EnsureIndex(TOKENS, (("metadata.operation_id", 1),)),
            ),
        ),
        Phase(
            PhaseName.DATA,
            "Data Migration",
            timedelta(hours=4),
            (
                UpdateEach(
                    "Add metadata to tokens that have none",
                    TOKENS,
                    guard={"metadata": None},
                    set={
                        "metadata.migrated": True,
                        "metadata.migration_date": RUN_START,
                        "metadata.version": "2.0.0",
                    },
                ),
                UpdateEach(
                    "Mark melted tokens of the old system for cleanup",
                    TOKENS,
                    where=LEGACY,
                    guard={"metadata.legacy": {"$ne": True}},
                    set={"metadata.legacy": True, "metadata.cleanup_required": True},
                ),
            ),
        ),
        Phase(
            PhaseName.CLEANUP,
            "Cleanup",
            timedelta(hours=1),
            (
                UpdateEach(
                    "Remove the deprecated mark for cleanup",
                    TOKENS,
                    where={"metadata.legacy": True},
                    guard={"metadata.cleanup_required": {"$exists": True}},
                    unset=("metadata.cleanup_required",),
                ),
                # The index over npub, status and transaction type answers what this one did.
                DropIndex(TOKENS, (("npub", 1),)),
            ),
        ),
    ),
    validations=(
        Unchanged(TOKENS, ("npub", "mint_url", "amount", "transaction_type", "created_at")),
        Unchanged(WALLETS, ("npub", "mint_url")),
        Balances(TOKENS, WALLETS),
        NoneLeft("tokens without metadata", TOKENS, {"metadata": None}),
        NoneLeft(
            "melted tokens of the old system without a mark", TOKENS, {**LEGACY, "metadata.legacy": {"$ne": True}}
        ),
        Counted("migrated tokens", TOKENS, {"metadata.migrated": True}, made_by="data.0"),
        Counted("melted tokens of the old system", TOKENS, {"metadata.legacy": True}, made_by="data.1"),
    ),
)
