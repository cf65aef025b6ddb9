from django.apps import AppConfig


class ProjectConfig(AppConfig):
    name = "nctool_rollout"
    verbose_name = "nctool rollout"
