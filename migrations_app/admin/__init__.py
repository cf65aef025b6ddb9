"""nctool's tokens and wallets, to look at."""

from migrations_app.admin.nctool import TokenAdmin, WalletAdmin

__all__ = ["TokenAdmin", "WalletAdmin"]
