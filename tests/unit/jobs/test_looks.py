"""The looks of an idle dispatcher read an index of few rows, however many wait for other things."""

import pytest
from django.db import connection
from django.utils import timezone

from celery_uncovered.jobs import looks
from celery_uncovered.workflows.engine import timers


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("look", "index"),
    [
        (looks.DUE, "job_due"),
        (looks.UNPUBLISHED, "job_unpublished"),
        (looks.EXPIRED, "job_expiring"),
        (timers.DUE, "wait_due"),
    ],
)
def test_a_look_reads_the_index_of_what_it_looks_for(look: str, index: str) -> None:
    text = looks._text(look, connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {text}", [str(timezone.now())])
        [row] = cursor.fetchall()
    assert f"USING INDEX {index}" in row[-1]


@pytest.mark.parametrize("vendor", ["sqlite", "postgresql"])
def test_only_sqlite_is_told_which_index(vendor: str) -> None:
    assert ("INDEXED BY job_due" in looks._text(looks.DUE, vendor)) == (vendor == "sqlite")
    assert "{" not in looks._text(looks.DUE, vendor)
