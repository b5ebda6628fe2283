"""Secrets in JSON are sealed and opened again; everything else stays as it is."""

import json
import pickle
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import override_settings
from kombu.utils.json import dumps, loads

from celery_uncovered.jobs.errors import SealBrokenError
from celery_uncovered.jobs.masking import MASK
from celery_uncovered.jobs.masking.known import forget_secrets, learn_secrets
from celery_uncovered.jobs.sealing import (
    Sealed,
    holds_sealed,
    opened,
    seal,
    seal_body,
    seal_signature,
    seal_value,
    secret_positions,
    shown,
    shown_start,
)
from celery_uncovered.jobs.sealing.sealer import NOTHING_FOLLOWS
from tests.support.app import secret_tasks, tasks
from tests.support.secrets import Planted, planted, with_check_digit

EMBED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
MOMENT = datetime(2026, 5, 31, tzinfo=UTC)
OLD, NEW = "an-old-key-" * 5, "a-new-key-" * 5


def body_of(*args: Any, **kwargs: Any) -> str:
    return dumps([args, kwargs, EMBED], ensure_ascii=False)


@pytest.mark.parametrize("secret", planted(), ids=lambda secret: secret.kind)
def test_a_secret_of_this_kind_is_sealed_and_comes_back(secret: Planted) -> None:
    # given
    value = {"deep": [{"text": secret.text}], "number": 1}
    # when
    sealed = seal(json.dumps(value))
    # then
    assert secret.needle not in sealed
    assert opened(loads(sealed)) == value
    assert shown(sealed)["number"] == 1
    assert secret.needle not in json.dumps(shown(sealed))


@pytest.mark.parametrize(
    "value",
    [
        "hunter2",
        5,
        ["a", {"b": None}],
        {"user": "bob", "at": MOMENT},
        MOMENT,
        uuid.UUID(int=7),
        b"\xff\x00",
        "Zürich \U0001f600",
    ],
    ids=repr,
)
def test_whatever_stands_under_a_secret_name_is_sealed_whole(value: Any) -> None:
    sealed = seal_body(body_of(password=value))
    assert json.loads(sealed)[1].keys() == {"password"}
    assert json.loads(sealed)[1]["password"].keys() == {"__type__", "__value__"}
    assert opened(loads(sealed))[1] == {"password": value}
    assert shown(sealed)[1] == {"password": MASK}


@pytest.mark.parametrize(
    "text",
    [
        body_of(),
        body_of(1, "text", [None, True, 2.5], user="bob", at=MOMENT),
        body_of(author="ann", unique_key="k", tokens_used=5, password=None, token=""),
        body_of("it said password is required", key="value"),
        body_of(id=uuid.UUID(int=7), raw=b"bytes", number=10**14),
    ],
)
def test_a_body_without_secrets_is_the_very_same_text(text: str) -> None:
    assert seal_body(text) is text


@pytest.mark.parametrize("text", ["1", "null", '"a"', "true", "[1, 2]", '{"author": "ann"}'])
def test_a_result_without_secrets_is_the_very_same_text(text: str) -> None:
    assert seal(text) is text


def test_the_constant_end_of_most_bodies_is_what_celery_writes() -> None:
    assert body_of().endswith(NOTHING_FOLLOWS)


def test_arguments_at_the_places_of_secret_parameters_are_sealed() -> None:
    # given
    positions = secret_positions(secret_tasks.handle)
    assert positions == {1}
    assert secret_positions(secret_tasks.handle.name) == {1}
    assert secret_positions(tasks.add) == secret_positions("no.such.task") == frozenset()
    # when
    sealed = seal_body(body_of("bob", "x.y.z", "raise"), positions)
    # then
    assert json.loads(sealed)[0][::2] == ["bob", "raise"]
    assert opened(loads(sealed))[0] == ["bob", "x.y.z", "raise"]
    assert seal_body(body_of("bob"), positions) == body_of("bob")


def test_arguments_of_the_tasks_that_follow_are_sealed_by_their_places_too() -> None:
    # given a result comes before the arguments of one, and none before those of the other
    after: dict[str, Any] = {"task": secret_tasks.handle.name, "args": ["x.y.z", "raise"]}
    alone = {"task": secret_tasks.handle.name, "args": ["bob", "x.y.z"], "immutable": True}
    body = [[], {}, EMBED | {"chain": [alone], "callbacks": [{"options": {"link": [after]}}]}]
    # when
    sealed = seal_body(json.dumps(body))
    # then
    assert "x.y.z" not in sealed
    assert "bob" in sealed
    assert "raise" in sealed
    assert opened(loads(sealed)) == body
    assert "x.y.z" not in seal_signature(json.dumps(after))


def test_arguments_that_a_task_is_mapped_over_are_sealed_by_their_places() -> None:
    task = {"task": secret_tasks.handle.name, "args": [], "kwargs": {}}
    body = [[], {"task": task, "it": [["bob", "x.y.z"], ["ann", "x.y.z"]]}, EMBED]
    sealed = seal_body(json.dumps(body))
    assert "x.y.z" not in sealed
    assert "ann" in sealed
    assert opened(loads(sealed)) == body


def test_a_secret_is_sealed_wherever_else_it_stands_beside_its_name() -> None:
    body = body_of("bob", "hunter2xyz", ["hunter2xyz"], 1234567, again="it is hunter2xyz", pin=5)
    with_number = json.dumps([[1234567, "12345678"], {"token": 1234567}, EMBED])
    for text, positions in ((body, frozenset({1})), (with_number, frozenset())):
        sealed = seal_body(text, positions)
        assert "hunter2xyz" not in sealed
        assert opened(loads(sealed)) == json.loads(text)
    assert json.loads(seal_body(body, frozenset({1})))[1]["pin"] == 5
    assert seal_body(with_number).count("1234567") == 0


def test_a_dict_with_a_secret_for_a_key_is_sealed_whole() -> None:
    secret = next(one for one in planted() if one.kind == "github")
    value = {"by token": {secret.needle: 1}}
    sealed = seal(json.dumps(value))
    assert secret.needle not in sealed
    assert opened(loads(sealed)) == value


def test_a_card_is_sealed_as_a_number_too() -> None:
    card = int(with_check_digit("411111111111111"))
    assert opened(loads(seal(str(card)))) == card
    assert str(card) not in seal(f"[{card}]")


def test_what_kombu_writes_in_its_own_way_is_sealed_with_its_type() -> None:
    secret = next(one for one in planted() if one.kind == "jwt")
    value = {"raw": secret.whole.encode(), "at": MOMENT}
    sealed = seal(dumps(value))
    assert secret.needle not in sealed
    assert opened(loads(sealed)) == value
    assert shown(sealed) == {"raw": MASK, "at": MOMENT}


def test_what_is_sealed_is_not_sealed_again() -> None:
    sealed = seal_body(body_of("bob", "x.y.z", token="a.b.c"), frozenset({1}))
    assert seal_body(sealed, frozenset({1})) is sealed
    assert dumps(loads(sealed), ensure_ascii=False) == sealed


def test_a_value_too_deep_to_be_taken_apart_is_sealed_whole() -> None:
    deep = f"{'[' * 900}1{']' * 900}"
    text = f'[[{deep}, 1], {{"token": "a.b.c", "deep": {deep}}}, {{}}]'
    sealed = seal_body(text)
    assert "a.b.c" not in sealed
    args, kwargs, _ = json.loads(sealed)
    assert opened(args[1]) == 1
    assert opened(kwargs["token"]) == "a.b.c"
    assert holds_sealed(seal(f'{{"token": "a.b.c", "deep": {deep}}}'))


def test_the_secrets_of_the_job_that_runs_are_sealed_in_what_it_makes() -> None:
    learn_secrets(["hunter2xyz", 1234567])
    try:
        for value in ("I am hunter2xyz", ["hunter2xyz"], 1234567):
            sealed = seal(json.dumps(value))
            assert holds_sealed(sealed), value
            assert opened(loads(sealed)) == value
    finally:
        forget_secrets()
    assert not holds_sealed(seal('"hunter2xyz"'))


def test_a_sealed_secret_shows_nothing_and_survives_the_way_to_a_child() -> None:
    sealed = loads(seal('{"token": "a.b.c"}'))["token"]
    assert isinstance(sealed, Sealed)
    assert (str(sealed), repr(sealed), f"{sealed}") == (MASK, repr(MASK), MASK)
    assert pickle.loads(pickle.dumps(sealed)) == sealed  # noqa: S301  # our own


def test_a_marker_is_found_in_what_brokers_give() -> None:
    text = seal('{"token": "a.b.c"}')
    assert holds_sealed(text)
    assert holds_sealed(text.encode())
    assert holds_sealed(memoryview(text.encode()))
    assert not holds_sealed(b'{"token": "a.b.c"}')


def test_a_value_is_sealed_and_opened_without_text() -> None:
    value = {"tenant": "a", "api_key": "a.b.c"}
    sealed = seal_value(value)
    assert sealed["tenant"] == "a"
    assert "a.b.c" not in json.dumps(sealed)
    assert opened(sealed) == value
    assert seal_value({"tenant": "a"}) == {"tenant": "a"}


def test_the_key_may_change_while_the_old_one_is_a_fallback() -> None:
    with override_settings(SECRET_KEY=OLD):
        sealed = seal('{"token": "a.b.c"}')
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[OLD]):
        assert opened(loads(sealed)) == {"token": "a.b.c"}
        newer = seal('{"token": "a.b.c"}')
    with override_settings(SECRET_KEY=NEW):
        assert opened(loads(newer)) == {"token": "a.b.c"}
        with pytest.raises(
            SealBrokenError, match=r"^A secret cannot be opened: .* SECRET_KEY_FALLBACKS\.$"
        ):
            opened(loads(sealed))
        assert shown(sealed) == {"token": MASK}


@pytest.mark.parametrize("token", ["", "junk", "gAAAA", None, 5])
def test_a_token_that_is_none_is_refused_in_one_sentence(token: Any) -> None:
    with pytest.raises(SealBrokenError):
        opened(loads(json.dumps({"__type__": "sealed", "__value__": token})))


def test_a_process_that_meets_no_secret_does_not_load_the_library() -> None:
    source = "import django; django.setup(); import sys; from celery_uncovered.jobs import api; print('cryptography' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_the_start_of_a_text_shows_no_token_wherever_it_is_cut() -> None:
    text = seal_body(body_of("bob", api_key="a.b.c", name="ann"))
    token = json.loads(text)[1]["api_key"]["__value__"]
    for end in range(len(text)):
        start = shown_start(text[:end])
        assert not any(token[:length] in start for length in range(6, len(token)))
    assert shown_start(text).startswith(f'[["bob"], {{"api_key": "{MASK}", "name": "ann"}}')


def test_what_was_stored_before_there_were_seals_is_masked_all_the_same() -> None:
    assert shown('[["bob"], {"password": "hunter2"}]') == [["bob"], {"password": MASK}]
