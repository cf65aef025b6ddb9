from django.apps import AppConfig

from core import changes
from flags.domain import wording


class FlagsConfig(AppConfig):
    name = "flags"
    verbose_name = "Feature flags"

    def ready(self) -> None:
        changes.add_wording("targeting.rules", wording.all_rules)
        changes.add_wording("targeting.prerequisites", wording.prerequisites)
        changes.add_wording("targeting.serve", wording.served)
        changes.add_wording("conditions", wording.all_conditions)
