"""The tables stay small, and what waits to be mailed stays in them."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from celery_uncovered.error_mails import tidy
from celery_uncovered.error_mails.models import Keeper, Kind, Mail, Part

pytestmark = pytest.mark.django_db

NOW = timezone.now()
OLD = NOW - tidy.KEPT - timedelta(hours=1)


def kind(name: str, last_at: Any = NOW, **fields: Any) -> Kind:
    return Kind.objects.create(fingerprint=name, first_at=OLD, last_at=last_at, **fields)


def mail(name: str, created_at: Any = NOW, sent_at: Any = NOW) -> Mail:
    fields = {"subject": name, "body": "", "short_body": "", "round": 1}
    return Mail.objects.create(message_id=name, created_at=created_at, sent_at=sent_at, **fields)


def left() -> set[str]:
    kinds = Kind.objects.values_list("fingerprint", flat=True)
    return {*kinds, *Mail.objects.values_list("message_id", flat=True)}


def test_what_is_old_goes_unless_it_waits() -> None:
    kind("new kind")
    kind("old kind", OLD)
    kind("old kind that waits", OLD, waiting=1)
    mail("new mail")
    old = mail("old mail", OLD)
    Part.objects.create(mail=old, kind=kind("told of"), count=1, first_at=NOW, last_at=NOW)
    mail("old mail that waits", OLD, None)
    Keeper.objects.create(id="new", number=1)
    Keeper.objects.create(id="old", number=1, seen_at=NOW - timedelta(days=2))
    assert tidy.remove_old() == 3
    assert left() == {
        *("new kind", "old kind that waits", "told of"),
        *("new mail", "old mail that waits"),
    }
    assert not Part.objects.exists()
    assert Keeper.objects.get().id == "new"


def test_only_so_many_are_kept_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BATCH", "KEPT_MAILS", "KEPT_KINDS"):
        monkeypatch.setattr(tidy, name, 3)
    for number in range(10):
        mail(f"mail {number}")
        kind(f"kind {number}", NOW + timedelta(seconds=number), waiting=int(number == 0))
    assert tidy.remove_old() == 13
    kept = {f"{what} {number}" for what in ("mail", "kind") for number in (7, 8, 9)}
    assert left() == {*kept, "kind 0"}
