"""What the pages of the reports have in common: they lie beside the lists of the admin, and look like them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import Http404
from django.utils import timezone
from django.views.generic import TemplateView

from core.errors import NotFound
from reports.selectors import choice
from reports.services import choosing

if TYPE_CHECKING:
    from core.models import Environment


class Page(PermissionRequiredMixin, TemplateView):
    """About one environment: that of `?environment=`, else the one that this person looked at last.

    A request by htmx gets `live_template` alone: the part of the page that renews itself.
    """

    raise_exception = True
    title = ""
    live_template = ""
    template_name = "ops/base.html"

    def get_template_names(self) -> list[str]:
        return [self.live_template if self._live else self.template_name]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **admin.site.each_context(self.request),
            "now": timezone.now(),
            "title": self.title,
            "crumbs": [],
            "live_template": self.live_template,
            "places": self.places,
            "here": self.here,
            **kwargs,
        }

    @cached_property
    def places(self) -> list[Environment]:
        return choice.places()

    @cached_property
    def here(self) -> Environment | None:
        """None while there is no environment at all."""
        asked, person = self.request.GET.get("environment", ""), self.request.user.pk
        last = choice.remembered(person) if person else None
        try:
            found = choice.here(self.places, asked, last)
        except NotFound as error:
            raise Http404(str(error)) from error
        if person and found is not None and asked and not self._live and found.pk != last:
            choosing.remember(person, found.key)
        return found

    @property
    def _live(self) -> bool:
        return bool(self.request.headers.get("HX-Request"))
