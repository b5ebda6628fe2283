"""Operators see what went wrong and what was mailed; others see nothing of it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from celery_uncovered.error_mails import digest, rounds, sending
from celery_uncovered.error_mails.models import Kind, Mail
from celery_uncovered.error_mails.storing import store
from celery_uncovered.error_mails.tallies import Tally
from tests.unit.error_mails.help import batch, event, tally
from tests.unit.jobs.web.help import client_of, make_onlooker, make_operator, make_user

pytestmark = pytest.mark.django_db

PAGES = ["/errors/", "/errors/1/", "/errors/mails/1/"]


@pytest.fixture(autouse=True)
def admins(settings: Settings) -> None:
    settings.ADMINS = [("", "ann@example.org")]


@pytest.fixture
def operator() -> Client:
    return client_of(make_operator())


def come(sentence: str = "<b>paper</b> is out", count: int = 1234) -> Kind:
    now = timezone.now().timestamp()
    one = event(sentence, sentence=sentence, job_id="job-1")
    store(batch(Tally(kind=sentence, event=one, count=count, first=now - 60, last=now)))
    return Kind.objects.get(fingerprint=sentence)


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("path", PAGES)
def test_only_operators_see_the_pages(path: str) -> None:
    assert client_of().get(path).status_code == 302
    assert client_of(make_user()).get(path).status_code == 404
    expected = 200 if path == "/errors/" else 404
    assert client_of(make_onlooker()).get(path).status_code == expected
    assert client_of(make_operator()).post(path).status_code == 405


def test_kinds_are_listed_with_their_count_and_their_mails(operator: Client) -> None:
    kind = come()
    page = text_of(operator, "/errors/")
    assert "&lt;b&gt;paper&lt;/b&gt; is out" in page
    assert "<b>paper</b>" not in page
    assert f'href="/errors/{kind.pk}/"' in page
    assert "1,234 errors will be in the next mails" in page
    sending.send_round(rounds.current_pace().number)
    page = text_of(operator, "/errors/")
    assert "in the next mails" not in page
    assert '<td class="number">1</td>' in page


def test_a_kind_leads_to_its_mails_and_its_job_and_a_mail_to_its_kinds(operator: Client) -> None:
    kind = come()
    page = text_of(operator, f"/errors/{kind.pk}/")
    assert "None yet" in page
    sending.send_round(rounds.current_pace().number)
    mail = Mail.objects.get()
    page = text_of(operator, f"/errors/{kind.pk}/")
    assert f'href="/errors/mails/{mail.pk}/"' in page
    assert 'href="/jobs/job-1/"' in page
    assert "POST /buy/" in page
    page = text_of(operator, f"/errors/mails/{mail.pk}/")
    assert f'href="/errors/{kind.pk}/"' in page
    assert "1,234 times, first at" in page


def test_what_keeps_mails_from_going_is_said(operator: Client, settings: Settings) -> None:
    come()
    mail = digest.next_mail(rounds.current_pace().number)
    assert mail
    digest.note_refused(mail, str(sending.MailNotSentError("TimeoutError")))
    for path in ("/errors/", f"/errors/mails/{mail.pk}/"):
        assert "The mail server takes no mail: TimeoutError." in text_of(operator, path)
    settings.ADMINS = []
    assert "Nobody is mailed: ADMINS names no address." in text_of(operator, "/errors/")


def test_the_list_reaches_back_a_day(operator: Client) -> None:
    kind = come()
    Kind.objects.update(last_at=timezone.now() - timedelta(hours=25))
    assert kind.sentence not in text_of(operator, "/errors/")
    assert "Nothing went wrong" in text_of(operator, "/errors/")


@pytest.mark.parametrize("number", [1, 2**63, 10**40])
def test_a_number_without_a_row_is_not_found(operator: Client, number: int) -> None:
    for path in (f"/errors/{number}/", f"/errors/mails/{number}/"):
        assert operator.get(path).status_code == 404


def test_the_pages_take_the_same_few_statements_for_any_number_of_kinds(
    operator: Client, django_assert_max_num_queries: object
) -> None:
    now = timezone.now().timestamp()
    store(batch(*(tally(f"k{number}", 1, now, now) for number in range(50))))
    assert callable(django_assert_max_num_queries)
    with django_assert_max_num_queries(12):
        operator.get("/errors/")
