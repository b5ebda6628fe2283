"""The tests that do not apply, each with its reason: ``skips.txt``."""

from pathlib import Path

FILE = Path(__file__).with_name("skips.txt")


def reasons() -> dict[str, str]:
    """The reason by the test's name, ``class::test`` or ``class::test[parameters]``.

    In the file a reason stands indented below the tests that it is for.
    """
    found: dict[str, str] = {}
    names: list[str] = []
    for line in FILE.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            names = []
        elif line.startswith(" "):
            found |= {name: f"{found.get(name, '')} {line.strip()}".strip() for name in names}
        else:
            names.append(line.strip())
    return found
