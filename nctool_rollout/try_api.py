"""A page to try the API on: Swagger UI from our own server, without a line of script in the page."""

from __future__ import annotations

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.views.generic import TemplateView


class TryApi(PermissionRequiredMixin, TemplateView):
    """For people who see flags. What they may do there is up to the token that they enter."""

    permission_required = "flags.view_flagstate"
    raise_exception = True
    template_name = "nctool_rollout/try_api.html"
