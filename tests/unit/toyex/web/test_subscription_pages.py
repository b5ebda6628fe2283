from datetime import UTC, datetime, timedelta
from unittest.mock import Mock, patch

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from celery_uncovered.jobs.models import Job
from celery_uncovered.toyex import subscriptions
from celery_uncovered.toyex.models import Subscription
from tests.unit.jobs.web.help import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(settings: Settings) -> Client:
    settings.JOBS_OPEN_ON_LOOPBACK = True
    return client_of(address="127.0.0.1")


def subscription(*, is_confirmed: bool = False) -> Subscription:
    return Subscription.objects.create(
        email="ada@example.org",
        period="week",
        confirmed_at=timezone.now() if is_confirmed else None,
    )


def test_subscribing_asks_the_owner_of_the_address_first(client: Client) -> None:
    answer = client.post("/reports/subscribe/", {"email": "ada@example.org", "period": "week"})
    assert "a mail with a link to confirm is on its way" in answer.content.decode()
    assert Subscription.objects.get().confirmed_at is None


def test_the_answer_does_not_tell_who_subscribes(client: Client) -> None:
    given = {"email": "ada@example.org", "period": "week"}
    fresh = client.post("/reports/subscribe/", given).content
    Subscription.objects.update(confirmed_at=timezone.now())
    assert client.post("/reports/subscribe/", given).content == fresh


def test_an_address_is_asked_once_a_day_however_often_it_is_typed_in(client: Client) -> None:
    given = {"email": "ada@example.org", "period": "week"}

    def asked(**changes: str) -> tuple[bytes, int]:
        content = client.post("/reports/subscribe/", given | changes).content
        # Each mail has been sent at once, so that its key holds nobody back.
        Job.objects.update(state="SUCCESS")
        return content, Job.objects.count()

    first, _ = asked()
    assert asked() == (first, 1)
    asked(email=" ADA@example.org")
    assert Job.objects.count() == 1
    asked(period="day")
    assert Job.objects.count() == 2
    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1)):
        assert asked() == (first, 3)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"email": "nobody", "period": "week"}, "&quot;nobody&quot; is not an e-mail address."),
        (
            {"email": f"{'a' * 60}@{'.'.join(['b' * 60] * 4)}.example", "period": "week"},
            "is not an e-mail address.",
        ),
        ({"email": "a@b.example", "period": "year"}, "Period &quot;year&quot; is not known"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(
    client: Client, given: dict[str, str], sentence: str
) -> None:
    answer = client.post("/reports/subscribe/", given)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not Subscription.objects.exists()


def test_confirming_takes_a_press_of_the_button() -> None:
    row = subscription()
    address = f"/reports/confirm/{row.token}/"
    visitor = client_of()
    assert "Yes, send it" in visitor.get(address).content.decode()
    assert not Subscription.objects.filter(confirmed_at__isnull=False).exists()
    assert "You are subscribed" in visitor.post(address).content.decode()
    assert Subscription.objects.filter(confirmed_at__isnull=False).exists()
    assert "You are subscribed" in visitor.get(address).content.decode()


def test_leaving_takes_a_press_of_the_button_and_may_be_repeated() -> None:
    address = f"/reports/leave/{subscription(is_confirmed=True).token}/"
    visitor = client_of()
    page = visitor.get(address)
    assert "Send no more" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert Subscription.objects.exists()
    for _ in range(2):
        assert "You have left" in visitor.post(address).content.decode()
    assert not Subscription.objects.exists()


def test_an_unknown_token_confirms_nothing() -> None:
    assert client_of().get("/reports/confirm/nonsense/").status_code == 404
    assert client_of().post("/reports/confirm/nonsense/").status_code == 404


def test_confirming_what_is_being_left_is_as_confirming_nothing() -> None:
    row = subscription()

    def leave_meanwhile() -> datetime:
        subscriptions.leave(row.token)
        return datetime.now(UTC)

    with patch("celery_uncovered.toyex.subscriptions.timezone", Mock(now=leave_meanwhile)):
        assert client_of().post(f"/reports/confirm/{row.token}/").status_code == 404
