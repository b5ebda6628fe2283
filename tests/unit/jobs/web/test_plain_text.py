"""PostgreSQL raises for a NUL in a value: no request brings one as far as a query."""

import pytest

from tests.unit.jobs.web.help import client_of, make_job, make_operator

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "address",
    [
        "/jobs/job-1%00/",
        "/jobs/job-1%00/status/",
        "/jobs/job-1/artifacts/a%00.csv",
        "/reports/confirm/x%00/",
        "/reports/leave/x%00/",
        "/%00",
    ],
)
def test_a_path_with_nul_leads_nowhere(address: str) -> None:
    make_job()
    answer = client_of(make_operator()).get(address)
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


@pytest.mark.parametrize(
    "address",
    [
        "/jobs/?q=%00",
        "/jobs/?task=a%00b",
        "/jobs/?after=1~%00",
        "/jobs/?%00=1",
        "/sign-in/?token=%00",
        "/sign-in/?next=/%00",
        "/schedules/new/?task=%00",
    ],
)
def test_a_query_with_nul_is_refused(address: str) -> None:
    assert client_of(make_operator()).get(address).status_code == 400


@pytest.mark.parametrize(
    ("address", "form"),
    [
        ("/sign-in/", {"username": "ada\0", "password": "x"}),
        ("/sign-in/", {"token": "\0"}),
        ("/reports/subscribe/", {"email": "ada@example.org\0", "period": "week"}),
        ("/reports/hot-repos/", {"period": "week\0"}),
        ("/schedules/new/", {"task": "\0"}),
        ("/reports/hot-repos/", {"period\0": "week"}),
    ],
)
def test_a_form_with_nul_is_refused(address: str, form: dict[str, str]) -> None:
    assert client_of(make_operator()).post(address, form).status_code == 400


@pytest.mark.parametrize("address", ["/", "/nothing-here/"])
def test_a_cookie_with_nul_looks_up_no_session(address: str) -> None:
    """A quoted cookie spells it as an escape."""
    answer = client_of().get(address, headers={"Cookie": 'sessionid="abcdefgh\\000"'})
    assert answer.status_code == 400
