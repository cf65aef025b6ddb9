"""Lists and pages over nctool's MongoDB. Nothing here writes to it, and without it the pages say so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bson import ObjectId
from django.contrib import admin
from django.contrib.admin.options import ShowFacets
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter

from core import moments
from core.admin.read_only import ReadOnlyAdmin, Screen
from core.templatetags.screen import badge
from migrations_app.adapters import mongo
from migrations_app.admin.paging import MOST, NewestFirst
from migrations_app.models import CashuToken, CashuWallet

STATUS_LOOK = {"unspent": ("ok", "savings"), "spent": ("mute", "check"), "pending": ("warn", "hourglass_empty")}


class _Choice(DropdownFilter):
    """The values nctool writes. They are known: asking the collection for them would read all of it."""

    values: Sequence[str] = ()

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [(value, value) for value in self.values]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        return queryset.filter(**{self.parameter_name: self.value()}) if self.value() in self.values else queryset


class StatusFilter(_Choice):
    title = "status"
    parameter_name = "status"
    values = ("unspent", "pending", "spent")


class TypeFilter(_Choice):
    title = "transaction type"
    parameter_name = "transaction_type"
    values = ("received", "minted", "change", "sent", "melted")


class DocumentPage(Screen):
    """One document with everything that is stored in it."""

    template_name = "migrations_app/document.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found = mongo.document(self.model_admin.model, self.kwargs["key"])
        noun = self.model_admin.opts.verbose_name
        if found is None:
            raise Http404(f"There is no {noun} {self.kwargs['key']}.")
        self.title = f"{str(noun).capitalize()} {self.kwargs['key']}"
        facts = [(name, found.get(name)) for name in self.model_admin.facts]
        return super().get_context_data(
            facts=facts, npub=found.get("npub", ""), document=mongo.as_json(found), noun=noun, **kwargs
        )


class NctoolAdmin(ReadOnlyAdmin):
    """`facts` are the fields a page shows before the whole document."""

    facts: Sequence[str] = ()
    paginator = NewestFirst
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    sortable_by = ()
    ordering = ("-id",)
    search_fields = ("npub",)
    search_help_text = "The whole npub, or how it begins; or an id"
    list_fullwidth = True
    list_before_template = "migrations_app/list_head.html"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        """From the beginning of the npub on, so that MongoDB can use its index; or by the id of a document."""
        term = search_term.strip()
        if ObjectId.is_valid(term):
            return queryset.filter(pk=term), False
        return (queryset.filter(npub__startswith=term) if term else queryset), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        def page() -> HttpResponse:
            context = {"most": MOST, **(extra_context or {})}
            response: HttpResponse = super(NctoolAdmin, self).changelist_view(request, context)
            return response

        return self._or_say_why(request, page)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        view = DocumentPage.as_view(
            model_admin=self, permission_required=f"{self.opts.app_label}.view_{self.opts.model_name}"
        )
        return self._or_say_why(request, lambda: view(request, key=object_id))

    def _or_say_why(self, request: HttpRequest, page: Callable[[], HttpResponse]) -> HttpResponse:
        """The page, rendered while MongoDB may still be asked; without it a page that says so, with status 503."""
        try:
            with mongo.limited():
                response = page()
                if isinstance(response, TemplateResponse):
                    response.render()
                return response
        except mongo.Unreachable as error:
            context = {
                **self.admin_site.each_context(request),
                "title": self.heading,
                "opts": self.opts,
                "again": request.get_full_path(),
                "detail": str(error).split(", Timeout:")[0][:300],
                "now": timezone.now(),
            }
            return TemplateResponse(request, "migrations_app/away.html", context, status=503)

    @admin.display(description="npub")
    def whose(self, row: CashuToken | CashuWallet) -> SafeString:
        address = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])
        return format_html(
            '<a class="ops-link ops-mono" href="{}" title="{}">{}</a>', address, row.npub, shortened(row.npub)
        )

    @admin.display(description="Mint")
    def mint(self, row: CashuToken | CashuWallet) -> str:
        return row.mint_url

    @admin.display(description="Created")
    def created(self, row: CashuToken | CashuWallet) -> SafeString | str:
        if row.created_at is None:
            return "–"
        now = timezone.localtime()
        near, exact = moments.relative(row.created_at, now=now), moments.clock(row.created_at, now=now)
        return format_html('<time datetime="{}" title="{}">{}</time>', row.created_at.isoformat(), exact, near)


def shortened(npub: str) -> str:
    """Beginning and end, as people compare them."""
    return npub if len(npub) <= 24 else f"{npub[:14]}…{npub[-6:]}"


@admin.register(CashuToken)
class TokenAdmin(NctoolAdmin):
    heading = "Tokens"
    facts = ("npub", "mint_url", "status", "transaction_type", "amount", "created_at")
    list_display = ("whose", "mint", "state", "kind", "sats", "path", "created")
    list_display_links = None
    list_filter = (StatusFilter, TypeFilter)
    list_filter_submit = True

    @admin.display(description="Status")
    def state(self, token: CashuToken) -> SafeString:
        return badge(token.status or "none", *STATUS_LOOK.get(token.status, ("mute", "circle")))

    @admin.display(description="Type")
    def kind(self, token: CashuToken) -> str:
        return token.transaction_type

    @admin.display(description="Amount")
    def sats(self, token: CashuToken) -> SafeString:
        return format_html('<span class="ops-num">{} sat</span>', f"{token.amount or 0:,}")

    @admin.display(description="Path")
    def path(self, token: CashuToken) -> str:
        return "atomic" if (token.metadata or {}).get("atomic_operation") is True else "–"


@admin.register(CashuWallet)
class WalletAdmin(NctoolAdmin):
    heading = "Wallets"
    facts = ("npub", "mint_url", "created_at")
    list_display = ("whose", "mint", "created")
    list_display_links = None
