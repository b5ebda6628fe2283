import logging
from datetime import timedelta
from io import StringIO
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from tests.unit.jobs.web.help import client_of, make_user

pytestmark = pytest.mark.django_db


def new_link(*options: str) -> str:
    output = StringIO()
    call_command("sign_in_link", *options, stdout=output)
    return output.getvalue().strip()


def token_of(link: str) -> str:
    return parse_qs(urlsplit(link).query)["token"][0]


def press(client: Client, token: str, **more: str) -> HttpResponse:
    return client.post("/sign-in/", {"token": token, **more})  # type: ignore[return-value]  # a test's


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_the_link_leads_to_one_button_and_get_does_not_use_it_up() -> None:
    link = new_link("--port", "8123")
    assert link.startswith("http://127.0.0.1:8123/sign-in/?token=")
    client = client_of()
    for _ in range(3):
        page = client.get(f"/sign-in/?token={token_of(link)}")
        assert page.status_code == 200
        assert f'value="{token_of(link)}"' in page.content.decode()
    assert not is_signed_in(client)
    assert press(client, token_of(link)).status_code == 303
    assert is_signed_in(client)
    assert client.get("/schedules/").status_code == 200


def test_the_link_works_once() -> None:
    token = token_of(new_link())
    press(client_of(), token)
    second = client_of()
    answer = press(second, token)
    assert answer.status_code == 400
    assert "This link has been used" in answer.content.decode()
    assert "make sign-in" in answer.content.decode()
    assert not is_signed_in(second)


@pytest.mark.parametrize(("minutes", "works"), [(9, True), (11, False)])
def test_the_link_works_for_ten_minutes(minutes: int, works: bool) -> None:  # noqa: FBT001  # a case
    token = token_of(new_link())
    client = client_of()
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes)):
        press(client, token)
        assert is_signed_in(client) is works


def test_a_new_link_is_for_the_same_operator_and_another_address() -> None:
    first = new_link("--base-url", "https://jobs.example.org/")
    assert first.startswith("https://jobs.example.org/sign-in/?token=")
    press(client_of(), token_of(first))
    client = client_of()
    press(client, token_of(new_link()))
    assert is_signed_in(client)


def test_the_token_enters_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = token_of(new_link())
    client = client_of()
    client.get(f"/sign-in/?token={token}")
    press(client, token)
    press(client_of(), token)
    assert token not in caplog.text


@pytest.mark.parametrize("address", ["/sign-in/", "/sign-in/?token=x"])
def test_the_page_is_not_kept_and_tells_nobody(address: str) -> None:
    answer = client_of().get(address)
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]


def test_the_form_needs_a_csrf_token() -> None:
    token = token_of(new_link())
    client = client_of(enforce_csrf_checks=True)
    assert press(client, token).status_code == 403
    assert not is_signed_in(client)


def test_name_and_password_sign_in() -> None:
    make_user("ada")
    client = client_of()
    wrong = client.post("/sign-in/", {"username": "ada", "password": "nope"})
    assert wrong.status_code == 400
    assert "Name and password do not fit together." in wrong.content.decode()
    right = {"username": "ada", "password": "swordfish-42", "next": "/jobs/?state=FAILURE"}
    assert client.post("/sign-in/", right)["Location"] == "/jobs/?state=FAILURE"
    assert is_signed_in(client)


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""],
)
def test_only_own_addresses_are_gone_to(target: str) -> None:
    answer = press(client_of(), token_of(new_link()), next=target)
    assert answer["Location"] == "/"


def test_signing_out_needs_post() -> None:
    client = client_of(make_user())
    assert client.get("/sign-out/").status_code == 405
    client.post("/sign-out/")
    assert not is_signed_in(client)


def test_the_operator_has_no_password() -> None:
    new_link()
    client = client_of()
    client.post("/sign-in/", {"username": "operator", "password": ""})
    assert not is_signed_in(client)
