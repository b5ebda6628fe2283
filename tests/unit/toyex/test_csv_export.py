import csv
import io
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from celery_uncovered.toyex.github import Repository
from celery_uncovered.toyex.report import group, top, undo_prefix, write_csv
from celery_uncovered.toyex.report.csv_export import harmless
from tests.unit.toyex.examples import patient, repository

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
nasty = st.text("'\"=+-@\t\r\n ,;\uff1d\uff0b\uff0d\uff20\x00\ud800\u202e\ufeffa") | st.text(
    st.characters(exclude_categories=())
)


def written(*some: Repository, by: str = "topic") -> bytes:
    file = io.BytesIO()
    write_csv(group(top(some), by), file)
    return file.getvalue()


def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))


def storable(text: str) -> str:
    return "".join(
        "\ufffd" if char == "\x00" or 0xD800 <= ord(char) <= 0xDFFF else char for char in text
    )


def test_the_header_is_exact() -> None:
    assert written() == (
        b"group,rank,full_name,stars,forks,language,topics,created,url,description\r\n"
    )


def test_a_row_has_every_column_in_order() -> None:
    one = repository(topics=("cli", "web"), description='Says "hi", twice\nor more')
    assert written(one, by="language").partition(b"\r\n")[2] == (
        b'"Python",1,"owner/name-1",10,2,"Python","cli;web","2026-05-03T10:00:00Z",'
        b'"https://github.com/owner/name-1","Says ""hi"", twice\nor more"\r\n'
    )


def test_there_is_one_row_for_each_repository_and_group() -> None:
    rows = read(written(repository(1, topics=("a", "b")), repository(2, topics=("b",))))[1:]
    assert [row[:3] for row in rows] == [
        ["b", "1", "owner/name-1"],
        ["b", "2", "owner/name-2"],
        ["a", "1", "owner/name-1"],
    ]


@pytest.mark.parametrize("separators", [",;", ",\t", ",;\t"])
def test_a_reader_that_splits_at_more_than_commas_sees_the_same_cells(separators: str) -> None:
    one = repository(topics=("cli", "=1+1"), description="a;=1+1\t=1+1")
    text = written(one, by="language").decode()
    [row] = cells_split_at(separators, text.partition("\r\n")[2])
    assert row == read(text.encode())[1]


def cells_split_at(separators: str, text: str) -> list[list[str]]:
    """Cells as a spreadsheet reads them: outside of quotes each of ``separators`` ends a cell."""
    line, *rest = re.split("\r\n", text)
    assert rest == [""]
    found = re.findall(f'"((?:[^"]|"")*)"[{separators}]?|([^"{separators}]*)[{separators}]', line)
    return [[(quoted or plain).replace('""', '"') for quoted, plain in found]]


def test_null_is_an_empty_cell() -> None:
    [row] = read(written(repository(language=None, description=None, topics=())))[1:]
    assert (row[0], row[5], row[6], row[9]) == ("(none)", "", "", "")


def test_utf_8_has_no_byte_order_mark() -> None:
    data = written(repository(description="模型 🚀 שלום"))
    assert data.startswith(b"group")
    assert "模型 🚀 שלום".encode() in data


@pytest.mark.parametrize("char", DANGEROUS)
def test_a_cell_that_would_run_gets_one_quote(char: str) -> None:
    [row] = read(written(repository(full_name=f"{char}x", description=f"{char}1+1")))[1:]
    assert row[2] == f"'{char}x"
    assert row[9] == f"'{char}1+1"


@pytest.mark.parametrize(
    "text", ["it's", "'quoted'", " =1", "\n=1", '"=1"', "a=1", "\u200b=1", "\u202e=1", "'", ""]
)
def test_a_cell_that_a_spreadsheet_takes_as_text_is_unchanged(text: str) -> None:
    [row] = read(written(repository(description=text)))[1:]
    assert row[9] == text


def test_a_quote_before_a_formula_is_told_from_one_that_was_added() -> None:
    assert [harmless(text) for text in ("=1", "'=1", "''=1")] == ["'=1", "''=1", "'''=1"]
    assert [undo_prefix(cell) for cell in ("'=1", "''=1", "'x", "x")] == ["=1", "'=1", "'x", "x"]


def test_numbers_stay_numbers() -> None:
    [row] = read(written(repository(stars=0, forks=0)))[1:]
    assert (row[1], row[3], row[4]) == ("1", "0", "0")


@patient
@given(nasty)
@example("\x00")
@example("\ud800")
@example("'\t")
@example("\r\n")
def test_any_text_comes_back_unchanged_and_runs_nowhere(text: str) -> None:
    """Through a file and the csv module; only NUL and half characters become U+FFFD."""
    one = repository(
        full_name=text, description=text, language=text, topics=(text,), created=text, url=text
    )
    data = written(one)
    header, row = read(data)
    assert ",".join(header) == (
        "group,rank,full_name,stars,forks,language,topics,created,url,description"
    )
    assert not any(cell.startswith(DANGEROUS) for cell in row)
    back = [undo_prefix(cell) for cell in row]
    wanted = storable(text)
    assert back[2] == back[5] == back[6] == back[7] == back[8] == back[9] == wanted
    assert back[0] == (wanted or "(none)")
    assert data.endswith(b"\r\n")


@patient
@given(nasty)
def test_making_a_text_harmless_can_be_undone_and_only_adds_a_quote(text: str) -> None:
    wanted = storable(text)
    assert harmless(text) in {wanted, f"'{wanted}"}
    assert undo_prefix(harmless(text)) == wanted
