"""Who wants to be told. An address is shown whole only to those who look after subscriptions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.admin.confirm import ConfirmView, Effect
from core.admin.read_only import ReadOnlyAdmin, person
from core.errors import NotFound
from core.templatetags.screen import action, badge
from statuspage import selectors
from statuspage.admin import words
from statuspage.domain.addresses import SubscriberKind, masked
from statuspage.models import Subscription
from statuspage.services import subscribing

MANAGE = "statuspage.manage_subscription"


class EndSubscription(ConfirmView):
    """For somebody who asks a person instead of using the link."""

    permission_required = MANAGE

    @cached_property
    def row(self) -> Subscription:
        try:
            return selectors.subscription(self.kwargs["pk"])
        except NotFound as error:
            raise Http404(str(error)) from error

    def sentences(self) -> Sequence[str]:
        return [f"{self.row.address} is told nothing more, and the address is deleted."]

    def effect(self) -> Effect:
        return Effect("End the subscription", self.sentences(), "End it", dangerous=True)

    def perform(self, values: dict[str, Any]) -> str:
        subscribing.end(self.row.pk, actor=person(self.request), reason=values["reason"], now=timezone.now())
        return "The subscription has ended, and the address is deleted."

    def back(self) -> str:
        return reverse("admin:statuspage_subscription_changelist")


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    heading = "Subscriptions"
    list_display = ("whom", "kind_of", "about", "standing", "commands")
    list_display_links = None
    list_fullwidth = True
    list_before_template = "statuspage/admin/head.html"
    change_list_template = "ops/list.html"
    empty = ("Nobody has subscribed", "Visitors subscribe on the page itself, by mail or webhook.")
    show_full_result_count = False
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscription]:
        return selectors.subscriptions()

    def get_search_fields(self, request: HttpRequest) -> Sequence[str]:
        """Who may not see an address may not find out by searching either."""
        return ("address",) if request.user.has_perm(MANAGE) else ()

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return self.list_display if request.user.has_perm(MANAGE) else ("whom_masked", *self.list_display[1:-1])

    def get_urls(self) -> list[URLPattern]:
        end = self.admin_site.admin_view(EndSubscription.as_view(model_admin=self))
        return [path("<int:pk>/end/", end, name="statuspage_subscription_end"), *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        raise Http404("A subscription has no page of its own: the list tells all of it.")

    @admin.display(description="Address", ordering="address")
    def whom(self, row: Subscription) -> SafeString:
        return format_html('<span class="ops-mono">{}</span>', row.address)

    @admin.display(description="Address")
    def whom_masked(self, row: Subscription) -> SafeString:
        return format_html('<span class="ops-mono">{}</span>', masked(SubscriberKind(row.kind), row.address))

    @admin.display(description="By", ordering="kind")
    def kind_of(self, row: Subscription) -> SafeString:
        return badge(*words.KIND[SubscriberKind(row.kind)])

    @admin.display(description="Of")
    def about(self, row: Subscription) -> SafeString | str:
        return ", ".join(each.name for each in row.components.all()) or "all components"

    @admin.display(description="Confirmed", ordering="confirmed_at")
    def standing(self, row: Subscription) -> SafeString:
        return words.when(row.confirmed_at) if row.confirmed_at else badge("not yet", "warn", "hourglass_top")

    @admin.display(description="Change")
    def commands(self, row: Subscription) -> SafeString:
        url = reverse("admin:statuspage_subscription_end", args=[row.pk])
        return action(url, "End", "person_remove", "", "small")
