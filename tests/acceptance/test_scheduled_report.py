"""A schedule's report: submitted by beat, mailed once to those who confirmed."""

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.acceptance import inside
from tests.acceptance.expected import expected_rows, read_back
from tests.acceptance.installation import Installation, Options, on
from tests.acceptance.stalls import Stalls
from tests.servers.processes import started
from tests.stacks import EMBEDDED, Stack

SCHEDULE = """
import json
from django_celery_beat.models import IntervalSchedule, PeriodicTask
every, _ = IntervalSchedule.objects.get_or_create(every=1, period="seconds")
PeriodicTask.objects.create(
    name="soon",
    task="celery_uncovered.toyex.tasks.produce_hot_repo_report_task",
    kwargs=json.dumps({"period": "day", "group_by": "language", "mail": True}),
    interval=every,
    one_off=True,
)
"""


@pytest.fixture(scope="module")
def options() -> Options:
    return Options(
        settings="tests.acceptance.stalling_settings",
        env=lambda stack: {
            "EMAIL_URL": f"filemail:///{mail_folder(stack)}",
            "SITE_URL": "https://jobs.example.org",
        },
    )


@pytest.fixture
def stalls(installation: Installation) -> Iterator[Stalls]:
    stalls = Stalls(installation.stack.env["DATA_DIR"])
    yield stalls
    stalls.let_go()


@on(EMBEDDED)
def test_beat_submits_and_those_who_confirmed_get_the_file_by_mail(
    installation: Installation,
) -> None:
    token = subscribe(installation, "ann@example.org", "day")
    subscribe(installation, "weekly@example.org", "week")
    subscribe(installation, "unsure@example.org", "day", confirms=False)
    installation.wait_until_idle()
    asked = mails_to(installation, "unsure@example.org")
    assert [mail["Subject"] for mail in asked] == ["Confirm your subscription to hot repositories"]

    installation.stack.script(SCHEDULE)
    beat = installation.stack.start("beat")
    task_id = wait_for_report(installation)
    status = installation.end_of(task_id)
    assert status["state"] == "SUCCESS", status["error"]
    wait_for_mail(installation, "ann@example.org")
    installation.wait_until_idle()
    # Until then it may have been half written.
    mail = wait_for_mail(installation, "ann@example.org")
    assert beat.stop() == 0

    assert mail["Subject"] == "Hot repositories: day to 2026-05-04"
    leave = f"https://jobs.example.org/reports/leave/{token}/"
    assert leave in text_of(mail)
    assert leave in mail["List-Unsubscribe"]
    [attachment] = mail.iter_attachments()
    assert attachment.get_content_type() == "text/csv"
    assert attachment.get_filename() == status["artifacts"][0]["name"]
    content = attachment.get_payload(decode=True)
    assert content == installation.file_of(status)
    assert read_back(content) == expected_rows("day", "language")

    assert installation.stack.call(inside.mail_again, task_id) == 1, "it was to try again"
    installation.wait_until_idle()
    assert len(reports_to(installation, "ann@example.org")) == 1
    assert reports_to(installation, "unsure@example.org") == []
    assert reports_to(installation, "weekly@example.org") == []


@on(EMBEDDED)
def test_a_report_whose_worker_died_between_two_mails_is_mailed_once_to_each(
    installation: Installation, stalls: Stalls
) -> None:
    for name in ("one", "two"):
        subscribe(installation, f"{name}@example.org", "week")
    installation.wait_until_idle()
    subscription = "SELECT id FROM toyex_subscription WHERE email = 'two@example.org'"
    [(number,)] = installation.stack.query(subscription)
    task_id = "a-report-by-schedule"
    stalls.hold(f"{task_id}-mail-{number}")
    installation.stack.call(inside.submit_by_schedule, task_id, "week")
    child = installation.stack.wait_for(
        lambda: stalls.reached_by(f"{task_id}-mail-{number}"), 60, "the second mail is submitted"
    )
    installation.default.kill()
    installation.stack.wait_for(lambda: not started(child), 30, "its child is gone too")
    stalls.let_go()
    installation.start_default_worker()
    status = installation.end_of(task_id)
    assert (status["state"], status["attempt"]) == ("SUCCESS", 3), "produce, build, build again"
    installation.wait_until_idle()
    for name in ("one", "two"):
        assert len(reports_to(installation, f"{name}@example.org")) == 1


@on(EMBEDDED)
def test_whoever_has_left_gets_no_more(installation: Installation) -> None:
    token = subscribe(installation, "gone@example.org", "month")
    installation.wait_until_idle()
    assert installation.stack.call("celery_uncovered.toyex.subscriptions:leave", token) is True
    installation.stack.call(inside.submit_by_schedule, "a-monthly-report", "month")
    assert installation.end_of("a-monthly-report")["state"] == "SUCCESS"
    installation.wait_until_idle()
    assert reports_to(installation, "gone@example.org") == []


def subscribe(
    installation: Installation, address: str, period: str, *, confirms: bool = True
) -> str:
    token: str = installation.stack.call(inside.subscribe, address, period, confirms=confirms)
    return token


def wait_for_report(installation: Installation) -> str:
    """The id of the job that beat submits."""
    found = "SELECT task_id FROM toyex_report WHERE period = 'day'"
    [(task_id,)] = installation.stack.wait_for(
        lambda: installation.stack.query(found), 60, "beat has submitted the report"
    )
    return str(task_id)


def wait_for_mail(installation: Installation, address: str) -> EmailMessage:
    [mail] = installation.stack.wait_for(
        lambda: reports_to(installation, address), 60, f"{address} has mail"
    )
    return mail


def reports_to(installation: Installation, address: str) -> list[EmailMessage]:
    mails = mails_to(installation, address)
    return [mail for mail in mails if str(mail["Subject"]).startswith("Hot repositories: ")]


def mails_to(installation: Installation, address: str) -> list[EmailMessage]:
    """What Django's file backend wrote: each file is a connection's mails, with lines between."""
    found = []
    for path in sorted(mail_folder(installation.stack).glob("*.log")):
        for text in path.read_bytes().split(b"\n" + b"-" * 79 + b"\n"):
            if text.strip():
                mail = email.message_from_bytes(text, policy=email.policy.default)
                assert isinstance(mail, EmailMessage)
                found.append(mail)
    return [mail for mail in found if mail["To"] == address]


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body
    return str(body.get_content())


def mail_folder(stack: Stack) -> Path:
    return stack.folder / "mail"
