"""A stand-in for a chat with Slack's web API: channels and messages in a file that outlives it.

``python -m celery_uncovered.advex.reminders.standin --store FILE`` runs it as a process of its own;
tests start it with ``server.StandIn``. It needs neither Django nor Celery.
"""

#: What it is asked with unless ``--token`` says otherwise; no secret.
TOKEN = "stand-in"  # noqa: S105
