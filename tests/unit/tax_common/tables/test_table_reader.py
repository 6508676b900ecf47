"""Tests of tables that people and programs export in unusual forms, read by the client and by `POST /`."""

import io

import pytest

from income_tax.households.table_rows import read_rows
from income_tax.households.validation import ParameterError
from tax_client.taxpayers.reader import BadLine, Reader, Taxpayer
from tax_client.user_errors import UserError
from tax_common.tables.table_reader import COMMENTS_MAX

HEADER = "id,married,children,salary\n"
Salaries = list[tuple[int, int] | None]


def read(text: str | bytes) -> Salaries:
    """Return the id and the salary of each taxpayer of a file, and None for each bad line."""
    content = text if isinstance(text, bytes) else text.encode()
    lines = Reader(io.BytesIO(content))
    return [(line.id, line.salary) if isinstance(line, Taxpayer) else None for line in lines]


def refuse(text: str | bytes) -> str:
    """Return the sentence that refuses a file as a whole."""
    with pytest.raises(UserError) as caught:
        read(text)
    return str(caught.value).removeprefix("taxpayers file: ")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("Export 2024\nsalary,married,children,id\n30000,yes,2,17\n", "line 1 [Export 2024] is neither a header nor"),
        ("salaire brut,marié(e),nb enfants,matricule\n30000,oui,2,17\n", "line 1 [salaire brut,marié(e),nb enfants,"),
        ("id;marié;enfants;salaire;2024\n1;oui;2;5\n", "line 1 is a header with wrong columns (unknown [2024])"),
        ("# salary,married,children,id\n30000,yes,2,17\n", "line 1 is a header behind a #: remove the #"),
        ("# wage,wed,kids,ref\n30000,yes,2,17\n", "line 1 looks like a header behind a #: remove the #"),
        ("1,perhaps,2,5\n", "(field [married]: expected yes, no, oui or non, found [perhaps])"),
        ("sep=|\nid|married|children|salary\n", "line 1: expected one of the separators , and ; and tab, found [|]"),
        ("# a,b,c,d\n" * (COMMENTS_MAX + 1) + HEADER, "more than 100 lines before the header begin with #"),
        (b"\xff\xfei\0d\0", "the content is text in UTF-16: save it as UTF-8"),
        ("1,yes,2,5\n".encode("utf-16-le"), "the content is text in UTF-16 without a byte order mark"),
        ("id;marié\n".encode("cp1252"), "on line 1, the byte 0xE9 is [é] in Windows-1252: save it as UTF-8"),
        (b"PK\x03\x04\x14\0", "the content is a ZIP archive, such as an .xlsx or .ods spreadsheet: export the sheet"),
        ("1,yes,2,5\r2,no,0,5\r", "the lines of the content end with CR alone"),
        ("id,married,children,salary\r1,yes,2,5\r\n", "the lines of the content end with CR alone"),
        ('id,"married,children,salary\n1,yes,2,5\n', "(expected a closing quote at the end of each quoted cell"),
        ('[\n{"id":1}\n]', "the content is a JSON array, not a table"),
        (b"id,married,children,salary\n1,yes,2,5\0\n", "the content is not text"),
    ],
)
def test_a_first_line_that_names_no_columns_is_refused(content: str | bytes, found: str) -> None:
    """A file is refused as a whole, by a sentence that names its kind, if its columns are unknown."""
    assert found in refuse(content)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("1,yes,2,50000\nsalary,married,children,id\n30000,yes,2,17\n", [(1, 50_000), (17, 30_000)]),
        (HEADER + "1,no,0,5\nsalaire;marié;enfants;id\n30000;oui;2;17\n", [(1, 5), (17, 30_000)]),
        (
            HEADER + "1,no,0,5\nsalary,married,kids,id\n30000,yes,2,17\n" + HEADER + "2,no,0,7\n",
            [(1, 5), None, None, (2, 7)],
        ),
        (HEADER + "1,no,0,5\nwage,wed,kids,no\n30000,yes,2,17\n", [(1, 5), None, None]),
        (HEADER + "1,no,0,5\n# salary,married,children,id\n30000,yes,2,17\n", [(1, 5), None, None]),
        (HEADER + "1,no,0,5\n# salary;married;children;id\n30000,yes,2,17\n", [(1, 5), None, None]),
        (HEADER + "1,no,0,5\nsalaire brut,situation,2024,matricule\n30000,yes,2,17\n", [(1, 5), None, None]),
        (HEADER + "1,no,0,5\nbrut,married,2024,matricule\n30000,yes,2,17\n", [(1, 5), None, None]),
        (HEADER + "x,married,2,2024\nTotal,2024\n1,no,0,5\n", [None, None, (1, 5)]),
        ("year," + HEADER + "2024,x,married,two,many\n2024,1,no,0,5\n", [None, (1, 5)]),
        (",year," + HEADER + "x,2024,x,married,two,many\n0,2024,1,no,0,5\n", [None, (1, 5)]),
        ("id,married,year,children,salary\n1,no,2024,0,5\nref;state;2024;kids\n# a;b;c;d\n", [(1, 5), None, None]),
        (HEADER + "x,no,none,z\n1,no,0,5\n", [None, (1, 5)]),
        (HEADER + "#N/A,#N/A,#N/A,#N/A\n1,no,0,5\n", [None, (1, 5)]),
    ],
    ids=[
        *("order", "separator", "unknown name", "words", "commented", "commented with another separator"),
        *("year", "year and one known name", "wrong values with a year", "wrong values beside the column of the year"),
        *(
            "wrong values beside an index and the column of the year",
            "year with another separator",
            "wrong values",
            "spreadsheet errors",
        ),
    ],
)
def test_a_later_header_ends_the_earlier_columns(content: str, expected: Salaries) -> None:
    """A later header names the columns below it. If it cannot be used, it and all lines up to the next are bad."""
    assert expected == read(content)


LATE = (HEADER + "# note\n" * 1000 + "1,no,0,5\n").encode()  # longer than the beginning that shows the encoding


@pytest.mark.parametrize(
    "header",
    [
        "salaire,marié,enfants,id".encode("cp1252"),
        "revenu,marié ?,enfants à charge,matricule".encode("cp1252"),
        b'"salary,married,children,id',
        b'salary,"married,children,id',
        b"salary,married\x00,children,id",
        b"salary,married,children,id\x1a",
        "#salaire,marié,enfants,id".encode("cp1252"),
    ],
    ids=ascii,
)
def test_a_later_header_that_is_damaged_ends_the_earlier_columns(header: bytes) -> None:
    """No line below a later header with a wrong byte, quote or control character is read with the earlier columns."""
    assert [(1, 5), None, None, (2, 7)] == read(LATE + header + b"\n30000,yes,2,17\n" + HEADER.encode() + b"2,no,0,7\n")


@pytest.mark.parametrize(
    "line", ["# né, à Épinal".encode("cp1252"), "2,Français,0,5".encode("cp1252"), b'"x,yes,2,5', b"2,no\x00,0,5"]
)
def test_a_damaged_line_that_is_no_header_is_one_bad_line(line: bytes) -> None:
    """A household or comment with a wrong byte, quote or control character does not change the columns below it."""
    assert [(1, 5), None, (3, 7)] == read(LATE + line + b"\n3,no,0,7\n")


@pytest.mark.parametrize("value", ["#N/A", "#REF!", "#VALEUR!", "#DIV/0!", "#NOM?", "#123", "# 4"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_an_error_value_of_a_spreadsheet_is_no_comment(value: str, separator: str) -> None:
    """A line that begins with # is a bad line if it has as many cells as the header, and a comment otherwise."""
    lines = ["id,married,children,salary", f"{value},yes,2,5", "7,no,0,3", f"{value},note"]
    content = "\n".join(lines).replace(",", separator)
    assert [None, (7, 3)] == read(content)
    reader = Reader(io.BytesIO(content.encode()))
    assert 1 == sum(isinstance(line, BadLine) for line in reader)
    assert 1 == reader.position.comments


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("id;married;children;salary\r\n1;oui;2;5\r\n;;;\r\n ;\u00a0;;\r\n", [(1, 5)]),
        (
            "id;married;children;salary;;\r\n1;oui;2;5;;\r\n2;oui;2;7\r\n;;;;;\r\n3;oui;2;5;;x\r\n",
            [(1, 5), (2, 7), None],
        ),
        (",id,married,children,salary\n0,1,yes,2,5\n1,2,no,0,7\n", [(1, 5), (2, 7)]),
        ("sep=;\r\nid;married;children;salary\r\n1;oui;2;5\r\n", [(1, 5)]),
        ('\ufeff"sep=;"\r\nid;married;children;salary\r\n1;oui;2;5\r\n', [(1, 5)]),
        ("sep=\t\r\nid\tmarried\tchildren\tsalary\r\n1\toui\t2\t5\r\n", [(1, 5)]),
        ("sep=,\nid,married,salary,children\n2,no,0,2\n", [(2, 0)]),
        ("1;oui;2;5\n2;non;0;7\n", [(1, 5), (2, 7)]),
        ("id,married,children,salary\n1.0,yes,2.0,5.0\n2,no,0,NaN\n3,no,0,50.000\n", [(1, 5), None, None]),
        (HEADER + '1,"yes" ,2,5\n2, "no",0,"7\n3,no,0,9\n4,no,0,9"\n', [(1, 5), None, (3, 9), None]),
        (HEADER + "001,no,0,5\n1,no,0,6\n2,no,0,06\n3,no,0,000\n4,no,0,0\n", [(1, 5), None, None, None, (4, 0)]),
        (HEADER + "1,no,0,5\r\r\n\ufeff2,no,0,7\n", [(1, 5), (2, 7)]),
    ],
)
def test_leavings_of_spreadsheets_and_pandas(content: str, expected: Salaries) -> None:
    """Empty rows and columns, index columns, separator lines and pandas' numbers are read. Other leavings are bad."""
    assert expected == read(content)


@pytest.mark.parametrize("amounts", ["50,000", "50,250", "1,250", " 50 , 250", "999,999", "50,250.0"])
def test_a_number_with_a_comma_is_not_split(amounts: str) -> None:
    """Two adjacent cells that can be one number with a comma are a bad line, unless quotes separate them."""
    header = "id,year,married,children,salary,spouse_salary\n"
    assert [None] == read(f"{header}1,2024,yes,2,{amounts}\n")
    assert [(1, 50)] == read(f'{header}1,2024,yes,2,"50",250\n')
    assert [(1, 50)] == read(f"{header}1,2024,yes,2,50,2500\n")
    assert [(1, 50)] == read(f"{header}1,2024,yes,2,50,250\n".replace(",", ";"))
    assert [None] == read(f"married,children,salary,id,spouse_salary\nyes,2,{amounts},17\n")


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfex", b"x\0y\0", b"PK\x03\x04", b"[]", b"\xe9", b"a\rb\rc"],
    ids=["UTF-16", "no mark", "xlsx", "JSON array", "cp1252", "CR"],
)
def test_both_readers_name_other_contents_by_the_same_sentence(content: bytes) -> None:
    """The client and `POST /` refuse other contents than tables by the same sentence."""
    with pytest.raises(ParameterError) as caught:
        read_rows(content, 10)
    assert [refuse(content)] == caught.value.errors
