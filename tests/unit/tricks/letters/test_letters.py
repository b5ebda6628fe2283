"""Letters in the language, and from the house, of who asks for them; the page that asks."""

from datetime import date
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import translation

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs.models import Job
from celery_uncovered.tricks.letters.houses import UnknownHouseError
from celery_uncovered.tricks.letters.tasks import send_letter
from celery_uncovered.tricks.letters.views import LANGUAGES
from celery_uncovered.tricks.letters.writing import write_letter
from tests.unit.jobs.running import run_all, value_of
from tests.unit.jobs.web.help import client_of, make_onlooker

PAGE = "/tricks/letters/"
DAY = date(2026, 5, 4)


@pytest.fixture
def client(settings: Any) -> Client:
    settings.JOBS_OPEN_ON_LOOPBACK = True
    return client_of(address="127.0.0.1")


@pytest.mark.parametrize(
    ("language", "subject", "line", "is_rtl"),
    [
        (
            "en-gb",
            "Your membership: City Library",
            "thank you for joining us on 4 May 2026.",
            False,
        ),
        (
            "de",
            "Ihre Mitgliedschaft: Stadtbibliothek",
            "vielen Dank, dass Sie am 4. Mai 2026 Mitglied geworden sind.",
            False,
        ),
        (
            "fr",
            "Votre adhésion : Bibliothèque municipale",
            "merci de nous avoir rejoints le 4 mai 2026.",
            False,
        ),
        ("ar", "عضويتك: مكتبة المدينة", "شكرًا لانضمامك إلينا في 4 مايو، 2026.", True),
        (
            "ja",
            "市立図書館 会員登録のお知らせ",
            "2026年5月4日にご入会いただき、ありがとうございます。",
            False,
        ),
    ],
)
def test_a_letter_is_written_in_the_active_language(
    language: str, subject: str, line: str, *, is_rtl: bool
) -> None:
    with translation.override(language), jobs.scope.use(tenant="library"):
        letter = write_letter("Ada", joined=DAY, events=3)
    assert (letter.subject, letter.language, letter.is_rtl) == (subject, language, is_rtl)
    assert line in letter.body
    assert letter.sender == "library@letters.example"


@pytest.mark.parametrize("tenant", [None, "prison", {"id": 7}])
def test_no_house_writes_no_letter(tenant: Any) -> None:
    with (
        pytest.raises(UnknownHouseError, match="choose one of: library, museum"),
        jobs.scope.use(tenant=tenant),
    ):
        write_letter("Ada", joined=DAY, events=1)


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_click_sends_letters_in_the_language_and_from_the_house_that_were_chosen(
    client: Client, language: str
) -> None:
    answer = client.post(PAGE, {"language": language, "tenant": "museum"})
    assert answer.status_code == 303
    task_id = answer["Location"].split("/")[2]
    assert sorted(run_all()) == ["gather_letters"] + ["send_letter"] * 3 + ["write_to_members"]
    letters = value_of(task_id)["letters"]
    assert [letter["language"] for letter in letters] == [language, language, "en-gb"]
    assert [sent.subject for sent in mail.outbox] == [letter["subject"] for letter in letters]
    assert {sent.from_email for sent in mail.outbox} == {"museum@letters.example"}
    assert mail.outbox[0].extra_headers == {"Content-Language": language}
    # Nothing of it is in any argument.
    told = Job.objects.filter(task=send_letter.name, body__contains="museum")
    assert not told.exists()
    page = client.get(answer["Location"]).content.decode()
    assert letters[0]["subject"].encode() in client.get(answer["Location"]).content
    assert (page.count('dir="rtl"') > 0) == (language == "ar")
    # An operator also sees the scope of it.
    seen = client_of(make_onlooker()).get(answer["Location"]).content.decode()
    assert "&quot;tenant&quot;: &quot;museum&quot;" in seen
    assert translation.get_language() == "en-gb"


@pytest.mark.usefixtures("ledger")
def test_what_is_sent_in_between_is_not_concerned(client: Client) -> None:
    """Two clicks whose jobs run in turn, and one job without a house, which fails."""
    for language, tenant in (("ar", "library"), ("de", "museum")):
        client.post(PAGE, {"language": language, "tenant": tenant})
    lost = send_letter.delay("Ada", "2026-05-04", 1).id
    run_all()
    assert "is no house" in Job.objects.get(id=lost).error
    chosen = {(sent.from_email, sent.extra_headers["Content-Language"]) for sent in mail.outbox}
    assert chosen == {
        ("library@letters.example", "ar"),
        ("library@letters.example", "en-gb"),
        ("museum@letters.example", "de"),
        ("museum@letters.example", "en-gb"),
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"language": "tlh", "tenant": "museum"}, "Language &quot;tlh&quot; is not known"),
        ({"language": "de", "tenant": "<b>"}, "Tenant &#x27;&lt;b&gt;&#x27; is no house"),
        ({}, "Language &quot;&quot; is not known"),
    ],
)
def test_what_is_not_offered_is_refused_in_one_sentence(
    client: Client, fields: dict[str, str], sentence: str
) -> None:
    answer = client.post(PAGE, fields)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_the_page_offers_languages_and_houses_and_the_start_page_a_card(client: Client) -> None:
    page = client.get(PAGE).content.decode()
    for name in (*LANGUAGES.values(), "City Library", "Harbour Museum"):
        assert name in page
    start = client.get("/").content.decode()
    assert "Letters in your language" in start
    assert f'action="{PAGE}"' in start


@pytest.mark.django_db
def test_strangers_are_asked_to_sign_in() -> None:
    assert client_of().get(PAGE).status_code == 302
    assert client_of().post(PAGE, {"language": "de", "tenant": "museum"}).status_code == 302
