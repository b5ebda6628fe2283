"""What a refused request is told where Django's own page would not do."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.csrf import csrf_failure as page_of_django

from celery_uncovered.jobs.web.negotiate import wants_json

NO_TOKEN = "The CSRF token is missing or wrong; send the csrftoken cookie of / as X-CSRFToken."  # noqa: S105  # a sentence


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: a sentence for JSON clients, a page for browsers."""
    if wants_json(request):
        return JsonResponse({"error": NO_TOKEN}, status=403)
    return page_of_django(request, reason=reason)
