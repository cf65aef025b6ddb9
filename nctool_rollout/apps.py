from django.apps import AppConfig
from django.core import checks as django_checks


class ProjectConfig(AppConfig):
    name = "nctool_rollout"
    verbose_name = "nctool rollout"

    def ready(self) -> None:
        from nctool_rollout import checks

        django_checks.register(checks.check, checks.TAG)
