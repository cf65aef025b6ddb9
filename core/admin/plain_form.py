"""A form as the pages of the admin show it."""

from __future__ import annotations

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout
from django import forms


class PlainForm(forms.Form):
    """One field below the other; the template has the tag of the form and its buttons."""

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag = False
        helper.layout = Layout(Div(*self.fields, css_class="flex flex-col gap-5"))
        return helper
