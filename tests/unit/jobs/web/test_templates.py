"""What the Content-Security-Policy forbids is in no template and no script."""

import re
from pathlib import Path

import pytest

import celery_uncovered

ROOT = Path(celery_uncovered.__file__).parent
TEMPLATES = sorted(ROOT.glob("*/templates/**/*.html"))
SCRIPTS = sorted(ROOT.glob("*/static/**/*.js"))
INLINE = (
    r"<style",
    r"\sstyle\s*=",
    r"\son[a-z]+\s*=\s*[\"']",
    r"javascript:",
    r"<script(?![^>]*\ssrc=)",
    r"(?:src|href)=[\"']https?:",
    r"(?:src|href)=[\"']//",
)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_nothing_inline_and_nothing_from_elsewhere(template: Path) -> None:
    text = template.read_text()
    assert [pattern for pattern in INLINE if re.search(pattern, text, re.IGNORECASE)] == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_builds_no_code_and_no_inline_style(script: Path) -> None:
    text = script.read_text()
    assert re.findall(r"\beval\(|new Function|\.style\b|setAttribute\(\"style\"", text) == []


def test_there_are_templates_and_scripts() -> None:
    assert len(TEMPLATES) > 15
    assert len(SCRIPTS) > 1
