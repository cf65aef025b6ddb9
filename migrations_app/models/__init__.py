"""Tables of this app, and nctool's collections."""

from migrations_app.models.nctool import CashuToken, CashuWallet
from migrations_app.models.readiness import Backup, ReadinessWaiver
from migrations_app.models.run import MigrationLog, MigrationRun

__all__ = ["Backup", "CashuToken", "CashuWallet", "MigrationLog", "MigrationRun", "ReadinessWaiver"]
