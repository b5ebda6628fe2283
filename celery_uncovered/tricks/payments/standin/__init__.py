"""A stand-in for a payment gateway: it moves no money, and counts requests and charges apart.

``python -m celery_uncovered.tricks.payments.standin --store FILE`` runs it as a process of its own;
tests start it with ``server.StandIn``. It needs neither Django nor Celery.
"""
