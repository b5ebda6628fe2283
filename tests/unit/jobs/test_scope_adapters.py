"""What stands for a name: Django's language and time zone, a project's own; and what is refused."""

import threading
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone, translation

from celery_uncovered.jobs import checks
from celery_uncovered.jobs.api import scope
from celery_uncovered.jobs.errors import ScopeNotAppliedError

HERE = __name__


class Search(scope.Adapter):
    """Where a project keeps a thing of its own: in a thread's storage."""

    kept = threading.local()

    def capture(self) -> Any:
        return getattr(self.kept, "schema", None)

    def apply(self, value: Any) -> None:
        self.kept.schema = value


def told() -> dict[str, Any]:
    return scope.decode(scope.captured())


# --- the language ----------------------------------------------------------------------------------
def test_the_active_language_is_told_with_nothing_said() -> None:
    with translation.override("de"):
        assert (scope.get("locale"), told()) == ("de", {"locale": "de"})
        with translation.override("fr"):
            assert told() == {"locale": "fr"}
        assert told() == {"locale": "de"}
    assert (scope.get("locale"), told()) == (None, {})


def test_the_projects_own_language_goes_without_saying() -> None:
    with translation.override("de"), translation.override("en-gb"):
        assert told() == {}


def test_translations_that_are_off_stay_off() -> None:
    with translation.override(None):
        assert told() == {"locale": ""}
    with scope.use(locale=""):
        assert translation.get_language() is None
    assert translation.get_language() == "en-gb"


def test_a_language_that_is_used_is_active_within() -> None:
    with translation.override("fr"):
        with scope.use(locale="de", tenant="acme"):
            assert translation.get_language() == "de"
            with translation.override("ja"):
                assert told() == {"locale": "ja", "tenant": "acme"}
            assert told() == {"locale": "de", "tenant": "acme"}
        assert translation.get_language() == "fr"
    assert translation.get_language() == "en-gb"


@pytest.mark.parametrize("code", ["klingon", 7, ["de"], "../de"])
def test_what_is_no_language_is_refused_and_changes_nothing(code: Any) -> None:
    with (
        pytest.raises(ScopeNotAppliedError, match=r'^Scope "locale" cannot be '),
        scope.use(tenant="acme", locale=code),
    ):
        pass
    assert (scope.current(), translation.get_language()) == ({}, "en-gb")


# --- the time zone ---------------------------------------------------------------------------------
def test_a_time_zone_that_is_used_is_active_within(settings: Any) -> None:
    settings.JOBS_SCOPE = {"zone": "celery_uncovered.jobs.scope.TimeZone"}
    assert told() == {}
    with scope.use(zone="Asia/Tokyo"):
        assert timezone.get_current_timezone_name() == "Asia/Tokyo"
        assert told() == {"zone": "Asia/Tokyo"}
    with scope.use(zone=-90):
        assert told() == {"zone": -90}
    assert timezone.get_current_timezone_name() == "UTC"
    with pytest.raises(ScopeNotAppliedError), scope.use(zone="Mars/Olympus"):
        pass


# --- a project's own -------------------------------------------------------------------------------
def test_a_project_has_adapters_of_its_own(settings: Any) -> None:
    settings.JOBS_SCOPE = {"schema": f"{HERE}.Search"}
    Search.kept.schema = "public"
    assert told() == {"schema": "public"}
    with scope.use(schema="acme"):
        assert Search.kept.schema == "acme"
    assert Search.kept.schema == "public"
    Search.kept.schema = None


# --- checks ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        (["locale"], "JOBS_SCOPE must be a dict of names, each with an adapter's path or None."),
        ({"the tenant": None}, "JOBS_SCOPE has the name 'the tenant', which is no identifier."),
        ({7: None}, "JOBS_SCOPE has the name 7, which is no identifier."),
        (
            {"locale": f"{HERE}.Missing"},
            f'JOBS_SCOPE["locale"] cannot be imported: Module "{HERE}" does not define a "Missing"'
            " attribute/class.",
        ),
        ({"locale": 7}, 'JOBS_SCOPE["locale"] cannot be imported: '),
        (
            {"locale": f"{HERE}.told"},
            f'JOBS_SCOPE["locale"] is {HERE}.told, which is no class derived from'
            " jobs.scope.Adapter.",
        ),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(
    settings: Any, declared: Any, sentence: str
) -> None:
    settings.JOBS_SCOPE = declared
    (found,) = checks.check_scope()
    assert found.msg.startswith(sentence)
    assert (found.id, found.is_serious()) == ("jobs.E015", True)
    # Nor is anything submitted as if it had no scope.
    with pytest.raises(ImproperlyConfigured):
        told()


def test_a_function_for_requests_that_is_not_there_is_refused(settings: Any) -> None:
    assert checks.check_scope() == []
    settings.JOBS_SCOPE_OF_REQUEST = f"{HERE}.missing"
    (found,) = checks.check_scope()
    assert (found.id, found.is_serious()) == ("jobs.E016", True)
