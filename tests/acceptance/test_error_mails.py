"""The scenario of the error e-mails: a page that breaks, a job that fails, a storm, and no secret in it."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.acceptance.browser import Person
from tests.acceptance.installation import Installation, Options, on
from tests.servers.ports import reserve_port
from tests.servers.smtp import MailServer, Received
from tests.stacks import EMBEDDED, SERVERS

PURPOSE = "This error was raised on purpose"
#: A round of mails, its pause before, and a busy machine.
SECONDS = 120
MAIL_PORT = reserve_port()


@pytest.fixture(scope="module")
def options() -> Options:
    return Options(
        has_web=True,
        env=lambda _: {
            "ADMINS": "Ann <ann@example.org>, bob@example.org",
            "EMAIL_URL": f"smtp://127.0.0.1:{MAIL_PORT}",
            "SITE_URL": "https://jobs.example.org",
        },
    )


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer(MAIL_PORT) as server:
        yield server


def await_count(installation: Installation, server: MailServer, words: str, count: int) -> None:
    installation.stack.wait_for(
        lambda: server.total(words) >= count, SECONDS, f"{count} errors are mailed"
    )
    assert server.total(words) == count


def break_page(person: Person, secret: str = "") -> None:
    answer = person.post(
        "/report-error/",
        {"password": secret},
        Authorization=f"Bearer {secret}",
        Referer=f"http://127.0.0.1/sign-in/?token={secret}",
    )
    assert answer.status_code == 500
    assert "Something broke" in answer.text


@on(EMBEDDED, SERVERS)
def test_errors_are_mailed_once_with_their_counts_and_without_secrets(
    installation: Installation, mail_server: MailServer
) -> None:
    secret = secrets.token_hex()
    person = Person(installation.web)
    session = person.session.cookies.get("csrftoken")
    break_page(person, secret)
    await_count(installation, mail_server, PURPOSE, 1)
    [mail] = mail_server.of(PURPOSE)
    assert mail.recipients == ("ann@example.org", "bob@example.org")
    assert "[Celery Uncovered] ERROR: ReportedOnPurposeError: " in mail.message["Subject"]
    assert "POST /report-error/" in mail.text
    assert "report_error/views.py" in mail.text
    assert "https://jobs.example.org/errors/" in mail.text

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: break_page(person, secret), range(40)))
    await_count(installation, mail_server, PURPOSE, 41)
    first, *others = mail_server.of(PURPOSE)
    assert sum(mail.count(PURPOSE) for mail in others) == 40
    assert others[0].at - first.at >= 60, "a minute between two mails of a kind"
    for hidden in (secret, session):
        assert hidden
        assert not [one for one in mail_server.mails if hidden in content_of(one)]
        assert hidden not in everything_stored(installation)


@on(EMBEDDED)
def test_a_job_that_fails_for_good_is_mailed(
    installation: Installation, mail_server: MailServer
) -> None:
    installation.spoil({"kind": "401"})
    task_id = installation.ask("week", fresh=True)
    assert installation.end_of(task_id)["state"] == "FAILURE"
    words = "GitHub refused the token"
    installation.stack.wait_for(lambda: mail_server.of(words), SECONDS, "the failure is mailed")
    assert any("Told by celery_uncovered.toyex.tasks." in one.text for one in mail_server.of(words))


def content_of(mail: Received) -> str:
    return f"{mail.message['Subject']}{mail.text}"


def everything_stored(installation: Installation) -> str:
    tables = ("error_mails_kind", "error_mails_mail")
    return repr([installation.stack.query(f"SELECT * FROM {table}") for table in tables])  # noqa: S608  # constants
