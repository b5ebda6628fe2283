"""The pages of runs: the list, one run, and what an operator does with it."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from celery_uncovered.dashboard.views import runs
from celery_uncovered.workflows.engine import waiting
from celery_uncovered.workflows.models import Event, Run, Step, Wait
from tests.unit.jobs.web.help import client_of, make_onlooker, make_operator, make_user

pytestmark = pytest.mark.django_db

PAGE = "/workflows/"
NAME = "shop.workflows.remind_somebody"


def make_run(run_id: str = "run-1", *, age: float = 60, steps: int = 0, **fields: Any) -> Run:
    then = timezone.now() - timedelta(seconds=age)
    given: dict[str, Any] = {
        "workflow": NAME,
        "queue": "default",
        "state": "WAITING",
        "args": "[[7], {}]",
        "created_at": then,
        "started_at": then,
        "since": then,
    }
    made = Run.objects.create(id=run_id, **given | fields)
    for number in range(steps):
        record(run_id, number, f"act#{number + 1}")
    return made


def record(run_id: str, number: int, label: str, **fields: Any) -> None:
    given: dict[str, Any] = {
        "kind": "step",
        "value": json.dumps(f"value {number}"),
        "ended_at": timezone.now() - timedelta(seconds=30 - number / 100),
        "seconds": 0.01,
    }
    Step.objects.create(run_id=run_id, number=number, label=label, **given | fields)


def make_wait(run_id: str = "run-1", key: str = "closed:7", **fields: Any) -> None:
    Wait.objects.create(
        run_id=run_id, **{"label": f"event {key}#1", "kind": waiting.EVENT, "key": key} | fields
    )


@pytest.fixture
def client() -> Client:
    return client_of(make_operator())


def shown(client: Client, path: str = PAGE) -> str:
    return str(client.get(path).content.decode())


def state(run_id: str = "run-1") -> str:
    return Run.objects.get(id=run_id).state


ACTS = ("cancel", "resume", "event", "fork")


# --- access ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", [PAGE, f"{PAGE}run-1/", f"{PAGE}run-1/card/"])
def test_pages_are_for_operators_and_those_who_may_look(path: str) -> None:
    make_run()
    assert client_of().get(path)["Location"].startswith("/sign-in/?next=/workflows/")
    assert client_of(make_user()).get(path).status_code == 404
    assert client_of(make_onlooker()).get(path).status_code == 200
    assert client_of(make_operator()).get(path).status_code == 200


@pytest.mark.parametrize("act", ACTS)
def test_acts_need_the_permission_to_operate_and_a_token(act: str) -> None:
    make_run(steps=1)
    make_wait()
    form = {"key": "closed:7", "step": "0"}
    path = f"{PAGE}run-1/{act}/"
    assert client_of().post(path, form).status_code == 302
    assert client_of(make_user()).post(path, form).status_code == 404
    assert client_of(make_onlooker()).post(path, form).status_code == 404
    operator = make_operator()
    assert client_of(operator, enforce_csrf_checks=True).post(path, form).status_code == 403
    assert client_of(operator).post(f"{PAGE}other/{act}/", form).status_code == 404
    assert state() == "WAITING"
    assert not Event.objects.exists()
    assert Run.objects.count() == 1


def test_who_may_only_look_is_offered_no_act() -> None:
    make_run(steps=2)
    make_wait()
    page = shown(client_of(make_onlooker()), f"{PAGE}run-1/?show=full")
    assert "closed:7" in page
    for act in ACTS:
        assert f"/run-1/{act}/" not in page
    assert "/run-1/fork/" in shown(client_of(make_operator("boss")), f"{PAGE}run-1/?show=full")


def test_the_list_is_linked_from_every_page_and_the_home_page(client: Client) -> None:
    page = shown(client, "/")
    assert page.count('href="/workflows/"') == 2
    assert "why it does not move" in page
    assert 'href="/workflows/"' not in shown(client_of(), "/")


def test_the_home_page_tells_operators_of_runs_that_need_them(client: Client) -> None:
    make_run()
    assert "only if somebody acts" not in shown(client, "/")
    make_run("run-2", state="BLOCKED", age=9 * 86_400)
    page = shown(client, "/")
    assert 'href="/workflows/?state=BLOCKED&amp;within=all">blocked</a>.' in page
    assert "state=DEAD" not in page
    assert "only if somebody acts" not in shown(client_of(make_user()), "/")


@pytest.mark.parametrize("path", ["nope/", "nope/card/", "no%00pe/", "x" * 300 + "/"])
def test_a_run_that_is_not_there_is_not_found(client: Client, path: str) -> None:
    assert client.get(f"{PAGE}{path}").status_code == 404


# --- the list ------------------------------------------------------------------------------------------
def test_the_list_is_filtered_by_state_name_key_and_time(client: Client) -> None:
    make_run("here", key="pr-7")
    make_run("blocked", state="BLOCKED", workflow="shop.workflows.pack", error="It does not fit.")
    make_run("old", age=3 * 86_400)
    for query, ids in {
        "": {"here", "blocked"},
        "?within=7d": {"here", "blocked", "old"},
        "?within=nonsense&state=nonsense&after=nonsense": {"here", "blocked"},
        "?state=blocked": {"blocked"},
        f"?workflow={NAME}": {"here"},
        "?q=pr-": {"here"},
        "?q=bloc": {"blocked"},
        "?within=all&state=WAITING": {"here", "old"},
    }.items():
        page = shown(client, f"{PAGE}{query}")
        found = {one for one in ("here", "blocked", "old") if f'/workflows/{one}/"' in page}
        assert found == ids, query
    page = shown(client, f"{PAGE}?within=7d&state=BLOCKED&workflow=gone.away")
    assert '<option value="BLOCKED" selected>' in page
    assert '<option value="gone.away" selected>' in page


def test_the_list_says_what_runs_wait_for(client: Client) -> None:
    make_run()
    make_wait(due_at=timezone.now() + timedelta(hours=3))
    page = shown(client)
    assert "Waits for the event “closed:7”, due" in page


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "No run was started in that time"),
        ("?state=DEAD", "No run fits"),
        ("?after=1~x", "No older runs"),
    ],
)
def test_an_empty_list_says_why_and_what_to_do(client: Client, query: str, sentence: str) -> None:
    page = shown(client, f"{PAGE}{query}")
    assert sentence in page
    assert "Look further back: 7 days" in page


def test_pages_follow_by_their_links_with_the_same_few_statements(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "PAGE_SIZE", 2)
    for number in range(3):
        make_run(f"run-{number}", age=10 + number)
        make_wait(f"run-{number}", f"key {number}")
    first = client.get(PAGE)
    assert [run.id for run, _ in first.context["rows"]] == ["run-0", "run-1"]
    second = client.get(f"{PAGE}{first.context['older']}")
    assert [run.id for run, _ in second.context["rows"]] == ["run-2"]
    assert not second.context["older"]
    asked = [statements(client, PAGE)]
    monkeypatch.setattr(runs, "PAGE_SIZE", 50)
    for number in range(3, 40):
        make_run(f"run-{number}")
        make_wait(f"run-{number}", f"key {number}")
    asked.append(statements(client, PAGE))
    assert asked[0] == asked[1]


def statements(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    of_runs = [query["sql"] for query in queries if "workflows_" in query["sql"]]
    assert all("LIMIT" in sql for sql in of_runs), of_runs
    assert not any("OFFSET" in sql or "COUNT(" in sql for sql in of_runs)
    return len(of_runs)


# --- one run -------------------------------------------------------------------------------------------
def test_a_run_says_why_it_stands_still_and_what_it_waits_for(client: Client) -> None:
    make_run(key="pr-7", steps=3)
    make_wait()
    page = shown(client, f"{PAGE}run-1/")
    assert "It began to wait for the event “closed:7” <time" in page
    assert "and goes on when that event is sent." in page
    assert "Remind somebody" in page
    assert "pr-7" in page
    assert "<b>act</b>" in page
    assert "3 times" in page


def test_a_runs_family_is_linked_and_its_patches_and_origin_are_told(client: Client) -> None:
    make_run("parent")
    make_run(parent_id="parent", forked_from="origin", history_from=1, crashes=2)
    make_run("child", parent_id="run-1", workflow="shop.workflows.pack_it")
    record("run-1", 0, "patch of old#1", kind="patch", value="true")
    record("run-1", 1, "round-corners#1", kind="patch", value="true")
    page = shown(client, f"{PAGE}run-1/")
    for other in ("parent", "origin", "child"):
        assert f'href="/workflows/{other}/"' in page
    assert "Pack it" in page
    assert "round-corners" in page
    assert "patch of old" not in page
    assert "at record 1" in page
    Run.objects.filter(id="parent").delete()
    assert "removed" in shown(client, f"{PAGE}run-1/")


def test_values_are_shown_the_last_ones(client: Client) -> None:
    make_run()
    for number, text in enumerate(('"one"', '{"a": 2}')):
        record("run-1", number, f"stage#{number + 1}", kind="value", value=text)
    page = shown(client, f"{PAGE}run-1/")
    assert "&quot;a&quot;: 2" in page
    assert "&quot;one&quot;" not in page
    assert "Nothing but values and notes" in page


def test_arguments_results_and_errors_are_masked(client: Client) -> None:
    word = "swordfish" + "-4711"
    given: dict[str, Any] = {
        "args": f'[[], {{"password": "{word}"}}]',
        "result": f'{{"api_key": "{word}"}}',
    }
    make_run(state="SUCCESS", finished_at=timezone.now(), **given)
    record("run-1", 0, "login#1", value=f'{{"token": "{word}"}}')
    record("run-1", 1, "password#1", kind="value", value=f'"{word}"')
    failure: dict[str, Any] = {
        "error": f"password={word}",
        "error_type": "E",
        "traceback": f"password={word}",
    }
    make_run("run-2", state="FAILURE", finished_at=timezone.now(), **given, **failure)
    make_wait("run-2", error=f"password={word}")
    for path in ("", "run-1/", "run-1/?show=full", "run-1/?show=timeline", "run-2/"):
        page = shown(client, f"{PAGE}{path}")
        assert word not in page, path
    assert "********" in page


def test_a_long_history_comes_page_by_page(client: Client) -> None:
    make_run(steps=205)
    last = shown(client, f"{PAGE}run-1/?show=full")
    assert "no. 205 " in last
    assert "no. 5 " not in last
    assert "?show=full&amp;before=5" in last
    first = shown(client, f"{PAGE}run-1/?show=full&before=5")
    assert "no. 5 " in first
    assert "no. 6 " not in first
    assert "Latest" in first


@pytest.mark.parametrize("query", ["?show=nonsense&before=x", "?before=99999999999", "?before=0"])
def test_senseless_addresses_do_no_harm(client: Client, query: str) -> None:
    make_run(steps=1)
    assert client.get(f"{PAGE}run-1/{query}").status_code == 200


@pytest.mark.parametrize("show", ["list", "timeline", "full"])
def test_each_way_to_show_the_history_has_all_that_happened(client: Client, show: str) -> None:
    make_run(steps=1)
    error = '["builtins", "ValueError", "no shop", []]'
    record("run-1", 1, "charge#1", is_error=True, attempts=3, value=error)
    record("run-1", 2, "sleep#1", kind="time", value="null")
    make_wait()
    page = shown(client, f"{PAGE}run-1/?show={show}")
    for word in ("act", "charge", "sleep", "event closed:7", "Failed", "Done", "Over", "Waits"):
        assert word in page, word
    assert "style=" not in page
    assert page.count("<rect") == (13 if show == "timeline" else 0)


def test_the_card_is_sent_again_only_when_something_changed(client: Client) -> None:
    make_run(steps=1)
    make_wait()
    first = client.get(f"{PAGE}run-1/card/?show=full")
    etag = first["ETag"]
    assert f"data-etag='{etag}'" in shown(client, f"{PAGE}run-1/")
    again = client.get(f"{PAGE}run-1/card/?show=full", headers={"If-None-Match": etag})
    assert again.status_code == 304
    record("run-1", 1, "more#1")
    changed = client.get(f"{PAGE}run-1/card/?show=full", headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert b"more" in changed.content
    assert b"data-final" not in changed.content
    Run.objects.update(state="SUCCESS", finished_at=timezone.now())
    assert b"data-final" in client.get(f"{PAGE}run-1/card/").content


def test_a_page_asks_for_a_bounded_number_of_rows(client: Client) -> None:
    make_run(steps=5)
    make_wait()
    few = asked_for(client)
    for number in range(5, 60):
        record("run-1", number, f"act#{number}")
        make_run(f"child-{number}", parent_id="run-1")
    assert asked_for(client) == few


def asked_for(client: Client) -> int:
    with CaptureQueriesContext(connection) as queries:
        client.get(f"{PAGE}run-1/?show=full")
    of_steps = [query["sql"] for query in queries if 'FROM "workflows_step"' in query["sql"]]
    assert of_steps
    assert all("LIMIT" in sql for sql in of_steps), of_steps
    return len(queries)


# --- acts ----------------------------------------------------------------------------------------------
def test_an_event_is_sent_to_the_wait_of_the_run(client: Client) -> None:
    make_run()
    make_wait()
    path = f"{PAGE}run-1/event/"
    assert "closed:7" in shown(client, path)
    answer = client.post(path, {"key": "closed:7", "payload": '{"by": "ada"}'}, follow=True)
    assert answer.redirect_chain == [("/workflows/run-1/", 303)]
    assert "The event “closed:7” is sent." in answer.content.decode()
    event = Event.objects.get()
    assert (event.key, json.loads(event.payload)) == ("closed:7", {"by": "ada"})
    client.post(path, {"key": "closed:7", "payload": "  "})
    assert Event.objects.latest("id").payload == "true"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("{by: ada}", "expecting property name enclosed in double quotes in line 1, column 2."),
        ("[1,\n 2", "in line 2, column 3."),
        ("NaN", "it has no NaN."),
        ("[" * 100_000, "The payload is not JSON: "),
    ],
)
def test_a_payload_that_is_no_json_is_refused_and_kept_in_the_form(
    client: Client, payload: str, reason: str
) -> None:
    make_run()
    make_wait()
    answer = client.post(f"{PAGE}run-1/event/", {"key": "closed:7", "payload": payload})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "The payload is not JSON: " in page
    assert reason in page
    assert f">{payload}</textarea>" in page
    assert not Event.objects.exists()


def test_an_event_that_the_run_does_not_wait_for_is_refused(client: Client) -> None:
    make_run()
    answer = client.post(f"{PAGE}run-1/event/", {"key": "closed:7", "payload": "1"})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "The run does not wait for the event “closed:7” now." in page
    assert "It waits for no event" in page
    assert not Event.objects.exists()


def test_of_several_events_one_is_chosen_and_company_is_told(client: Client) -> None:
    make_run()
    make_wait()
    make_wait(key="other")
    page = shown(client, f"{PAGE}run-1/event/?key=other")
    assert "<option selected>other</option>" in page
    assert "Another run waits" not in page
    make_run("run-2")
    make_wait("run-2", "other")
    assert "Another run waits" in shown(client, f"{PAGE}run-1/event/")


def test_a_run_is_cancelled_with_its_children_and_resumed(client: Client) -> None:
    make_run()
    make_run("child", parent_id="run-1")
    answer = client.post(f"{PAGE}run-1/cancel/", follow=True)
    assert "The run is cancelled" in answer.content.decode()
    assert {state(), state("child")} == {"CANCELLED"}
    again = client.post(f"{PAGE}run-1/cancel/", follow=True)
    assert "The run was over before." in again.content.decode()
    answer = client.post(f"{PAGE}run-1/resume/", follow=True)
    assert "The run goes on." in answer.content.decode()
    assert state() == "READY"
    refused = client.post(f"{PAGE}run-1/resume/", follow=True)
    assert "cannot be resumed: it is READY." in refused.content.decode()


def test_a_run_is_forked_from_the_chosen_step(client: Client) -> None:
    make_run(steps=3, state="SUCCESS", finished_at=timezone.now())
    form = shown(client, f"{PAGE}run-1/fork/?step=1")
    assert '<option value="1" selected>1: act no. 2 (done)</option>' in form
    answer = client.post(f"{PAGE}run-1/fork/", {"step": "1"}, follow=True)
    assert "This is the fork" in answer.content.decode()
    fork = Run.objects.get(forked_from="run-1")
    assert answer.redirect_chain == [(f"/workflows/{fork.id}/", 303)]
    assert list(fork.steps.values_list("number", flat=True)) == [0]
    assert fork.state == "READY"


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ("", "Choose the step"),
        ("x", "Choose the step"),
        ("99", "cannot be forked: it has no step 99."),
        ("999999999", "cannot be forked"),
        ("99999999999999999999", "Choose the step"),
    ],
)
def test_a_fork_from_no_step_is_refused(client: Client, step: str, sentence: str) -> None:
    make_run(steps=3)
    answer = client.post(f"{PAGE}run-1/fork/", {"step": step})
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert Run.objects.count() == 1


def test_a_run_without_a_record_cannot_be_forked(client: Client) -> None:
    make_run()
    assert "There is nothing to fork from" in shown(client, f"{PAGE}run-1/fork/")
