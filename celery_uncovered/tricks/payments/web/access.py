"""Who may see a payment: its payer, and operators. To others it is not there."""

from django.db.models import Q, QuerySet
from django.http import Http404

from celery_uncovered.jobs import api as jobs
from celery_uncovered.tricks.payments.models import Payment


def visible_payments(viewer: jobs.Viewer) -> QuerySet[Payment]:
    return Payment.objects.all() if viewer.sees_all else own_payments(viewer)


def own_payments(viewer: jobs.Viewer) -> QuerySet[Payment]:
    """What this viewer has paid; nothing for one who is neither a user nor a known session."""
    own = Q(pk__in=())
    if viewer.user_id is not None:
        own |= Q(payer_id=viewer.user_id)
    if viewer.session:
        # Whoever sent the same form at the same moment reads its job, while that is kept.
        read = jobs.jobs_read_by(session=viewer.session)
        own |= Q(payer=None) & (Q(payer_session=viewer.session) | Q(task_id__in=read))
    return Payment.objects.filter(own)


def payment_or_404(viewer: jobs.Viewer, task_id: str) -> Payment:
    payment = visible_payments(viewer).filter(task_id=task_id).first()
    if payment is None:
        raise Http404
    return payment
