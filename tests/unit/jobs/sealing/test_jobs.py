"""From submission to result: tasks get their secrets, and nothing that is stored or sent has them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import chain, chord, current_app, group
from django.db import connection
from django.test import override_settings

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs.contexts import request_of
from celery_uncovered.jobs.masking import MASK, mask_text
from celery_uncovered.jobs.messages import Delivery, encode, wire_form
from celery_uncovered.jobs.models import Chord, Job
from celery_uncovered.jobs.sealing import Sealed
from celery_uncovered.jobs.states import State
from celery_uncovered.jobs.task import JobTask
from tests.support.app import secret_tasks, tasks
from tests.support.app.secret_tasks import digest
from tests.support.secrets import planted
from tests.unit.jobs.running import become_a_worker, make_due, perform, run_all, run_job, value_of
from tests.unit.jobs.web.help import client_of, make_operator

pytestmark = pytest.mark.usefixtures("ledger", "_notes_here")

#: No name and no look says that it is a secret, only its place.
PASSWORD = "correct-horse-battery"
GIVEN = {f"text_{number}": secret.text for number, secret in enumerate(planted())}
GIVEN |= {"api_key": "k" * 20 + "Q", "headers": {"Authorization": "Digest " + "d" * 20 + "Q"}}  # type: ignore[dict-item]  # JSON
NEEDLES = [secret.needle for secret in planted()] + [PASSWORD, "k" * 20 + "Q", "d" * 20 + "Q"]
RETURNED = {"token": PASSWORD, "texts": list(GIVEN.values()), "user": "bob"}

handle: Any = secret_tasks.handle
take_over: Any = secret_tasks.take_over


@pytest.fixture
def _notes_here(tmp_path: Path) -> Iterator[None]:
    with override_settings(DATA_DIR=tmp_path):
        yield


@pytest.fixture
def notes(tmp_path: Path) -> Any:
    def read() -> list[str]:
        path = tmp_path / "notes"
        return path.read_text().splitlines() if path.exists() else []

    return read


def stored() -> str:
    """Every row of every table, as text."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608  # names from the database
            found += [f"{table}: {row!r}" for row in cursor.fetchall()]
    return "\n".join(found)


def sent(deliveries: list[Delivery]) -> str:
    return json.dumps([wire_form(delivery) for delivery in deliveries])


def betrayed(text: str) -> list[str]:
    return [needle for needle in NEEDLES if needle in text or json.dumps(needle)[1:-1] in text]


def test_the_needles_would_be_found() -> None:
    """Without a seal; else the other tests here show nothing."""
    assert len(betrayed(json.dumps([PASSWORD, GIVEN]))) == len(NEEDLES)


@pytest.mark.parametrize("queue", ["default", "io"])
def test_arguments_are_sealed_in_row_and_message_and_open_in_the_task(
    queue: str, notes: Any
) -> None:
    # when
    task_id = handle.apply_async(("bob", PASSWORD), GIVEN, queue=queue).id
    again = jobs.submit(handle, args=["ann", PASSWORD], kwargs=GIVEN)
    # then
    assert betrayed(stored()) == []
    headers = json.loads(Job.objects.get(id=task_id).message)["headers"]
    assert headers["argsrepr"] == f"('bob', '{MASK}')"
    assert MASK in headers["kwargsrepr"]
    assert run_all() == ["handle", "handle"]
    assert notes() == [f"{who} 1 {digest([PASSWORD, GIVEN])}" for who in ("bob", "ann")]
    assert value_of(task_id) == value_of(again) | {"user": "bob"} == RETURNED
    assert betrayed(stored()) == []


def test_what_is_sent_is_what_is_stored(ledger: list[Delivery]) -> None:
    handle.delay("bob", PASSWORD, **GIVEN)
    jobs.submit_many(handle, [["bob", PASSWORD], {"user": "bob", "password": PASSWORD, **GIVEN}])
    assert betrayed(stored()) == []
    with connection.cursor():
        for hook in list(connection.run_on_commit):
            hook[1]()
    assert betrayed(sent(ledger)) == []


def test_a_failure_tells_its_story_without_the_secrets() -> None:
    task_id = handle.delay("bob", PASSWORD, "raise", **GIVEN).id
    run_job(task_id)
    assert betrayed(stored()) == []
    job = Job.objects.get(id=task_id)
    assert job.state == State.FAILURE
    assert f"bob cannot log in with {MASK}: " in job.error
    assert "KeyError" in job.traceback
    assert "secret_tasks.py" in job.traceback
    error = value_of(task_id)
    assert isinstance(error, RuntimeError)
    assert str(error.args[0]).startswith(f"bob cannot log in with {MASK}: ")
    assert error.args[1] == {"password": MASK}


def test_a_retry_stays_sealed_and_gets_the_true_arguments_again(notes: Any) -> None:
    task_id = handle.delay("bob", PASSWORD, "retry", **GIVEN).id
    run_job(task_id)
    assert Job.objects.get(id=task_id).state == State.RETRY
    assert betrayed(stored()) == []
    make_due(task_id)
    run_all()
    assert notes() == [f"bob {number} {digest([PASSWORD, GIVEN])}" for number in (1, 2)]
    assert value_of(task_id) == RETURNED
    assert betrayed(stored()) == []


@pytest.mark.parametrize("what", ["return", "tell"])
def test_a_chain_hands_the_secrets_on(what: str, notes: Any) -> None:
    """Also the one that is a secret only because the first task got it as such."""
    # given
    first, second = handle.s("bob", PASSWORD, what, **GIVEN), take_over.s("ann", PASSWORD)
    result: Any = chain(first, second, take_over.s("eve")).delay()
    assert betrayed(stored()) == []
    # when
    for _ in range(3):
        (job,) = Job.objects.filter(state=State.QUEUED)
        run_job(job.id)
        assert betrayed(stored()) == []
    # then
    told = RETURNED if what == "return" else PASSWORD
    assert notes()[1:] == [f"ann 1 {digest([told, PASSWORD])}", f"eve 1 {digest([told, ''])}"]
    assert value_of(result.id) == told


@pytest.mark.parametrize("what", ["return", "tell"])
@pytest.mark.parametrize("is_nested", [False, True])
def test_a_chord_hands_its_parts_secrets_on(what: str, is_nested: bool, notes: Any) -> None:  # noqa: FBT001
    """The last part, which submits the callback, knows none of them."""
    # given
    parts: list[Any] = [handle.si(who, PASSWORD, what, **GIVEN) for who in ("bob", "ann")]
    if is_nested:
        parts = [chain(tasks.add.si(1, 1), group(parts))]
    result: Any = chord([*parts, tasks.total.si([2])], take_over.s("eve", PASSWORD)).delay()
    assert betrayed(stored()) == []
    # when
    for task in [tasks.add] * is_nested + [handle, handle, tasks.total, take_over]:
        run_job(Job.objects.filter(task=task.name, state=State.QUEUED)[0].id)
        assert betrayed(stored()) == []
    # then
    told = [RETURNED, RETURNED | {"user": "ann"}] if what == "return" else [PASSWORD, PASSWORD]
    expected = value_of(result.id)
    flat = [*expected[0], expected[1]] if is_nested else expected
    assert flat == [*told, 2]
    assert notes()[-1] == f"eve 1 {digest([expected, PASSWORD])}"


def test_callbacks_of_success_and_of_failure_stay_sealed(notes: Any) -> None:
    handle.apply_async(("bob", PASSWORD), GIVEN, link=take_over.s("ann", PASSWORD))
    failing = handle.apply_async(
        ("bob", PASSWORD, "raise"), GIVEN, link_error=take_over.s("eve", PASSWORD)
    )
    while job := Job.objects.filter(state=State.QUEUED).first():
        assert betrayed(stored()) == []
        run_job(job.id)
    assert betrayed(stored()) == []
    assert f"ann 1 {digest([RETURNED, PASSWORD])}" in notes()
    assert f"eve 1 {digest([failing.id, PASSWORD])}" in notes()


def test_a_function_that_is_told_of_a_failure_gets_its_own_secrets_open() -> None:
    heard: list[Any] = []

    @current_app.task(shared=False)
    def hear(request: Any, error: Any, traceback: Any, password: str = "") -> None:
        heard.append(password)

    errback = hear.s(password=PASSWORD)
    failing = handle.apply_async(("bob", PASSWORD, "raise"), link_error=errback)
    assert betrayed(stored()) == []
    run_job(failing.id)
    for hook in list(connection.run_on_commit):
        hook[1]()
    assert heard == [PASSWORD]


def test_headers_of_the_callers_own_are_sealed_and_open_in_the_task() -> None:
    seen: list[Any] = []

    @current_app.task(shared=False, bind=True)
    def look(self: Any) -> None:
        seen.append((self.request.headers["token"], self.request.token, self.request.headers["x"]))

    become_a_worker.cache_clear()
    headers: dict[str, Any] = {"token": PASSWORD, "x": 1}
    task_id = look.apply_async(headers=headers).id
    assert betrayed(stored()) == []
    run_job(task_id)
    assert seen == [(PASSWORD, PASSWORD, 1)]


def test_what_celery_calls_after_the_task_gets_its_arguments_open() -> None:
    heard: list[Any] = []

    class Heard(JobTask):
        def on_success(self, _value: Any, _id: str, args: Any, kwargs: Any) -> None:
            heard.append((list(args), dict(kwargs), list(self.request.args or ())))

    @current_app.task(shared=False, base=Heard)
    def log_in(user: str, password: str, *, token: str) -> None:
        pass

    become_a_worker.cache_clear()
    run_job(log_in.delay("bob", PASSWORD, token=PASSWORD).id)
    assert heard == [(["bob", PASSWORD], {"token": PASSWORD}, ["bob", PASSWORD])]


def test_what_a_task_says_beside_its_result_is_sealed_and_read_open() -> None:
    @current_app.task(shared=False, bind=True)
    def say(self: Any) -> None:
        self.request.meta = {"token": PASSWORD}

    become_a_worker.cache_clear()
    task_id = say.delay().id
    run_job(task_id)
    assert betrayed(stored()) == []
    result: Any = current_app.AsyncResult(task_id)
    assert result._get_task_meta()["token"] == PASSWORD


def test_words_that_the_caller_found_for_the_arguments_are_kept() -> None:
    task_id = handle.apply_async(
        ("bob", PASSWORD), argsrepr=f"(bob, {PASSWORD}, hidden)", kwargsrepr="{}"
    ).id
    headers = json.loads(Job.objects.get(id=task_id).message)["headers"]
    assert (headers["argsrepr"], headers["kwargsrepr"]) == (f"(bob, {MASK}, hidden)", "{}")


def test_a_message_from_elsewhere_is_sealed_as_soon_as_it_has_a_row(notes: Any) -> None:
    embed = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    request = {
        "id": "elsewhere",
        "task": handle.name,
        "root_id": "elsewhere",
        "lang": "py",
        "argsrepr": repr(("bob", PASSWORD)),
        "kwargsrepr": repr(GIVEN),
        "delivery_info": {"exchange": "jobs", "routing_key": "default"},
    }
    perform(handle.name, "elsewhere", request, encode([["bob", PASSWORD], GIVEN, embed]))
    assert value_of("elsewhere") == RETURNED
    assert betrayed(stored()) == []


def test_an_eager_job_leaves_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    changes: Any = current_app.conf.changes
    monkeypatch.setitem(changes, "task_always_eager", value=True)
    echo: Any = tasks.echo
    echo.delay({"password": PASSWORD, "texts": GIVEN})
    with pytest.raises(RuntimeError):
        handle.delay("bob", password=PASSWORD, what="raise", **GIVEN).get()
    found = stored()
    assert "jobs_job" in found
    assert betrayed(found) == []


def test_a_state_of_the_tasks_own_is_sealed_and_read_open() -> None:
    task_id = tasks.add.delay(1, 1).id
    current_app.backend.store_result(task_id, {"password": PASSWORD}, "HALFWAY")
    assert betrayed(stored()) == []
    Job.objects.filter(id=task_id).update(state=State.STARTED)
    assert current_app.AsyncResult(task_id).info == {"password": PASSWORD}


def test_progress_is_masked_before_it_is_cut() -> None:
    @current_app.task(shared=False)
    def report() -> None:
        jobs.report_progress(note=f"{'x' * 240} password={PASSWORD}")

    become_a_worker.cache_clear()
    task_id = report.delay().id
    run_job(task_id)
    note = Job.objects.get(id=task_id).progress_note
    assert note == f"{'x' * 240} password=*****"


def test_pages_show_the_mask() -> None:
    # given
    done = handle.delay("bob", PASSWORD, **GIVEN).id
    failed = handle.delay("bob", PASSWORD, "raise", **GIVEN).id
    long = handle.delay("bob", "x" * 1000, **{f"api_key_{n}": "y" * 100 for n in range(9)}).id
    waiting = handle.delay("bob", PASSWORD, **GIVEN).id
    run_job(done)
    run_job(failed)
    client = client_of(make_operator())
    addresses = ["/jobs/?parts=1", "/dead-letters/"]
    addresses += [f"/jobs/{id_}/{end}" for id_ in (done, failed, long, waiting) for end in ("", "card/", "status/")]  # fmt: skip
    # when
    for address in addresses:
        answer = client.get(address)
        text = answer.content.decode()
        # then
        assert answer.status_code == 200, address
        assert betrayed(text) == [], address
        assert "gAAAA" not in text, address
    assert MASK in client.get(f"/jobs/{done}/status/").json()["result"]["token"]
    assert client.get(f"/jobs/{waiting}/").content.decode().count(MASK) > 1


def test_a_job_whose_key_is_lost_fails_with_one_sentence_and_can_be_retried(notes: Any) -> None:
    # given
    with override_settings(SECRET_KEY="an-old-key-" * 5):
        task_id = handle.delay("bob", PASSWORD).id
        part = handle.s("ann", PASSWORD)
        joined: Any = chord([part], take_over.s("eve", PASSWORD)).delay()
    # when
    ran = run_all()
    # then
    job = Job.objects.get(id=task_id)
    assert ran == ["handle", "handle"]
    assert (job.state, job.error_type) == (State.FAILURE, "SealBrokenError")
    assert job.error.startswith("A secret cannot be opened: it was sealed under a SECRET_KEY that")
    assert Job.objects.get(id=joined.id).state == State.FAILURE
    assert notes() == []
    with override_settings(SECRET_KEY_FALLBACKS=["an-old-key-" * 5]):
        jobs.retry_job(task_id)
        run_all()
        assert value_of(task_id) == {"token": PASSWORD, "texts": [], "user": "bob"}


def test_a_result_whose_key_is_lost_says_so_to_who_reads_it() -> None:
    with override_settings(SECRET_KEY="an-old-key-" * 5):
        task_id = handle.delay("bob", PASSWORD).id
        run_all()
    with pytest.raises(Exception, match="A secret cannot be opened"):
        value_of(task_id)
    assert jobs.job_status(task_id).result["token"] == MASK


def test_the_next_job_in_a_worker_knows_nothing_of_the_last_ones_secrets() -> None:
    handle.delay("bob", PASSWORD)
    run_all()
    assert mask_text(PASSWORD) == PASSWORD


def test_dispatcher_and_pages_never_open_anything() -> None:
    handle.apply_async(("bob", PASSWORD), link=take_over.s("ann", PASSWORD))
    request = request_of(Job.objects.get())
    assert request.args[0] == "bob"
    assert isinstance(request.args[1], Sealed)
    assert PASSWORD not in repr(vars(request))


def test_a_chords_row_holds_its_callback_sealed() -> None:
    chord([tasks.add.s(1, 1)], take_over.s("eve", PASSWORD)).delay()
    assert "sealed" in Chord.objects.get().body
