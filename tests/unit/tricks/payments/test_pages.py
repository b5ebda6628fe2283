import json
import re

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from celery_uncovered.jobs.models import Job
from celery_uncovered.tricks.payments import moves
from celery_uncovered.tricks.payments.gateway import Charge
from celery_uncovered.tricks.payments.models import Payment
from tests.unit.jobs.web.help import client_of, make_onlooker, make_operator, make_user
from tests.unit.tricks.payments.examples import accept, token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent")]

JSON = {"Accept": "application/json"}
FORM = "/tricks/payments/"
TOKEN = re.compile(r'name="token" value="([^"]+)"')


@pytest.fixture
def client(settings: Settings) -> Client:
    settings.JOBS_OPEN_ON_LOOPBACK = True
    return client_of(address="127.0.0.1")


def filled(form: str = "", **changes: str) -> dict[str, str]:
    given = {"amount": "12.50", "currency": "EUR", "reference": "Order 1", "token": form or token()}
    return given | changes


def token_of(page: str) -> str:
    [found] = TOKEN.findall(page)
    return str(found)


def test_pay_answers_at_once_with_thank_you(client: Client) -> None:
    answer = client.post(FORM, filled())
    payment = Payment.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"{FORM}{payment.task_id}/")
    page = client.get(answer["Location"]).content.decode()
    assert "<h1>Thank you</h1>" in page
    assert "12.50 EUR" in page
    assert "Accepted" in page
    assert f'/jobs/{payment.task_id}/"' in page


def test_a_json_client_gets_the_addresses_of_its_payment(client: Client) -> None:
    body = json.dumps(filled())
    answer = client.post(FORM, body, content_type="application/json", headers=JSON)
    task_id = Payment.objects.get().task_id
    assert answer.status_code == 202
    assert answer.json() == {
        "task_id": task_id,
        "status_url": f"{FORM}{task_id}/status/",
        "page_url": f"{FORM}{task_id}/",
    }
    assert "Accept" in answer["Vary"]
    status = client.get(answer.json()["status_url"])
    assert status["Retry-After"] == "1"
    document = status.json()
    assert document.pop("accepted")
    assert document == {
        "task_id": task_id,
        "status": "ACCEPTED",
        "is_final": False,
        "amount": 1250,
        "currency": "EUR",
        "reference": "Order 1",
        "reason": None,
        "ended": None,
    }


def test_pressing_twice_or_sending_the_form_again_is_one_payment(client: Client) -> None:
    form = filled()
    answers = [client.post(FORM, form) for _ in range(3)]
    assert len({answer["Location"] for answer in answers}) == 1
    assert (Payment.objects.count(), Job.objects.count()) == (1, 1)


def test_each_showing_of_the_form_has_a_token_of_its_own_and_is_not_kept(client: Client) -> None:
    pages = [client.get(FORM) for _ in range(2)]
    tokens = {token_of(page.content.decode()) for page in pages}
    assert len(tokens) == 2
    assert "no-store" in pages[0]["Cache-Control"]
    for one in tokens:
        client.post(FORM, filled(one))
    assert Payment.objects.count() == 2


def test_the_start_pages_button_pays_once_however_often_it_is_pressed(client: Client) -> None:
    first, second = (client.get("/").content.decode() for _ in range(2))
    assert token_of(first) != token_of(second)
    for page in (first, first, second):
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
        wanted = {name: fields[name] for name in ("amount", "currency", "reference", "token")}
        assert client.post(FORM, wanted).status_code == 303
    assert Payment.objects.count() == 2


def test_a_form_sent_again_with_other_values_says_so_and_offers_a_new_one(client: Client) -> None:
    form = filled()
    client.post(FORM, form)
    answer = client.post(FORM, form | {"amount": "99.00"})
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "This form has been used for a payment of 12.50 EUR" in page
    assert 'value="99.00"' in page
    assert token_of(page) != form["token"]
    document = client.post(FORM, form | {"amount": "99.00"}, headers=JSON)
    assert document.status_code == 409
    assert document.json()["error"].startswith("This form has been used")
    assert Payment.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"amount": "much"}, 'Amount "much" is not a number like 12.50.'),
        ({"currency": "XXX"}, 'Currency "XXX" is not known; choose one of: EUR, USD, JPY.'),
        ({"token": ""}, "The token is missing or is none"),
        ({"reference": ""}, "A payment needs a reference of 1 to 100 printable characters."),
    ],
)
def test_bad_input_is_refused_in_one_sentence(
    client: Client, changes: dict[str, str], sentence: str
) -> None:
    answer = client.post(FORM, filled() | changes, headers=JSON)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])
    assert answer.json()["error"].startswith(sentence)
    page = client.post(FORM, filled() | changes)
    assert page.status_code == 400
    assert b'role="alert"' in page.content
    assert not Payment.objects.exists()


@pytest.mark.parametrize(
    "body", ["[]", "{", '"token"', "[" * 200_000, json.dumps({"token": "x" * 3_000_000})]
)
def test_a_broken_body_is_refused(client: Client, body: str) -> None:
    answer = client.post(FORM, body, content_type="application/json", headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("The body is")


def test_csrf_holds(settings: Settings) -> None:
    settings.JOBS_OPEN_ON_LOOPBACK = True
    strict = client_of(address="127.0.0.1", enforce_csrf_checks=True)
    assert strict.post(FORM, filled(), headers=JSON).status_code == 403
    assert not Payment.objects.exists()


def test_production_asks_for_sign_in() -> None:
    stranger = client_of(address="127.0.0.1")
    assert stranger.get(FORM)["Location"] == f"/sign-in/?next={FORM}"
    assert stranger.post(FORM, filled(), headers=JSON).status_code == 403
    assert not Payment.objects.exists()


def test_a_payment_is_its_payers_and_the_operators() -> None:
    ada = client_of(make_user("ada"))
    answer = ada.post(FORM, filled(), headers=JSON).json()
    addresses = [answer["page_url"], f"{answer['page_url']}card/", answer["status_url"]]
    others = [client_of(make_user("bob")), client_of(), client_of(address="127.0.0.1")]
    for address in addresses:
        assert ada.get(address).status_code == 200
        assert client_of(make_operator(f"operator {address}")).get(address).status_code == 200
        for other in others:
            assert other.get(address).status_code == 404
    assert client_of(make_onlooker()).get(answer["page_url"]).status_code == 200
    missing = ada.get(f"{FORM}nothing/")
    assert missing.status_code == 404


def test_another_browser_on_loopback_does_not_see_it(client: Client, settings: Settings) -> None:
    address = client.post(FORM, filled())["Location"]
    assert client.get(address).status_code == 200
    other = client_of(address="127.0.0.1")
    assert other.get(address).status_code == 404
    other.post(FORM, filled())
    assert other.get(address).status_code == 404
    assert address not in other.get(FORM).content.decode()


def test_each_answer_to_a_form_that_was_sent_twice_at_once_opens_its_payment(
    client: Client,
) -> None:
    """A browser without a session sends both, and has that of the answer which comes last."""
    form = filled()
    browsers = [client, client_of(address="127.0.0.1")]
    [address] = {browser.post(FORM, form)["Location"] for browser in browsers}
    assert [browser.get(address).status_code for browser in browsers] == [200, 200]


def test_the_payer_reads_the_job_and_keeps_the_payment_when_the_job_is_gone() -> None:
    ada = client_of(make_user("ada"))
    answer = ada.post(FORM, filled(), headers=JSON).json()
    assert ada.get(f"/jobs/{answer['task_id']}/").status_code == 200
    Job.objects.all().delete()
    page = ada.get(answer["page_url"])
    assert page.status_code == 200
    assert f"/jobs/{answer['task_id']}/".encode() not in page.content


def test_the_list_has_my_payments_and_an_operators_has_all() -> None:
    ada, bob = make_user("ada"), make_user("bob")
    mine, other = accept("1.00", payer_id=ada.pk), accept("2.00", payer_id=bob.pk)
    page = client_of(ada).get(FORM).content.decode()
    assert "Your payments" in page
    assert mine.task_id in page
    assert other.task_id not in page
    page = client_of(make_operator()).get(FORM).content.decode()
    assert "Latest payments" in page
    assert mine.task_id in page
    assert other.task_id in page
    assert "bob" in page


def test_whoever_is_nobody_sees_no_payment_of_a_deleted_user() -> None:
    ada = make_user("ada")
    payment = accept(payer_id=ada.pk)
    ada.delete()
    for client in (client_of(make_user("bob")), client_of()):
        assert client.get(f"{FORM}{payment.task_id}/").status_code == 404


def test_the_card_changes_when_the_payment_does_and_is_not_sent_again_before(
    client: Client,
) -> None:
    address = client.post(FORM, filled())["Location"]
    card = client.get(f"{address}card/")
    page = client.get(address).content.decode()
    assert f"data-etag='{card['ETag']}'" in page
    assert "data-final" not in card.content.decode()
    known = {"If-None-Match": card["ETag"]}
    assert client.get(f"{address}card/", headers=known).status_code == 304
    payment = Payment.objects.get()
    moves.begin_charging(payment.pk)
    card = client.get(f"{address}card/", headers=known)
    assert card.status_code == 200
    assert "Being charged" in card.content.decode()
    moves.end_charging(payment.pk, Charge(id="ch_77", is_settled=True))
    card = client.get(f"{address}card/", headers=known)
    assert "data-final" in card.content.decode()
    assert "ch_77" in card.content.decode()
    status = client.get(f"{address}status/")
    assert "Retry-After" not in status
    assert status.json()["status"] == "SETTLED"


def test_without_scripts_the_page_refreshes_itself_until_the_end(client: Client) -> None:
    address = client.post(FORM, filled())["Location"]
    assert b"http-equiv" in client.get(address).content
    moves.decline_uncharged(Payment.objects.get().pk, "<b>No</b>.")
    page = client.get(address).content
    assert b"http-equiv" not in page
    assert b"&lt;b&gt;No&lt;/b&gt;." in page


def test_a_payment_that_takes_long_says_that_nobody_need_pay_again(client: Client) -> None:
    address = client.post(FORM, filled())["Location"]
    before = client.get(f"{address}card/")["ETag"]
    payment = Payment.objects.get()
    Payment.objects.update(accepted_at=payment.accepted_at.replace(year=2020))
    card = client.get(f"{address}card/", headers={"If-None-Match": before})
    assert card.status_code == 200
    assert b"You need not pay again" in card.content


def test_the_form_says_who_charges(client: Client, settings: Settings) -> None:
    settings.PAYMENTS_STANDIN = True
    assert b"No money moves here" in client.get(FORM).content
    settings.PAYMENTS_STANDIN = False
    settings.PAYMENTS_GATEWAY_URL = "https://bank.example"
    page = client.get(FORM).content
    assert b"No money" not in page
    assert b"Charged by bank.example" in page


def test_the_address_is_among_those_of_the_examples() -> None:
    assert reverse("tricks:payments") == FORM


def test_nothing_that_could_be_a_card_is_asked_or_kept() -> None:
    columns = {field.name for field in Payment._meta.get_fields()}
    assert not [name for name in columns if re.search(r"card|number|iban|cvc|expir", name)]
