"""A stand-in for GitHub's search, over recorded repositories: for work without network or token.

``python -m celery_uncovered.toyex.standin`` runs it as a process of its own; tests start it with
``server.StandIn``. It needs neither Django nor Celery.
"""

from datetime import date

#: The day the recorded data ends with; the stand-in's today.
RECORDED_TODAY = date(2026, 5, 4)
