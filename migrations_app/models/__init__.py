"""nctool's own collections, to look at."""

from migrations_app.models.nctool import CashuToken, CashuWallet

__all__ = ["CashuToken", "CashuWallet"]
