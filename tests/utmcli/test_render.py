"""The documented tables byte for byte, JSON one document at a time, and nothing that steers a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import tabulate
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster import errors
from utmcli.render import BATCH, DOCUMENTED_STYLE, error_text, exit_code, pieces, printable, render, warnings_text
from utmcli.results import Done, Record, Report, Table, Text, single

if TYPE_CHECKING:
    from utmcli.render import Style

INFO = Record(
    (
        ("cluster_state", "master"),
        ("sync_state", "synchronized"),
        ("hotwire_dev", "LAN3"),
        ("maintainance", False),
    )
)


def test_cluster_info_is_the_documented_table_byte_for_byte() -> None:
    assert render(INFO) == (
        "attribute    |value\n"
        "-------------+-----\n"
        "cluster_state|master\n"
        "sync_state   |synchronized\n"
        "hotwire_dev  |LAN3\n"
        "maintainance |false\n"
    )


def test_a_single_value_is_the_documented_table_of_one_column() -> None:
    assert render(single(1)) == "value\n-----\n1\n"


def test_success_without_data_is_ok() -> None:
    assert render(Done()) == "OK\n"
    assert render(Done(("a warning",))) == "OK\n"


def test_the_separator_of_the_last_column_is_as_long_as_its_header_and_not_as_its_cells() -> None:
    table = Table(("id", "name", "address"), ((10, "LAN2", "192.168.200.1/24"), (9, "A1.10", "10.0.0.1/8")))
    assert render(table) == ("id|name |address\n--+-----+-------\n10|LAN2 |192.168.200.1/24\n9 |A1.10|10.0.0.1/8\n")


def test_a_column_that_is_narrower_than_its_header_is_as_wide_as_its_header() -> None:
    assert render(Table(("number", "x"), ((1, "y"),))) == "number|x\n------+-\n1     |y\n"


def test_an_empty_table_is_its_header() -> None:
    assert render(Table(("id", "name", "state"), ())) == "id|name|state\n--+----+-----\n"


def test_list_cells_are_joined_with_commas() -> None:
    assert render(Table(("name", "flags"), (("start", ("CURRENT", "START")), ("other", ())))) == (
        "name |flags\n-----+-----\nstart|CURRENT,START\nother|\n"
    )


def test_cells_that_look_like_numbers_stay_as_they_are() -> None:
    assert render(Table(("a", "b"), (("007", "1e3"), ("1.50", "0x1")))) == "a   |b\n----+-\n007 |1e3\n1.50|0x1\n"


def test_wide_characters_are_padded_by_what_they_take_on_the_screen() -> None:
    assert render(Table(("name", "x"), (("日本語", "1"), ("ab", "2")))) == (
        "name  |x\n------+-\n日本語|1\nab    |2\n"
    )


CELLS = st.one_of(
    st.text("ab \u65e5\u00e9|\u0301\U0001f642\u00a0", max_size=6).filter(str.isprintable), st.integers()
)


@settings(deadline=None)
@given(st.integers(1, 4).flatmap(lambda columns: st.lists(st.tuples(*[CELLS] * columns), min_size=1, max_size=6)))
def test_a_table_in_pieces_is_what_tabulate_makes_of_it_as_a_whole(rows: list[tuple[str | int, ...]]) -> None:
    header = tuple("wxyz"[: len(rows[0])])
    text = [[str(cell) for cell in row] for row in (header, *rows)]
    lines = tabulate.tabulate(text, tablefmt=DOCUMENTED_STYLE, disable_numparse=True, stralign="left").split("\n")
    separator = "".join("+" if character == "|" else "-" for character in lines[0])
    expected = "\n".join([lines[0], separator, *lines[1:]])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("utmcli.render.BATCH", 2)
        assert render(Table(header, tuple(rows))).rstrip("\n") == expected.rstrip("\n")


@pytest.mark.parametrize("style", ["table", "json", "plain"])
def test_a_long_table_comes_in_pieces_of_few_rows_that_are_the_same_text(style: Style) -> None:
    rows = tuple((number, "x" * (number % 50), ("a", "b")) for number in range(10 * BATCH + 7))
    parts = list(pieces(Table(("id", "text", "flags"), rows), style))
    assert len(parts) > 10
    assert max(part.count("x,") + part.count("\n") + part.count("}") for part in parts) <= BATCH + 2
    text = "".join(parts)
    if style == "json":
        assert text == json.dumps([{"id": n, "text": t, "flags": list(f)} for n, t, f in rows]) + "\n"
    else:
        assert text.count("\n") == len(rows) + (2 if style == "table" else 0)
        joint = "\t" if style == "plain" else "|"
        assert text.replace("+", "|").splitlines()[-1].split(joint)[0] == str(10 * BATCH + 6)


def test_further_parts_of_a_stream_line_up_under_the_header_of_the_first() -> None:
    first = Table(("id", "text"), ((1, "one"),), widths=(5, 0))
    further = Table(("id", "text"), ((2, "two"),), continues=True, widths=(5, 0))
    assert render(first) + render(further) == "id   |text\n-----+----\n1    |one\n2    |two\n"


def test_a_part_of_a_stream_without_rows_prints_nothing() -> None:
    assert render(Table(("id", "text"), (), continues=True)) == ""


def test_the_sections_of_a_report_stand_below_their_titles() -> None:
    report = Report((("node", Record((("role", "master"),))), ("explanation", Text("because"))))
    assert render(report) == "node\nattribute|value\n---------+-----\nrole     |master\n\nexplanation\nbecause\n"


def test_text_is_printed_as_it_is() -> None:
    assert render(Text('{\n\t"a": 1\n}\n')) == '{\n\t"a": 1\n}\n'
    assert render(Text("")) == ""


@pytest.mark.parametrize(
    ("result", "document"),
    [
        (Record((("role", "master"), ("on", False), ("n", 1))), {"role": "master", "on": False, "n": 1}),
        (Table(("id", "flags"), ((1, ("HA",)),)), [{"id": 1, "flags": ["HA"]}]),
        (Table(("id", "flags"), ((None, ()),)), [{"id": None, "flags": []}]),
        (Table(("id",), ()), []),
        (single("2"), {"value": "2"}),
        (Table(("value",), (("a",), ("b",))), [{"value": "a"}, {"value": "b"}]),
        (Table(("value",), (("a",),)), [{"value": "a"}]),
        (Table(("value",), ()), []),
        (Done(), {"result": "OK"}),
        (Done(("mind",)), {"result": "OK", "warnings": ["mind"]}),
        (Text("a\nb"), {"text": "a\nb"}),
        (Report((("node", Record((("role", "master"),))),)), {"node": {"role": "master"}}),
    ],
)
def test_json_is_one_document_on_one_line(result: Table, document: object) -> None:
    text = render(result, "json")
    assert text.count("\n") == 1
    assert json.loads(text) == document


def test_plain_lines_have_tabulators_and_no_header() -> None:
    assert render(Table(("id", "flags"), ((1, ("A", "B")),)), "plain") == "1\tA,B\n"
    assert render(INFO, "plain").splitlines()[0] == "cluster_state\tmaster"
    assert render(single(1), "plain") == "1\n"
    assert render(Done(), "plain") == "OK\n"


@settings(deadline=None)
@given(st.text())
def test_no_value_can_steer_the_terminal(value: str) -> None:
    steering = {chr(code) for code in (*range(10), *range(11, 32), *range(127, 160))}
    steering |= set("\u202a\u202e\u2066\u2069\u200e\u2028")
    for result in (single(value), Record((("x", value),)), Report((("t", single(value)),))):
        assert not set(render(result)) & steering
        assert not set(render(result, "plain")) & (steering - {"\t"})
        assert not set(render(result, "json")) & steering
    assert json.loads(render(single(value), "json")) == {"value": value}
    assert not set(render(Text(value))) & (steering - {"\t"})


def test_escape_sequences_of_values_are_shown_and_not_obeyed() -> None:
    assert render(single("\x1b[31mred\x07")) == "value\n-----\n\ufffd[31mred\ufffd\n"
    assert printable("a\nb", keep="\n") == "a\nb"
    assert printable("a\nb") == "a\ufffdb"


def test_a_newline_in_a_value_cannot_forge_a_row() -> None:
    assert render(Table(("a", "b"), (("x\ny|z", "1"),))).count("\n") == 3


def test_an_error_is_its_sentence_and_its_details() -> None:
    error = errors.InvalidConfigurationError("the configuration is invalid", ("a: wrong", "b: \x1b]0;x"))
    assert error_text(error) == "% Error: the configuration is invalid\n  a: wrong\n  b: \ufffd]0;x\n"


def test_warnings_go_to_standard_error_one_a_line() -> None:
    assert warnings_text(Done(("one", "two"))) == "% Warning: one\n% Warning: two\n"
    assert warnings_text(single(1)) == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ClusterError("x"), 1),
        (errors.InvalidConfigurationError("x"), 1),
        (errors.NotFoundError("x"), 1),
        (errors.NotAuthorisedError("x"), 4),
        (errors.LockedError("x"), 5),
        (errors.UnreachableError("x"), 6),
    ],
)
def test_the_exit_code_tells_the_kind_of_error(error: errors.ClusterError, code: int) -> None:
    assert exit_code(error) == code
