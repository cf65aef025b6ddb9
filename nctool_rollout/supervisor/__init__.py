"""What `manage.py up` does: start the parts of the system, keep them running, end them together."""
