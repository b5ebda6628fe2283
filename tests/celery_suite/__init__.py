"""Celery's own integration tests of canvas, run on the platform: ``make celery-suite``.

The tests come from the source distribution of the installed Celery and stay below ``build/``. They
run in one process per stack against a worker and a dispatcher started as a user starts them.
"""
