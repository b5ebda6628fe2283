from tests.unit.jobs.conftest import ledger, sent

__all__ = ["ledger", "sent"]
