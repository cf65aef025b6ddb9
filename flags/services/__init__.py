"""Commands of the flags. Every door calls these; none of them knows a request, a clock or Celery."""
