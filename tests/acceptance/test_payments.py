"""A payment is answered at once, and charged once, whatever happens to whom."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.acceptance import inside
from tests.acceptance.browser import PAYMENTS, Person
from tests.acceptance.installation import IO_WORKER, Installation, Options, on
from tests.stacks import EMBEDDED, SERVERS

SECONDS = 60


@pytest.fixture(scope="module")
def options() -> Options:
    return Options(has_web=True)


@pytest.fixture
def person(installation: Installation) -> Person:
    return Person(installation.web)


@pytest.fixture
def before(installation: Installation) -> dict[str, int]:
    """What the gateway had counted before the test."""
    return installation.charged


def end_of(installation: Installation, person: Person, address: str) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        document: dict[str, Any] = person.get(f"{address}status/").json()
        return document if document["is_final"] else None

    document = installation.stack.wait_for(found, SECONDS, f"{address} has ended")
    assert document
    return document


def since(installation: Installation, before: dict[str, int]) -> dict[str, int]:
    return {name: count - before[name] for name, count in installation.charged.items()}


@on(EMBEDDED, SERVERS)
def test_thank_you_comes_at_once_and_the_settlement_by_itself(
    installation: Installation, person: Person, before: dict[str, int]
) -> None:
    installation.spoil_gateway({"kind": "slow", "seconds": 4.0, "times": 1})
    form = person.fill_in_payment("12.50", "Order 1")
    address = person.pay(form)
    page = person.get(address).text
    assert "Thank you" in page
    assert "Charged once" not in page
    assert end_of(installation, person, address)["status"] == "SETTLED"
    assert "Charged once" in person.get(address).text
    assert "Order 1" in person.get(PAYMENTS).text
    counts = since(installation, before)
    assert (counts["requests"], counts["charges"], counts["amount"]) == (1, 1, 1250)


@on(EMBEDDED, SERVERS)
def test_pressing_many_times_at_once_pays_once(
    installation: Installation, person: Person, before: dict[str, int]
) -> None:
    form = person.fill_in_payment("7.00", "Order 2")
    with ThreadPoolExecutor(8) as fingers:
        addresses = set(fingers.map(lambda _: person.pay(form), range(16)))
    [address] = addresses
    assert end_of(installation, person, address)["status"] == "SETTLED"
    assert since(installation, before)["charges"] == 1


@on(EMBEDDED, SERVERS)
def test_a_worker_that_dies_while_the_gateway_charges_repeats_the_request_and_no_charge(
    installation: Installation, person: Person, before: dict[str, int]
) -> None:
    installation.spoil_gateway({"kind": "slow", "seconds": 4.5, "times": 1})
    address = person.pay(person.fill_in_payment("20.00", "Order 3"))
    installation.stack.wait_for(
        lambda: since(installation, before)["charges"] == 1, SECONDS, "the gateway has charged"
    )
    assert person.get(f"{address}status/").json()["status"] == "CHARGING"
    installation.io.kill()
    installation.io = installation.stack.start("worker", *IO_WORKER, timeout=SECONDS)
    assert end_of(installation, person, address)["status"] == "SETTLED"
    counts = since(installation, before)
    assert (counts["requests"], counts["repeated"], counts["charges"]) == (2, 1, 1)


@on(EMBEDDED, SERVERS)
def test_a_gateway_that_dies_after_charging_is_asked_again_and_charges_no_more(
    installation: Installation, person: Person, before: dict[str, int]
) -> None:
    installation.spoil_gateway({"kind": "killed-after-charging", "times": 1})
    address = person.pay(person.fill_in_payment("30.00", "Order 4"))
    installation.gateway.wait(SECONDS)
    assert person.get(f"{address}status/").json()["status"] == "CHARGING"
    installation.start_gateway_again()
    assert end_of(installation, person, address)["status"] == "SETTLED"
    assert since(installation, before)["charges"] == 1
    assert since(installation, before)["repeated"] >= 1


@on(EMBEDDED, SERVERS)
def test_a_declined_payment_says_why(
    installation: Installation, person: Person, before: dict[str, int]
) -> None:
    address = person.pay(person.fill_in_payment("10.13", "Order 5"))
    document = end_of(installation, person, address)
    assert document["status"] == "DECLINED"
    assert document["reason"] == "The stand-in declines amounts that end in 13."
    assert document["reason"] in person.get(address).text
    counts = since(installation, before)
    assert (counts["requests"], counts["charges"], counts["declined"]) == (1, 0, 1)


@on(EMBEDDED, SERVERS)
def test_what_hangs_or_was_forgotten_is_settled_by_the_schedules(
    installation: Installation, person: Person, before: dict[str, int]
) -> None:
    """One job is lost before it asks; another one after the gateway charged and gave no answer."""
    stack = installation.stack
    stack.call(inside.look_after_payments_each_second)
    installation.io.stop(SECONDS)
    forgotten = person.pay(person.fill_in_payment("40.00", "Order 6"))
    assert stack.call(inside.forget_jobs_of_payments) >= 1
    installation.io = stack.start("worker", *IO_WORKER, timeout=SECONDS)

    installation.spoil_gateway({"kind": "timeout-after-charging", "seconds": 30.0, "times": 1})
    hanging = person.pay(person.fill_in_payment("50.00", "Order 7"))
    stack.wait_for(
        lambda: since(installation, before)["charges"] == 1, SECONDS, "the gateway has charged"
    )
    installation.io.kill()
    stack.call(inside.forget_jobs_of_payments)
    installation.io = stack.start("worker", *IO_WORKER, timeout=SECONDS)

    beat = stack.start("beat", "--pidfile=")
    try:
        for address in (forgotten, hanging):
            assert end_of(installation, person, address)["status"] == "SETTLED"
    finally:
        assert beat.stop() == 0
    counts = since(installation, before)
    assert (counts["requests"], counts["charges"], counts["amount"]) == (2, 2, 9000)


@on(EMBEDDED)
def test_others_do_not_see_it(installation: Installation, person: Person) -> None:
    address = person.pay(person.fill_in_payment("1.00", "Order 8"))
    for path in (address, f"{address}card/", f"{address}status/"):
        assert requests.get(installation.web + path, timeout=30).status_code == 404
    assert end_of(installation, person, address)["status"] == "SETTLED"
