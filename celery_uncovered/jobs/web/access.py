"""Who may see a job on the web: operators all, readers theirs, loopback the open ones.

Whoever may not see a job gets the answer of a job that does not exist.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.utils.crypto import get_random_string

from celery_uncovered.jobs.errors import JobNotFoundError
from celery_uncovered.jobs.models import Job, Reader
from celery_uncovered.jobs.readers import add_reader, is_reader
from celery_uncovered.jobs.registry import is_open, open_tasks
from celery_uncovered.jobs.states import RETRIABLE
from celery_uncovered.jobs.status import JobStatus, job_status
from celery_uncovered.jobs.web.negotiate import wants_json

READER_KEY = "jobs_reader"

View = Callable[..., HttpResponseBase]


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """Who looks: a user or a session's reader token (empty before it is needed), or both."""

    user_id: Any
    session: str
    sees_all: bool
    operates: bool
    sees_open: bool

    @property
    def is_known(self) -> bool:
        """Whether this viewer may use pages that are not for everybody."""
        return self.user_id is not None or self.sees_open

    def reads(self, task_id: str) -> bool:
        return is_reader(task_id, user_id=self.user_id, session=self.session)


def viewer_of(request: HttpRequest) -> Viewer:
    user = request.user
    return Viewer(
        user_id=user.pk if user.is_authenticated else None,
        session=request.session.get(READER_KEY, ""),
        sees_all=user.has_perm("jobs.view_job"),
        operates=user.has_perm("jobs.change_job"),
        sees_open=settings.JOBS_OPEN_ON_LOOPBACK and is_loopback(request),
    )


def is_loopback(request: HttpRequest) -> bool:
    """By the connection alone: what a header says about the address counts for nothing."""
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def identified_viewer(request: HttpRequest) -> Viewer:
    """Who sent ``request``; a browser session without a user gets its reader token if it has none."""
    if not request.user.is_authenticated and not request.session.get(READER_KEY):
        request.session[READER_KEY] = get_random_string(40)
    return viewer_of(request)


def remember_reader(request: HttpRequest, task_id: str) -> None:
    """Let whoever sent ``request`` see the job from now on: the user, or this browser session."""
    viewer = identified_viewer(request)
    if viewer.user_id is not None:
        add_reader(task_id, user_id=viewer.user_id)
    else:
        add_reader(task_id, session=viewer.session)


def readable_job_or_404(request: HttpRequest, task_id: str) -> JobStatus:
    """The job, for those who may see it; Http404 for the others, as for a job that is not there."""
    try:
        status = job_status(task_id)
    except JobNotFoundError as error:
        raise Http404 from error
    if not may_read(viewer_of(request), status):
        raise Http404
    return status


def may_read(viewer: Viewer, status: JobStatus) -> bool:
    if viewer.sees_all or viewer.reads(status.task_id):
        return True
    return viewer.sees_open and is_open(status.task)


def may_cancel(viewer: Viewer, status: JobStatus) -> bool:
    if status.is_final or status.cancel_requested:
        return False
    return viewer.operates or viewer.reads(status.task_id)


def may_retry(viewer: Viewer, status: JobStatus) -> bool:
    return viewer.operates and status.state in RETRIABLE


def may_discard(viewer: Viewer, status: JobStatus) -> bool:
    return viewer.operates and status.is_dead_letter


def visible_jobs(viewer: Viewer) -> QuerySet[Job]:
    """The jobs that ``may_read`` allows, for lists."""
    if viewer.sees_all:
        return Job.objects.all()
    # An unknown user and an unknown session read nothing: no row has either value.
    own = Q(user_id=viewer.user_id or 0) | Q(user_id=None, session=viewer.session or "-")
    read = Reader.objects.filter(own).values("job_id")
    visible = Q(id__in=read) | Q(root_id__in=read)
    if viewer.sees_open:
        visible |= Q(task__in=open_tasks())
    return Job.objects.filter(visible)


def known_viewers_only(view: View) -> View:
    """For pages that need sign-in, or loopback where settings open it."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if viewer_of(request).is_known:
            return view(request, *args, **kwargs)
        return ask_to_sign_in(request)

    return guarded


def operators_only(view: View) -> View:
    """For pages about everybody's jobs: others get 404; GET needs to view, the rest to change."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        viewer = viewer_of(request)
        if viewer.sees_all if request.method in {"GET", "HEAD"} else viewer.operates:
            return view(request, *args, **kwargs)
        if viewer.user_id is None:
            return ask_to_sign_in(request)
        raise Http404

    return guarded


def ask_to_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Browsers go to the sign-in page and come back; JSON clients get 403 and one sentence."""
    if wants_json(request):
        return JsonResponse({"error": "Sign in first."}, status=403)
    return redirect_to_login(request.get_full_path())
