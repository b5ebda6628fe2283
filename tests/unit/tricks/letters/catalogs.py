"""Reading translations: the text that people write, and what is made of it for programs."""

import ast
import gettext
from pathlib import Path

from celery_uncovered.tricks import letters

FOLDER = Path(letters.__file__).parents[1] / "locale"
LANGUAGES = sorted(path.name for path in FOLDER.iterdir())

#: A message's key as gettext's own catalogue has it: its text, or its text and the number of a form.
Catalog = dict[str | tuple[str, int], str]


def written(language: str) -> Catalog:
    """What ``django.po`` says."""
    found: Catalog = {}
    for block in path_of(language, "po").read_text(encoding="utf-8").split("\n\n"):
        fields = _fields(block)
        if "msgid_plural" in fields:
            forms = [name for name in fields if name.startswith("msgstr[")]
            found |= {(fields["msgid"], int(name[7:-1])): fields[name] for name in forms}
        elif "msgid" in fields:
            found[fields["msgid"]] = fields["msgstr"]
    return found


def compiled(language: str) -> Catalog:
    """What ``django.mo`` says."""
    with path_of(language, "mo").open("rb") as file:
        catalog: Catalog = vars(gettext.GNUTranslations(file))["_catalog"]
    return catalog


def path_of(language: str, kind: str) -> Path:
    return FOLDER / language / "LC_MESSAGES" / f"django.{kind}"


def _fields(block: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in block.splitlines():
        if line.startswith("msg"):
            name, _, text = line.partition(" ")
            fields[name] = ast.literal_eval(text)
        elif line.startswith('"'):
            fields[name] += ast.literal_eval(line)
    return fields
