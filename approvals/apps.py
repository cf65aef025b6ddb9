from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "approvals"

    def ready(self) -> None:
        from approvals.services.answering import ask
        from core import asking

        asking.answer_with(ask)
