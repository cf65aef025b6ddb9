from django.apps import AppConfig


class RolloutsConfig(AppConfig):
    name = "rollouts"
    verbose_name = "Rollouts"

    def ready(self) -> None:
        from core import beside
        from rollouts import selectors

        beside.add_mover(selectors.movers)
