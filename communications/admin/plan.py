from django.contrib import admin

from communications.models import Audience
from core.admin.read_only import ReadOnlyAdmin


@admin.register(Audience)
class AudienceAdmin(ReadOnlyAdmin):
    heading = "Communication plan"
