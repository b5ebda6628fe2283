import pytest


@pytest.fixture(autouse=True)
def files_in_a_folder_of_the_tests_own(artifact_folder: object) -> None:
    """See the fixture of all jobs."""
