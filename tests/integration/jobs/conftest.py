import pytest

from tests.integration.jobs.ledger import Ledger
from tests.stacks import Stack


@pytest.fixture
def ledger(stack: Stack) -> Ledger:
    return Ledger(stack)
