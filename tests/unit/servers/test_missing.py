"""A missing server skips a test, and fails it under CI."""

import pytest

from tests.servers.missing import newest

PATTERN = "no-such-server/*/bin/serve"


def test_a_test_whose_server_is_missing_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="make test installs them as root"):
        newest(PATTERN, "NoSuchServer")


def test_under_ci_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="NoSuchServer is missing"):
        newest(PATTERN, "NoSuchServer")
