from django.apps import AppConfig


class MigrationsConfig(AppConfig):
    name = "migrations_app"
    verbose_name = "nctool database"

    def ready(self) -> None:
        from core import interlocks, migrated
        from migrations_app.services import interlock
        from migrations_app.services.source import Runs

        migrated.add_source(Runs())
        interlocks.add(interlock.needs_migration)
