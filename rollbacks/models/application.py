from __future__ import annotations

from django.db import models


class Application(models.Model):
    """Where nctool itself runs in an environment: a Deployment of Kubernetes, as the playbook's `applications` say."""

    environment = models.OneToOneField("core.Environment", on_delete=models.CASCADE, related_name="application")
    context = models.CharField(max_length=200, help_text="Of the kubeconfig.")
    namespace = models.CharField(max_length=63)
    deployment = models.CharField(max_length=253)
    container = models.CharField(max_length=63, help_text="Whose image tells the version.")
    selector = models.CharField(max_length=300, help_text="Of its pods, for example app=nctool.")

    class Meta:
        ordering = ["environment__position"]

    def __str__(self) -> str:
        return f"{self.deployment} in {self.environment}"
