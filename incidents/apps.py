from django.apps import AppConfig


class IncidentsConfig(AppConfig):
    name = "incidents"
    verbose_name = "Incidents"

    def ready(self) -> None:
        from core import emergencies
        from incidents import selectors

        emergencies.add(selectors.emergencies)
