import pytest

from celery_uncovered.error_mails import keeper as keeper_module
from celery_uncovered.error_mails.keeper import Keeper
from tests.unit.error_mails.help import FakeDesk
from tests.unit.jobs.conftest import committed_ledger, ledger, sent

__all__ = ["committed_ledger", "ledger", "sent"]


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
def keeper(desk: FakeDesk, monkeypatch: pytest.MonkeyPatch) -> Keeper:
    """The keeper of the test's process, with a desk that stands for the database."""
    made = Keeper(desk)
    monkeypatch.setattr(keeper_module, "_keeper", made)
    monkeypatch.setattr(keeper_module, "GATHER_SECONDS", 0.02)
    return made
