"""The page of set-aside messages: their bytes, sending one back, dropping it."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from celery_uncovered.dashboard.hexdump import hexdump
from celery_uncovered.dashboard.views import set_aside as views
from celery_uncovered.jobs import set_aside
from celery_uncovered.jobs.models import Job, SetAside
from celery_uncovered.jobs.set_aside import Unreadable
from tests.support.app import tasks
from tests.unit.jobs.web.help import client_of, make_onlooker, make_operator, make_user

pytestmark = pytest.mark.django_db

BYTES = b'{"half": <script>alert(1)</script>\x00\xff'


def kept(body: bytes = BYTES, **fields: Any) -> int:
    own: dict[str, Any] = {
        "queue": "default",
        "reason": "Its body cannot be read as application/json: half.",
        "body": body,
        "content_type": "application/json",
        "content_encoding": "utf-8",
        "headers": {"task": "tests.add", "id": "job-1", "odd": b"\x00"},
        "properties": {"correlation_id": "job-1"},
    }
    return set_aside.keep(Unreadable(**own | fields))


@pytest.fixture
def client() -> Client:
    return client_of(make_operator())


def test_they_are_for_operators_and_change_by_post_with_a_token() -> None:
    number = kept()
    addresses = ["/set-aside/", f"/set-aside/{number}/", f"/set-aside/{number}/bytes"]
    onlooker, strict = make_onlooker(), client_of(make_operator(), enforce_csrf_checks=True)
    user = make_user()
    for address in addresses:
        assert client_of().get(address).status_code == 302
        assert client_of(user).get(address).status_code == 404
        assert client_of(onlooker).get(address).status_code == 200
    for act in ("send-back", "discard"):
        assert client_of(onlooker).post(f"/set-aside/{number}/{act}/").status_code == 404
        assert strict.post(f"/set-aside/{number}/{act}/").status_code == 403
        assert strict.get(f"/set-aside/{number}/{act}/").status_code == 405
    assert SetAside.objects.count() == 1


def test_headers_and_reason_are_shown_without_secrets(client: Client) -> None:
    number = kept(
        reason="Its token=abcabc is bad.",
        headers={"argsrepr": "{'password': 'hunter2'}", "token": "xyz"},
        properties={"api_key": "defdef"},
    )
    page = client.get(f"/set-aside/{number}/").content.decode()
    assert not [text for text in ("abcabc", "hunter2", "xyz", "defdef") if text in page]
    # It is sent back as it came.
    assert "hunter2" in SetAside.objects.get().headers


def test_the_bytes_are_shown_as_text_and_in_hexadecimal_and_can_be_saved(client: Client) -> None:
    number = kept()
    page = client.get(f"/set-aside/{number}/").content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "7b 22 68 61 6c 66 22 3a" in page
    saved = client.get(f"/set-aside/{number}/bytes")
    assert saved.content == BYTES
    assert saved["X-Content-Type-Options"] == "nosniff"
    assert "attachment" in saved["Content-Disposition"]
    assert client.get("/set-aside/999/").status_code == 404
    assert client.get(f"/set-aside/{10**30}/").status_code == 404


def test_a_large_body_is_shown_in_part(client: Client) -> None:
    number = kept(b"x" * 5000)
    assert "The first 4,096 of 5,000." in client.get(f"/set-aside/{number}/").content.decode()


def test_the_list_is_bounded_filtered_and_paged(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "PAGE_SIZE", 2)
    old, first, second, third = (kept(queue=queue) for queue in ("io", "io", "default", "io"))
    SetAside.objects.filter(pk=old).update(received_at=timezone.now() - timedelta(days=3))

    def ids(query: str) -> list[int]:
        return [one.id for one in client.get(f"/set-aside/{query}").context["found"]]

    assert ids("") == [third, second]
    assert ids(client.get("/set-aside/").context["older"]) == [first]
    assert ids("?queue=io") == [third, first]
    assert ids("?queue=io&within=7d&after=" + str(first)) == [old]
    assert ids("?after=nonsense") == [third, second]
    SetAside.objects.all().delete()
    assert "Nothing is set aside" in client.get("/set-aside/").content.decode()


def test_one_is_discarded(client: Client) -> None:
    number = kept()
    assert client.post(f"/set-aside/{number}/discard/").status_code == 303
    assert not SetAside.objects.exists()
    assert client.post(f"/set-aside/{number}/discard/").status_code == 404
    assert client.post(f"/set-aside/{number}/send-back/").status_code == 404


def test_what_is_no_message_or_not_whole_is_not_sent_back(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(set_aside, "LARGEST_KEPT", 10)
    cut, stray = kept(), kept()
    SetAside.objects.filter(pk=stray).update(is_message=False, size=10)
    for number, why in (
        (cut, "only 10 of its bytes are kept"),
        (stray, "a file that is no message"),
    ):
        page = client.get(f"/set-aside/{number}/").content.decode()
        assert "send-back" not in page
        answer = client.post(f"/set-aside/{number}/send-back/", follow=True).content.decode()
        assert why in answer
    assert SetAside.objects.count() == 2


def test_a_message_stays_where_the_broker_does_not_take_it(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = kept()

    def refuse(*_: Any, **__: Any) -> None:
        message = "no broker"
        raise OSError(message)

    monkeypatch.setattr(type(tasks.add.app.producer_pool), "acquire", refuse)
    answer = client.post(f"/set-aside/{number}/send-back/", follow=True).content.decode()
    assert f"Set-aside message {number} is not sent back: the broker says: no broker." in answer
    assert SetAside.objects.filter(pk=number).exists()


# --- jobs of unknown tasks -----------------------------------------------------------------------
def unknown(**headers: Any) -> Unreadable:
    return Unreadable(
        queue="default",
        reason="Task is not registered.",
        body=b"[]",
        content_type="application/json",
        content_encoding="utf-8",
        headers={"task": "tests.gone"} | headers,
        properties={},
    )


@pytest.mark.parametrize(
    ("fields", "attempt", "state"),
    [
        ({}, 1, "FAILURE"),
        ({}, None, "FAILURE"),
        # A duplicate of an attempt that is over, or that runs elsewhere.
        ({"attempt": 1}, 1, "QUEUED"),
        ({"attempt": 1, "state": "STARTED", "lease_node": "elsewhere"}, 1, "STARTED"),
        ({"attempt": 1, "state": "SUCCESS"}, 1, "SUCCESS"),
    ],
)
def test_only_the_job_that_waits_for_the_message_fails_with_it(
    fields: dict[str, Any], attempt: int | None, state: str
) -> None:
    task_id = str(tasks.add.delay(1, 1).id)
    Job.objects.filter(id=task_id).update(**fields)
    headers = {"id": task_id} | ({} if attempt is None else {"job_attempt": attempt})
    set_aside.keep_unknown_task(unknown(**headers), "tests.gone")
    job = Job.objects.get(id=task_id)
    assert job.state == state
    assert (job.error == 'Task "tests.gone" is not registered.') is (state == "FAILURE")
    assert SetAside.objects.get().task_id == task_id


def test_sending_back_the_message_of_a_failed_job_retries_the_job() -> None:
    task_id = str(tasks.add.delay(1, 1).id)
    number = set_aside.keep_unknown_task(unknown(id=task_id), "tests.gone")
    set_aside.send_back(number)
    assert Job.objects.get(id=task_id).state == "QUEUED"
    assert not SetAside.objects.exists()


def test_bytes_are_dumped_as_people_read_them() -> None:
    assert hexdump(b"") == ""
    assert hexdump(b"abc\x00") == f"00000000  {'61 62 63 00':<23}  {'':<23}  |abc.|"
    assert hexdump(bytes(range(65, 82))).splitlines() == [
        "00000000  41 42 43 44 45 46 47 48  49 4a 4b 4c 4d 4e 4f 50  |ABCDEFGHIJKLMNOP|",
        f"00000010  {'51':<23}  {'':<23}  |Q|",
    ]
