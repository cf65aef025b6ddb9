from django.apps import AppConfig


class RolloutsConfig(AppConfig):
    name = "rollouts"
    verbose_name = "Rollouts"

    def ready(self) -> None:
        from core import beside
        from migrations_app.services import brakes
        from rollouts import selectors
        from rollouts.services import migration_brake

        beside.add_mover(selectors.movers)
        brakes.add(migration_brake.fired)
