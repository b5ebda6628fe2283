"""The broker for one machine: a folder of files behind kombu's interface, nothing to install.

Settings that use it::

    broker_url = "filesystem://"
    broker_transport = "celery_uncovered.jobs.embedded_broker:Transport"
    broker_transport_options = {"folder": "/path/to/a/folder"}

Delivery is at least once: a message is deleted only when it is acknowledged, and what a
killed process held is delivered again. Needs kombu only, no Django.
"""

from celery_uncovered.jobs.embedded_broker.transport import Transport

__all__ = ["Transport"]
