"""The translations are whole, and what is compiled is what is written."""

import ast
import re
from pathlib import Path

import pytest
from django.utils import translation

from celery_uncovered.tricks import letters
from celery_uncovered.tricks.letters.views import LANGUAGES as OFFERED
from tests.unit.tricks.letters.catalogs import LANGUAGES, compiled, written

HEADER = ""
PLACES = re.compile(r"%\(\w+\)[sd]")


def test_each_language_of_the_page_but_english_has_its_translations() -> None:
    assert set(LANGUAGES) == set(OFFERED) - {"en-gb"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    """After a change: ``msgfmt -o django.mo django.po`` in the language's folder."""
    assert compiled(language) == written(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_the_letters_is_translated_with_its_places(language: str) -> None:
    catalog = written(language)
    texts = {key if isinstance(key, str) else key[0] for key in catalog} - {HEADER}
    assert texts == texts_in_the_code()
    assert f"Language: {language}\n" in catalog[HEADER]
    for key, text in catalog.items():
        assert text
        if isinstance(key, str) and key:
            assert sorted(PLACES.findall(text)) == sorted(PLACES.findall(key))


def texts_in_the_code() -> set[str]:
    """The first argument of each call of a function of gettext."""
    found = set()
    for path in Path(letters.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                first = node.args[0] if node.args else None
                if node.func.id in {"gettext", "ngettext", "gettext_noop"} and isinstance(
                    first, ast.Constant
                ):
                    found.add(str(first.value))
    return found


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "لا توجد فعاليات في انتظارك."),
        (2, "فعاليتان في انتظارك."),
        (3, "3 فعاليات في انتظارك."),
        (11, "11 فعالية في انتظارك."),
    ],
)
def test_arabic_counts_in_its_own_ways(count: int, text: str) -> None:
    with translation.override("ar"):
        found = translation.ngettext(
            "%(count)d event is waiting for you.", "%(count)d events are waiting for you.", count
        )
    assert found % {"count": count} == text
