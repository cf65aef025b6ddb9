"""nctool's tokens and wallets, to look at, and whether its database is ready for a migration."""

from migrations_app.admin.nctool import TokenAdmin, WalletAdmin
from migrations_app.admin.readiness import ReadinessAdmin

__all__ = ["ReadinessAdmin", "TokenAdmin", "WalletAdmin"]
