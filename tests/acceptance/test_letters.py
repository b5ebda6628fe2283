"""Letters in the language of who asks: by clicks, through three kinds of jobs in two kinds of workers."""

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.acceptance.browser import Person
from tests.acceptance.installation import Installation, Options, on
from tests.stacks import EMBEDDED, SERVERS, Stack

PAGE = "/tricks/letters/"
#: What a house is called, and how its letters end.
WORDS = {
    "en-gb": ("Harbour Museum", "Kind regards"),
    "de": ("Hafenmuseum", "Freundliche Grüße"),
    "fr": ("Musée du port", "Cordialement"),
    "ar": ("متحف الميناء", "مع أطيب التحيات"),
    "ja": ("港の博物館", "どうぞよろしくお願いいたします。"),
}


@pytest.fixture(scope="module")
def options() -> Options:
    return Options(
        has_web=True, env=lambda stack: {"EMAIL_URL": f"filemail:///{mail_folder(stack)}"}
    )


@on(EMBEDDED, SERVERS)
def test_each_click_sends_letters_in_the_language_that_it_chose(
    installation: Installation,
) -> None:
    """All clicks at once, so that the workers go from one language to the next and back."""
    person = Person(installation.web)
    pages = {language: click(person, language) for language in WORDS}
    for language, page in pages.items():
        status = installation.end_of(page.split("/")[2])
        assert status["state"] == "SUCCESS", status["error"]
        assert status["scope"] == expected_scope(language)
        letters = status["result"]["letters"]
        assert [letter["language"] for letter in letters] == [language, language, "en-gb"]
        shown = person.get(page).text
        for word in WORDS[language]:
            assert word in shown
        assert (shown.count('dir="rtl"') > 0) == (language == "ar")
    mails = [mail for mail in mails_of(installation.stack) if mail["To"] == "omar@members.example"]
    assert len(mails) == len(WORDS)
    for mail in mails:
        name, ending = WORDS[mail["Content-Language"]]
        assert name in mail["Subject"]
        body = mail.get_body()
        assert body
        assert f"{ending}\n{name}\n" in body.get_content().replace("\r\n", "\n")


def click(person: Person, language: str) -> str:
    """The path of the job's page."""
    answer = person.post(PAGE, {"language": language, "tenant": "museum"})
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def expected_scope(language: str) -> dict[str, str]:
    """The project's own language goes without saying."""
    said = {"tenant": "museum", "locale": language}
    return {name: value for name, value in said.items() if value != "en-gb"}


def mail_folder(stack: Stack) -> Path:
    folder = stack.folder / "mails"
    folder.mkdir(exist_ok=True)
    return folder


def mails_of(stack: Stack) -> list[EmailMessage]:
    """What Django's file backend wrote: each file is a connection's mails, with lines between."""
    texts = [path.read_bytes() for path in mail_folder(stack).iterdir()]
    mails = [text for each in texts for text in each.split(b"-" * 79 + b"\n") if text.strip()]
    return [email.message_from_bytes(text, policy=email.policy.default) for text in mails]
