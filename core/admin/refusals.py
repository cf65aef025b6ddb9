"""What a form does when a service refuses: it keeps what was typed, says why, and offers the way on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.utils import timezone
from django.views.generic import FormView

from core import asking, beside, events
from core.admin.read_only import person
from core.asking import ApprovalNeeded
from core.errors import Conflict, DomainError, Refused, StaleVersion
from core.freezes import FrozenError

if TYPE_CHECKING:
    from core.models import Event

Done = TypeVar("Done")
ASK = "ask"  # the value of the button `step` that asks for approval with the same form


class _NotNeeded(Exception):
    """The change would go through as it is."""


class RefusalsView(FormView[forms.Form]):
    """A form whose service may refuse.

    - A rule asks for approval: the form offers to ask for it; the second click opens a change request with the same
      values and leads to its page.
    - A freeze holds: the form says until when.
    - Somebody was faster: the form says who changed what since it was opened. `version` and `seen` of the form are
      set to what the person now sees, so that the next click is about that.

    Its templates include `ops/refusal.html`, and `ops/ask.html` in place of their button.
    """

    refusal: DomainError | None = None
    changed: Sequence[Event] = ()

    @property
    def title(self) -> str:
        """Of the page."""
        return ""

    def subject(self) -> tuple[str, int | None]:
        """The subject of the events about what the form changes, and its environment; "" for none."""
        return "", None

    def asked_title(self) -> str:
        """What a change request made by this form is called."""
        return self.title

    def version(self) -> int | None:
        """The version of the row that the form shows; None when the row has none."""
        return None

    @property
    def in_dialog(self) -> bool:
        return bool(self.request.headers.get("HX-Request"))

    def attempt(self, form: forms.Form, act: Callable[[], Done], then: Callable[[Done], HttpResponse]) -> HttpResponse:
        """Call the service and go on with what it returns, or show the form with its refusal."""
        try:
            if self.request.POST.get("step") == ASK:
                return self.leave(self._ask(form, act))
            done = act()
        except DomainError as error:
            return self.refused(form, error)
        return then(done)

    def last_event(self) -> int | None:
        """The number of the newest event about the subject; what comes after it is news to the person."""
        subject, environment_id = self.subject()
        if not subject:
            return None
        newest = events.about(subject, environment_id=environment_id).values_list("pk", flat=True).first()
        return newest or 0

    def refused(self, form: forms.Form, error: DomainError) -> HttpResponse:
        """The form again, with the reason of the refusal; status as the error has it, 200 in a dialog."""
        self.refusal = error
        if isinstance(error, StaleVersion):
            self._catch_up(form)
        elif not isinstance(error, ApprovalNeeded | FrozenError):
            field = self.field_of(error)
            form.add_error(field if field in form.fields else None, str(error))
        response = self.render_to_response(self.get_context_data(form=form))
        response.status_code = 200 if self.in_dialog else error.status
        return response

    def field_of(self, error: DomainError) -> str | None:
        """The field of the form that the error is about."""
        return getattr(error, "field", None)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        refusal = self.refusal
        needed = refusal if isinstance(refusal, ApprovalNeeded) else None
        frozen = refusal.frozen if isinstance(refusal, FrozenError) else None
        return super().get_context_data(
            needed=needed,
            may_ask=needed is not None and self.request.user.has_perm(asking.PERMISSION),
            frozen=frozen,
            freeze_url=beside.page_of(f"freeze:{frozen.freeze_id}") if frozen else "",
            stale=isinstance(refusal, StaleVersion),
            changed=self.changed,
            **{"now": timezone.now(), **kwargs},
        )

    def leave(self, url: str) -> HttpResponse:
        if self.in_dialog:  # htmx would put the page it is redirected to into the dialog
            return HttpResponse(headers={"HX-Redirect": url})
        return HttpResponseRedirect(url)

    def _ask(self, form: forms.Form, act: Callable[[], Any]) -> str:
        """Open a change request for what the service would need approval for; the address of its page."""
        if not self.request.user.has_perm(asking.PERMISSION):
            raise Refused("Your role may not ask for changes: an operator can.")
        try:
            with transaction.atomic():
                act()
                raise _NotNeeded  # undoes what has been done
        except _NotNeeded:
            raise Conflict(
                "This needs no approval as it stands now. Nothing was changed yet: do it directly."
            ) from None
        except ApprovalNeeded as needed:
            url = asking.ask(
                needed.environment,
                needed.changes,
                title=self.asked_title(),
                reason=form.cleaned_data.get("reason", ""),
                actor=person(self.request),
                now=timezone.now(),
            )
        messages.success(self.request, "The change request is open. Nothing changes until it is approved and applied.")
        return url

    def _catch_up(self, form: forms.Form) -> None:
        data = cast(QueryDict, form.data).copy()
        subject, environment_id = self.subject()
        if subject:
            seen = form.cleaned_data.get("seen") or 0
            self.changed = list(events.about(subject, environment_id=environment_id).filter(pk__gt=seen)[:10])
        data[form.add_prefix("version")] = str(self.version())
        data[form.add_prefix("seen")] = str(self.last_event() or "")
        form.data = data
