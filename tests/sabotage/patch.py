"""A patch file: the behaviours that it breaks in its first line, a diff below."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

HEADER = "Behaviours:"


class BadPatchError(Exception):
    """The patch proves nothing: it has no header, does not apply, or breaks the collection."""


@dataclass(frozen=True, kw_only=True)
class Patch:
    name: str
    path: Path
    behaviours: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> "Patch":
        first = path.read_text().partition("\n")[0].lstrip("# ")
        numbers = tuple(first.removeprefix(HEADER).replace(",", " ").split())
        if not first.startswith(HEADER) or not numbers:
            message = f'its first line must be "{HEADER} J1 J6", not "{first}"'
            raise BadPatchError(message)
        return cls(name=path.stem, path=path, behaviours=numbers)

    def apply(self, tree: Path) -> None:
        done = subprocess.run(
            ["git", "apply", "--whitespace=nowarn", str(self.path.resolve())],
            cwd=tree,
            # The copy is no repository, and must not be taken for a part of one around it.
            env={**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            message = f"it does not apply: {done.stderr.strip().splitlines()[0]}"
            raise BadPatchError(message)
