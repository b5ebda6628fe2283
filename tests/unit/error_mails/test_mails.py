"""Rounds of mails: who is told what, how often, and that the numbers add up."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as outbox
from django.core.mail import EmailMessage
from django.core.mail.backends import locmem
from django.utils import timezone
from pytest_django import Settings

from celery_uncovered.error_mails import digest, rounds, sending, wording
from celery_uncovered.error_mails.kinds import OTHERS
from celery_uncovered.error_mails.models import Kind, Mail, Pace, Part
from celery_uncovered.error_mails.names import MAIL_TASK
from celery_uncovered.error_mails.storing import store
from celery_uncovered.error_mails.tallies import Tally
from celery_uncovered.error_mails.tasks import LATER, LONGEST, seconds_until_retry
from celery_uncovered.jobs.models import Job
from tests.unit.error_mails.help import batch, event, tally
from tests.unit.jobs.running import make_due, run_job

pytestmark = pytest.mark.usefixtures("committed_ledger")


@pytest.fixture(autouse=True)
def admins(settings: Settings) -> None:
    settings.ADMINS = [("Ann", "ann@example.org"), ("Bob", "bob@example.org")]
    settings.SERVER_EMAIL = "errors@example.org"


@pytest.fixture(autouse=True)
def numbers(committed_ledger: object) -> Iterator[None]:
    """Whatever happens, what came is in mails or waits."""
    yield
    told = sum(Part.objects.values_list("count", flat=True))
    waiting = sum(Kind.objects.values_list("waiting", flat=True))
    assert told + waiting == sum(Kind.objects.values_list("count", flat=True))


_numbers = iter(range(1, 1_000_000))


def come(*tallies: Tally) -> None:
    store(batch(*tallies, number=next(_numbers)))


def kinds(count: int, each: int = 1) -> list[Tally]:
    return [tally(f"kind {n:03}", each, first=100.0 + n, last=200.0 + n) for n in range(count)]


def round_now() -> int:
    number = rounds.current_pace().number
    return sending.send_round(number)


def sent_mails() -> list[EmailMessage]:
    found = list(outbox.outbox)
    outbox.outbox.clear()
    return found


# --- what is sent -----------------------------------------------------------------------------------
def test_one_error_is_one_mail_to_the_admins_with_its_traceback(settings: Settings) -> None:
    come(tally("a", 1, first=1_777_000_000, last=1_777_000_000))
    assert round_now() == 1
    [mail] = sent_mails()
    assert mail.to == ["ann@example.org", "bob@example.org"]
    assert mail.from_email == "errors@example.org"
    assert mail.subject == f"{settings.EMAIL_SUBJECT_PREFIX}ERROR: a went wrong"
    assert mail.body.startswith("Once, at 2026-04-24 03:06:40 UTC.\n")
    for part in ("a went wrong", "shop/views.py:7 in buy", "POST /buy/", "Traceback (most recent"):
        assert part in mail.body
    kind = Kind.objects.get()
    assert f"{settings.SITE_URL}/errors/{kind.pk}/" in mail.body
    assert mail.extra_headers["Message-ID"] == Mail.objects.get().message_id


def test_a_storm_of_one_kind_is_one_mail_with_its_count_and_moments() -> None:
    come(tally("a", 4000, first=1_777_000_000, last=1_777_000_050))
    come(tally("a", 1234, first=1_777_000_001, last=1_777_000_059))
    assert round_now() == 1
    [mail] = sent_mails()
    assert mail.subject.endswith("a went wrong (5,234 times)")
    line = "5,234 times, first at 2026-04-24 03:06:40 UTC, last at 2026-04-24 03:07:39 UTC.\n"
    assert mail.body.startswith(line)
    assert "The first of them that was written down:" in mail.body


def test_twenty_mails_are_the_most_and_the_last_one_tells_of_all_the_rest() -> None:
    come(*kinds(150, each=3))
    assert round_now() == 20
    mails = sent_mails()
    assert [mail.body.split()[0] for mail in mails] == ["3"] * 19 + ["393"]
    shared = mails[-1]
    assert shared.subject.endswith("393 times of 131 more kinds of errors")
    assert shared.body.count(" went wrong") == wording.NAMED
    assert "93 times of 31 further kinds." in shared.body
    assert Part.objects.count() == 150
    assert not Kind.objects.filter(waiting__gt=0).exists()


def test_twenty_kinds_get_a_mail_each() -> None:
    come(*kinds(20))
    assert round_now() == 20
    assert all("more kinds" not in mail.subject for mail in sent_mails())


def test_errors_of_which_only_the_number_is_known_are_in_the_next_mail() -> None:
    come(Tally(kind=OTHERS, event=None, count=17, first=1, last=2))
    assert round_now() == 1
    [mail] = sent_mails()
    assert mail.body.startswith("17 times, first at")
    assert "only their number was kept" in mail.body


def test_long_sentences_and_lines_make_one_line_of_a_subject() -> None:
    come(Tally(kind="a", event=event(sentence="x\ny " * 100), count=1, first=1, last=1))
    round_now()
    [mail] = sent_mails()
    assert "\n" not in mail.subject
    assert len(mail.subject) < wording.SUBJECT + 30


def test_errors_that_came_together_are_told_of_by_their_first(
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    """And a round of twenty kinds takes few statements for each mail."""
    come(*kinds(20, each=2))
    with django_assert_max_num_queries(20 * 12 + 20):
        assert round_now() == 20
    assert sent_mails()[0].body.startswith("2 times, first at 1970-01-01 00:01:40 UTC")


# --- when -------------------------------------------------------------------------------------------
def test_what_comes_while_a_round_is_sent_waits_for_the_next_a_minute_after_the_last_mail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    come(tally("a", 1))
    real = digest.note_sent

    def and_more(mail: Mail) -> None:
        real(mail)
        if mail.pk == Mail.objects.order_by("id").values_list("pk", flat=True)[0]:
            come(tally("a", 5), tally("b", 2))

    monkeypatch.setattr(digest, "note_sent", and_more)
    assert round_now() == 2, "a, and b, which has had no mail yet"
    assert [mail.body.split()[0] for mail in sent_mails()] == ["Once,", "2"]
    last = Mail.objects.order_by("sent_at").last()
    assert last
    assert last.sent_at
    pace = Pace.objects.get()
    assert pace.not_before == last.sent_at + timedelta(seconds=60)
    [job] = Job.objects.all()
    assert (job.task, job.unique_key, job.due_at) == (
        MAIL_TASK,
        rounds.key_of(pace.number),
        pace.not_before,
    )
    assert round_now() == 1
    assert [mail.body.split()[0] for mail in sent_mails()] == ["5"]


def test_a_round_is_submitted_once_and_runs_as_a_job_of_queue_io() -> None:
    come(tally("a"))
    before = timezone.now()
    assert rounds.announce() == rounds.announce() == 1
    [job] = Job.objects.all()
    assert (job.queue, job.state) == ("io", "SCHEDULED")
    assert job.due_at
    assert before + rounds.GATHER <= job.due_at <= timezone.now() + rounds.GATHER
    make_due(job.id)
    run_job(job.id)
    job.refresh_from_db()
    assert (job.state, job.result) == ("SUCCESS", '"1 mail sent."')
    assert len(sent_mails()) == 1
    rounds.announce()
    assert Job.objects.count() == 1, "nothing waits"


def test_an_announced_round_is_not_submitted_again_unless_it_is_another_one() -> None:
    come(tally("a"))
    assert rounds.announce(known=1) == 1
    assert not Job.objects.exists()
    assert rounds.announce(known=0) == 1
    assert Job.objects.count() == 1


def test_a_round_that_is_over_sends_nothing() -> None:
    come(tally("a"))
    number = rounds.current_pace().number
    rounds.close(number)
    assert sending.send_round(number) == 0
    assert rounds.current_pace().number == number + 1
    assert Kind.objects.get().waiting == 1


def test_without_admins_nobody_is_told_and_nothing_is_lost(settings: Settings) -> None:
    settings.ADMINS = []
    come(tally("a", 3))
    rounds.announce()
    assert not Job.objects.exists()
    assert round_now() == 0
    assert sent_mails() == []
    settings.ADMINS = ["ann@example.org"]
    come(tally("a", 4))
    assert round_now() == 1
    [mail] = sent_mails()
    assert mail.to == ["ann@example.org"]
    assert mail.body.startswith("7 times")


# --- faults -----------------------------------------------------------------------------------------
@pytest.fixture
def mail_server(monkeypatch: pytest.MonkeyPatch) -> "MailServer":
    server = MailServer()
    real: Callable[..., int] = locmem.EmailBackend.send_messages

    def send_messages(backend: Any, messages: Any) -> int:
        server.raise_fault("send")
        number = real(backend, messages)
        server.raise_fault("answer")
        return number

    monkeypatch.setattr(locmem.EmailBackend, "send_messages", send_messages)
    monkeypatch.setattr(locmem.EmailBackend, "open", lambda _: server.raise_fault("open"))
    return server


class MailServer:
    def __init__(self) -> None:
        self.faults: dict[str, Exception] = {}

    def raise_fault(self, place: str) -> None:
        if place in self.faults:
            raise self.faults[place]


def test_while_the_mail_server_is_away_all_is_counted_by_kind(mail_server: MailServer) -> None:
    mail_server.faults["open"] = ConnectionRefusedError(111, "refused")
    for _ in range(3):
        come(*kinds(30))
        with pytest.raises(sending.MailNotSentError, match="takes no mail: ConnectionRefusedError"):
            round_now()
    assert not Mail.objects.exists()
    mail_server.faults.clear()
    assert round_now() == 20
    assert [mail.body.split()[0] for mail in sent_mails()] == ["3"] * 19 + ["33"]


def test_a_mail_whose_taking_was_not_answered_is_sent_again_as_it_was(
    mail_server: MailServer,
) -> None:
    come(tally("a", 2))
    mail_server.faults["answer"] = ConnectionResetError()
    with pytest.raises(sending.MailNotSentError):
        round_now()
    come(tally("a", 5))
    mail_server.faults.clear()
    assert round_now() == 1
    first, again = sent_mails()
    assert first.extra_headers == again.extra_headers
    assert first.body == again.body
    assert Kind.objects.get().waiting == 5
    assert round_now() == 1
    assert sent_mails()[0].body.startswith("5 times")


def test_a_crash_between_sending_and_marking_repeats_the_mail_under_its_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    come(tally("a", 2))

    def crash(_: Mail) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(digest, "note_sent", crash)
        with pytest.raises(KeyboardInterrupt):
            round_now()
    come(tally("a", 5), tally("b", 1))
    assert round_now() == 2, "the same again, and b; a has had its mail of this round"
    first, again, other = sent_mails()
    assert first.extra_headers == again.extra_headers != other.extra_headers
    assert first.body == again.body


def test_a_crash_before_the_round_is_closed_does_not_shorten_the_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    come(tally("a"))

    def crash(_: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(rounds, "close", crash)
        with pytest.raises(KeyboardInterrupt):
            round_now()
    come(tally("a"))
    assert round_now() == 0, "a has had its mail of this round"
    last = Mail.objects.get().sent_at
    assert last
    assert Pace.objects.get().not_before == last + timedelta(seconds=60)


def test_a_mail_that_is_refused_again_and_again_goes_without_what_was_said(
    mail_server: MailServer,
) -> None:
    come(tally("a", 2))
    mail_server.faults["send"] = OSError("content refused by ann@example.org")
    for _ in range(digest.MOST_REFUSALS):
        with pytest.raises(sending.MailNotSentError) as caught:
            round_now()
        assert "ann@example.org" not in str(caught.value)
    assert Mail.objects.get().error == "OSError"
    mail_server.faults.clear()
    assert round_now() == 1
    [mail] = sent_mails()
    assert mail.body.startswith("2 times, first")
    assert "Traceback" not in mail.body


def test_a_job_that_cannot_send_waits_in_the_ledger_and_is_not_mailed_about(
    mail_server: MailServer,
) -> None:
    come(tally("a"))
    rounds.announce()
    mail_server.faults["open"] = TimeoutError()
    [job] = Job.objects.all()
    make_due(job.id)
    for _ in range(3):
        run_job(job.id)
        job.refresh_from_db()
        assert (job.state, job.error) == (
            "RETRY",
            "The mail server takes no mail: TimeoutError.",
        )
        rounds.announce()
        assert Job.objects.count() == 1, "its key is its own until it ends"
        make_due(job.id)
    mail_server.faults.clear()
    run_job(job.id)
    job.refresh_from_db()
    assert job.state == "SUCCESS"
    assert len(sent_mails()) == 1
    assert Kind.objects.count() == 1


def test_a_cancelled_round_is_taken_up_by_another_job() -> None:
    come(tally("a"))
    rounds.announce()
    Job.objects.update(state="REVOKED", finished_at=timezone.now())
    assert rounds.announce() == 1
    assert Job.objects.filter(state="SCHEDULED").count() == 1


def test_tries_come_soon_at_first_and_never_end() -> None:
    assert [seconds_until_retry(retries) for retries in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert seconds_until_retry(59) == LONGEST
    assert seconds_until_retry(100_000) == LATER
