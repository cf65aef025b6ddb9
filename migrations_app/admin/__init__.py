"""nctool's database: its migrations, its tokens and wallets to look at, and whether it is ready for a migration."""

from migrations_app.admin import notes as notes
from migrations_app.admin.nctool import TokenAdmin, WalletAdmin
from migrations_app.admin.readiness import ReadinessAdmin
from migrations_app.admin.runs import MigrationLogAdmin, MigrationRunAdmin

__all__ = ["MigrationLogAdmin", "MigrationRunAdmin", "ReadinessAdmin", "TokenAdmin", "WalletAdmin"]
