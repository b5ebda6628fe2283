"""The page of the letters: who writes, and in which language; the rest is inherited."""

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_http_methods

from celery_uncovered.jobs import api as jobs
from celery_uncovered.tricks.letters.houses import HOUSES, LetterError, house_of
from celery_uncovered.tricks.letters.registering import WRITE

#: As their speakers call them.
LANGUAGES = {
    "en-gb": "English",
    "de": "Deutsch",
    "fr": "Français",
    "ar": "العربية",
    "ja": "日本語",
}


class UnknownLanguageError(LetterError, ValueError):
    def __init__(self, language: str) -> None:
        self.language = language
        super().__init__(f'Language "{language:.40}" is not known; choose one of the page.')


@require_http_methods(["GET", "HEAD", "POST"])
@jobs.known_viewers_only
def letters(request: HttpRequest) -> HttpResponseBase:
    """GET shows the form. POST has the letters written, and leads to their job."""
    if request.method != "POST":
        return _form(request)
    language, tenant = request.POST.get("language", ""), request.POST.get("tenant", "")
    try:
        task_id = write_letters(language, tenant)
    except LetterError as error:
        return _form(request, error=str(error), status=400)
    jobs.remember_reader(request, task_id)
    return HttpResponseRedirect(reverse("jobs:page", args=[task_id]), status=303)


def write_letters(language: str, tenant: str) -> str:
    """The id of the job that writes them. Raises LetterError."""
    if language not in LANGUAGES:
        raise UnknownLanguageError(language)
    house_of(tenant)
    # What Django's LocaleMiddleware, and a middleware for tenants, do for each request of a project.
    with translation.override(language), jobs.scope.use(tenant=tenant):
        return jobs.submit(WRITE)


def _form(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponseBase:
    context = {
        "languages": LANGUAGES,
        "houses": HOUSES,
        "language": request.POST.get("language", "ja"),
        "tenant": request.POST.get("tenant", "library"),
        "error": error,
    }
    return render(request, "tricks/letters/letters.html", context, status=status)
