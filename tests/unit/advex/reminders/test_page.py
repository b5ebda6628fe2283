"""The page that sends recorded webhooks: for operators, and not in production at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from celery_uncovered.advex.reminders.channels import post_once
from celery_uncovered.advex.reminders.models import Delivery, PullRequest
from celery_uncovered.advex.reminders.standin.store import Store
from celery_uncovered.workflows.models import Run, Step
from tests.unit.advex.reminders.examples import SECRET
from tests.unit.jobs.web.help import client_of, make_onlooker, make_operator, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent", "secret")]
PAGE = "/advex/reminders/"
ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def secret(settings: Settings) -> None:
    settings.GITHUB_WEBHOOK_SECRET = SECRET


@pytest.fixture
def operator() -> Client:
    return client_of(make_operator())


def send(client: Client, webhook: str, number: str = "") -> str:
    """The text of the page that this leads to."""
    answer = client.post(PAGE, {"webhook": webhook, "number": number}, follow=True)
    return answer.content.decode()


def test_a_recorded_webhook_is_sent_signed_and_leads_to_its_pull_request(operator: Client) -> None:
    answer = operator.post(PAGE, {"webhook": "opened"})
    assert (answer.status_code, answer["Location"]) == (303, f"{PAGE}2/")
    page = operator.get(f"{PAGE}2/").content.decode()
    assert "was answered: reminders started." in page
    assert "Ready" in page
    assert Run.objects.get().id in page
    assert Delivery.objects.get().outcome == "reminders started"


def test_each_new_one_has_a_number_of_its_own(operator: Client) -> None:
    send(operator, "opened")
    send(operator, "opened")
    assert list(PullRequest.objects.values_list("number", flat=True).order_by("number")) == [2, 3]


def test_its_buttons_close_and_reopen_it_any_number_of_times(operator: Client) -> None:
    send(operator, "opened")
    assert "reminders told to end" in send(operator, "merged", "2")
    assert "Reopen it" in operator.get(f"{PAGE}2/").content.decode()
    assert "reminders started" in send(operator, "reopened", "2")
    assert "reminders told to end" in send(operator, "closed", "2")
    assert "reminders started" in send(operator, "reopened", "2")
    assert PullRequest.objects.get().openings == 3
    assert "3 times" in operator.get(PAGE).content.decode()


def test_what_does_not_concern_us_says_so(operator: Client) -> None:
    assert "was answered: ignored." in send(operator, "labeled")
    assert "was answered: pong." in send(operator, "ping")
    assert "no reminders to end" in send(operator, "closed", "9")
    assert "nobody is reminded" in operator.get(f"{PAGE}9/").content.decode()


def test_what_cannot_be_sent_is_refused_in_a_sentence(operator: Client, settings: Settings) -> None:
    for given in ({"webhook": "none"}, {"webhook": "opened", "number": "two"}, {"number": "2"}):
        answer = operator.post(PAGE, given)
        assert answer.status_code == 400
        assert 'role="alert"' in answer.content.decode()
    settings.GITHUB_WEBHOOK_SECRET = ""
    answer = operator.post(PAGE, {"webhook": "opened"})
    assert answer.status_code == 403
    assert "set GITHUB_WEBHOOK_SECRET" in answer.content.decode()
    assert not Run.objects.exists()


@pytest.mark.usefixtures("chat")
def test_the_card_shows_what_was_said_without_its_markup(operator: Client, store: Store) -> None:
    send(operator, "opened")
    channel = (store.create("pr-2") or {})["id"]
    post_once(channel, "Opened: <https://example.org|a &lt;b&gt;>", step_id=None)
    show_channel(channel)
    card = operator.get(f"{PAGE}2/card/")
    assert "<li>Opened: a &lt;b&gt;</li>" in card.content.decode()
    assert (
        operator.get(f"{PAGE}2/card/", headers={"If-None-Match": card["ETag"]}).status_code == 304
    )
    post_once(channel, "more", step_id=None)
    assert (
        operator.get(f"{PAGE}2/card/", headers={"If-None-Match": card["ETag"]}).status_code == 200
    )


def test_a_chat_that_is_away_is_one_sentence_on_the_page(
    operator: Client, settings: Settings
) -> None:
    settings.SLACK_API_URL = "http://127.0.0.1:9/api"
    send(operator, "opened")
    show_channel("C1")
    assert "The chat could not answer for now" in operator.get(f"{PAGE}2/").content.decode()


def show_channel(channel: str) -> None:
    """As the run does with set_value."""
    from django.utils import timezone  # noqa: PLC0415

    Step.objects.create(
        run=Run.objects.get(),
        number=1,
        label="channel#1",
        kind="value",
        value=f'"{channel}"',
        ended_at=timezone.now(),
        seconds=0.0,
    )


def test_it_is_for_operators_alone(settings: Settings) -> None:
    settings.JOBS_OPEN_ON_LOOPBACK = True
    paths = (PAGE, f"{PAGE}2/", f"{PAGE}2/card/")
    user = client_of(make_user("bob"))
    assert {user.get(path).status_code for path in paths} == {404}
    assert {client_of(address="127.0.0.1").get(path).status_code for path in paths} == {302}
    onlooker = client_of(make_onlooker())
    assert onlooker.get(PAGE).status_code == 200
    assert onlooker.post(PAGE, {"webhook": "opened"}).status_code == 404
    assert not Run.objects.exists()


def test_its_card_on_the_home_page_is_for_operators(operator: Client) -> None:
    assert "Pull-request reminders" in operator.get("/").content.decode()
    assert "Pull-request reminders" not in client_of(make_user()).get("/").content.decode()


def test_a_number_that_no_pull_request_has_is_not_found(operator: Client) -> None:
    assert operator.get(f"{PAGE}{10**30}/").status_code == 404


def test_production_has_no_such_page_and_no_address_for_it(tmp_path: Path) -> None:
    source = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "from django.urls import Resolver404, get_resolver, resolve\n"
        "from celery_uncovered.jobs import api as jobs\n"
        "try:\n"
        f"    print(resolve('{PAGE}'))\n"
        "except Resolver404:\n"
        "    print('not found')\n"
        "print([str(one.pattern) for one in get_resolver('celery_uncovered.advex.urls').url_patterns])\n"
        "print('Pull-request reminders' in [one.label for one in jobs.examples()])\n"
        "client = Client(headers={'Host': 'localhost'})\n"
        "print(client.post('/webhooks/github/', secure=True).status_code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", source],
        cwd=ROOT,
        env={
            "DJANGO_SETTINGS_MODULE": "config.settings.production",
            "SECRET_KEY": "-".join(["made", "up"] * 20),
            "DATA_DIR": str(tmp_path),
            "PATH": os.environ["PATH"],
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # The webhook itself is there, and has no secret.
    assert done.stdout.split("\n")[:4] == ["not found", "[]", "False", "403"], done.stderr
