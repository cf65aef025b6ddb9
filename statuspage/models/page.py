from __future__ import annotations

from django.db import models

THE_PAGE = 1
TITLE = "nctool"  # until a playbook says another


class Page(models.Model):
    """The one status page. Its row is the lock of everything on it, and `version` rises with each change.

    `title` is the name of the service; `address` is where visitors find the page's server, without a slash at the end;
    empty: `PUBLIC_URL`.
    """

    title = models.CharField(max_length=80)
    address = models.CharField(max_length=200, blank=True)
    version = models.PositiveBigIntegerField(default=1)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=THE_PAGE), name="status_page_is_one")]

    def __str__(self) -> str:
        return self.title
