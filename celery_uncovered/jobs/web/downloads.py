"""Files that jobs made: found by row, and never shown by the browser as a page of this site."""

from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from celery_uncovered.jobs.status import find_artifact
from celery_uncovered.jobs.web.access import readable_job_or_404


@require_safe
def artifact(request: HttpRequest, task_id: str, name: str) -> HttpResponseBase:
    """The file ``name`` of a job as an attachment; 404 also once it has expired or is gone."""
    readable_job_or_404(request, task_id)
    found = find_artifact(task_id, name)
    if found is None:
        raise Http404
    try:
        file = found.file.open("rb")
    except FileNotFoundError as error:
        raise Http404 from error
    response = FileResponse(
        file, as_attachment=True, filename=found.name, content_type=found.content_type
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "private, no-store"
    return response
