from django.apps import AppConfig


class IncidentsConfig(AppConfig):
    name = "incidents"
    verbose_name = "Incidents"

    def ready(self) -> None:
        from core import emergencies
        from incidents import selectors
        from incidents.services import paging
        from incidents.services.calling import Chains

        paging.use(Chains())
        emergencies.add(selectors.emergencies)
