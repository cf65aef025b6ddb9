"""A file of npubs: read from whatever a spreadsheet or a database wrote, and refused whole when a line is bad."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from flags.domain.upload import MAX_FILE_BYTES, read_file, safe_cell


@pytest.mark.parametrize(
    ("content", "npubs"),
    [
        (b"npub1a\nnpub1b\n", ("npub1a", "npub1b")),
        (b"npub1a\r\n\r\n  npub1b  \r\n", ("npub1a", "npub1b")),
        (b"\xef\xbb\xbfnpub\nnpub1a\n", ("npub1a",)),
        ("npub\nnpub1a\n".encode("utf-16"), ("npub1a",)),
        (b'"npub1a"\n"npub1b"\n', ("npub1a", "npub1b")),
        (b"id,npub,country\n1,npub1a,DE\n2,npub1b,FR\n", ("npub1a", "npub1b")),
        (b'npub;name\nnpub1a;"M\xc3\xbcller; Max"\n', ("npub1a",)),
        (b"name\tnpub\nMax\tnpub1a\n", ("npub1a",)),
        (b"npub1a,DE\n", ()),
    ],
)
def test_text_csv_and_tsv_are_read_with_and_without_a_heading(content: bytes, npubs: tuple[str, ...]) -> None:
    assert read_file(content).npubs == npubs


def test_of_several_columns_without_a_heading_that_says_npub_one_is_to_be_chosen() -> None:
    content = b"account,owner\nnpub1a,Max\nnpub1b,Eva\n"
    assert read_file(content).columns == ("account", "owner")
    assert read_file(content, column="account").npubs == ("npub1a", "npub1b")
    assert read_file(b"1,npub1a\n2,npub1b\n").columns == ("1", "2")
    assert read_file(b"1,npub1a\n2,npub1b\n", column="2").npubs == ("npub1a", "npub1b")
    with pytest.raises(Invalid, match="no column 'x'; there are account, owner") as refusal:
        read_file(content, column="x")
    assert refusal.value.field == "column"


def test_every_bad_line_is_told_with_its_number_and_why() -> None:
    lines = ["npub", "npub1a", "x" * 201, "npub1 b", "npub1\x01c", "npub1a", "npub1d"]
    found = read_file("\n".join(lines).encode())
    assert [(bad.number, bad.why) for bad in found.bad] == [
        (3, "has 201 characters; an npub has at most 200"),
        (4, "has a blank inside"),
        (5, "has characters that cannot be printed"),
    ]
    assert (found.npubs, found.duplicates) == (("npub1a", "npub1d"), ("npub1a",))


def test_of_many_bad_lines_the_first_hundred_are_told_and_all_are_counted() -> None:
    found = read_file(b"a b\n" * 5_000)
    assert (len(found.bad), found.bad_total) == (100, 5_000)


def test_a_row_without_the_column_is_a_bad_line() -> None:
    found = read_file(b"name,npub\nMax,npub1a\nEva\n")
    assert [(bad.number, bad.why) for bad in found.bad] == [(3, "has nothing in this column")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"npub1a\nM\xfcller\n", r"Line 2 is not in UTF-8 \(byte 0xfc\): save the file as CSV in UTF-8"),
        (b"PK\x03\x04\x00\x00", "not as a workbook"),
        (b"a" * (MAX_FILE_BYTES + 1), "at most 12 MB"),
        (b'npub,x\n"npub1a\n' + b"y" * 200_000, "is no CSV"),
    ],
)
def test_a_file_that_is_no_list_says_what_to_do(content: bytes, words: str) -> None:
    with pytest.raises(Invalid, match=words) as refusal:
        read_file(content)
    assert refusal.value.field == "file"


@given(st.lists(st.text(st.characters(categories=["L", "N", "P", "S"], max_codepoint=0x2FFF), min_size=1, max_size=30)))
def test_what_is_downloaded_is_read_back_and_no_cell_is_a_formula(units: list[str]) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerows([["npub"], *([safe_cell(unit)] for unit in units)])
    assert not any(line.startswith(("=", "+", "-", "@")) for line in stream.getvalue().splitlines())
    if units:
        found = read_file(stream.getvalue().encode())
        assert (list(found.npubs), found.bad) == (list(dict.fromkeys(units)), ())
