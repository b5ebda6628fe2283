"""``POST /webhooks/github/``: where GitHub tells of pull requests."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from celery_uncovered.advex.reminders import receiving
from celery_uncovered.advex.reminders.errors import BadRequestError, WebhookError
from celery_uncovered.advex.reminders.receiving import Heading
from celery_uncovered.advex.reminders.web.body import read_body


@csrf_exempt
@require_POST
def github_webhook(request: HttpRequest) -> JsonResponse:
    """202 where a run starts or is told, 200 where there is nothing to do; ``result`` says what was done.

    Refused with ``error``, one sentence: 400, 401, 403, 413, 415.
    """
    heading = Heading(
        event=request.headers.get("X-GitHub-Event", ""),
        guid=request.headers.get("X-GitHub-Delivery", ""),
        signature=request.headers.get("X-Hub-Signature-256", ""),
    )
    try:
        receiving.check_heading(heading)
        _check_type(request)
        outcome = receiving.receive(heading, read_body(request))
    except WebhookError as error:
        return JsonResponse({"error": str(error)}, status=error.status)
    answer = {"result": outcome.word} | ({"run": outcome.run_id} if outcome.run_id else {})
    return JsonResponse(answer, status=202 if outcome.word in receiving.GOES_ON else 200)


def _check_type(request: HttpRequest) -> None:
    if request.content_type != "application/json":
        message = "The body is not JSON; choose the content type application/json for the webhook."
        raise BadRequestError(message, status=415)
