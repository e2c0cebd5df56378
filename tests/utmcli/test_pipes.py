"""Filters work on rows, so that a filtered table is a table still; and they work on streams."""

from __future__ import annotations

import pytest

from utmcli.pipes import PART, Pipe, Pipeline
from utmcli.results import Done, Record, Report, Result, Table, Text, single

TABLE = Table(("id", "name"), ((1, "LAN1"), (2, "LAN2"), (3, "wan0")))


def through(*pipes: Pipe, result: Result = TABLE) -> list[Result]:
    pipeline = Pipeline(pipes)
    return pipeline.feed(result) + pipeline.finish()


def names(results: list[Result]) -> list[object]:
    (table,) = results
    assert isinstance(table, Table)
    assert table.columns == TABLE.columns
    return [row[1] for row in table.rows]


def test_match_keeps_the_rows_that_contain_the_text_in_either_case() -> None:
    assert names(through(Pipe("match", "lan"))) == ["LAN1", "LAN2"]


def test_except_keeps_the_others() -> None:
    assert names(through(Pipe("except", "LAN2"))) == ["LAN1", "wan0"]


def test_a_table_without_a_matching_row_keeps_its_header() -> None:
    assert names(through(Pipe("match", "nothing"))) == []


def test_head_and_last_keep_so_many_rows() -> None:
    assert names(through(Pipe("head", 2))) == ["LAN1", "LAN2"]
    assert names(through(Pipe("last", 2))) == ["LAN2", "wan0"]
    assert names(through(Pipe("head", 0))) == []
    assert names(through(Pipe("last", 9))) == ["LAN1", "LAN2", "wan0"]


def test_filters_work_from_left_to_right() -> None:
    assert names(through(Pipe("match", "LAN"), Pipe("last", 1))) == ["LAN2"]
    assert names(through(Pipe("last", 1), Pipe("match", "LAN"))) == []


def test_count_counts_what_the_filters_before_it_left() -> None:
    assert through(Pipe("match", "LAN"), Pipe("count")) == [single(2)]
    assert through(Pipe("match", "nothing"), Pipe("count")) == [single(0)]


def test_json_and_no_more_are_about_the_output_and_change_no_row() -> None:
    assert Pipeline((Pipe("json"),)).json
    assert not Pipeline((Pipe("no-more"),)).paged
    assert Pipeline(()).paged
    assert through(Pipe("json"), Pipe("no-more")) == [TABLE]


def test_attributes_of_a_record_are_its_rows() -> None:
    record = Record((("cluster_state", "master"), ("hotwire_dev", "LAN3")))
    assert through(Pipe("match", "hotwire"), result=record) == [Record((("hotwire_dev", "LAN3"),))]
    assert through(Pipe("match", "master"), result=record) == [Record((("cluster_state", "master"),))]


def test_lines_of_a_text_are_its_rows() -> None:
    assert through(Pipe("except", "b"), result=Text("a\nb\nc\n")) == [Text("a\nc\n")]
    assert through(Pipe("count"), result=Text("a\nb\nc\n")) == [single(3)]


def test_every_section_of_a_report_is_filtered() -> None:
    report = Report((("one", TABLE), ("two", Text("lan1\nlan2"))))
    filtered = Report((("one", Table(TABLE.columns, ((2, "LAN2"),))), ("two", Text("lan2"))))
    assert through(Pipe("match", "lan2"), result=report) == [filtered]
    assert through(Pipe("count"), result=report) == [single(5)]


def test_a_section_without_a_matching_row_is_left_out() -> None:
    report = Report((("one", TABLE), ("two", Record((("role", "master"),))), ("three", Text("role\n"))))
    third, first = (Table(TABLE.columns, (TABLE.rows[row],)) for row in (2, 0))
    assert through(Pipe("match", "wan"), result=report) == [Report((("one", third),))]
    assert through(Pipe("head", 1), result=report) == [Report((("one", first),))]
    assert through(Pipe("match", "nothing"), result=report) == [Report(())]


def test_success_is_no_row_to_filter() -> None:
    assert through(Pipe("match", "x"), result=Done(("mind",))) == [Done(("mind",))]


def test_success_counts_as_one() -> None:
    assert through(Pipe("count"), result=Done()) == [single(1)]


def test_of_results_that_cannot_be_joined_the_last_is_the_last() -> None:
    pipeline = Pipeline((Pipe("last", 1),))
    pipeline.feed(Record((("a", "b"),)))
    pipeline.feed(TABLE)
    assert pipeline.finish() == [Table(TABLE.columns, (TABLE.rows[-1],))]


def part(number: int) -> Table:
    return Table(("id",), ((number,),), continues=number > 1)


def test_a_stream_is_shown_part_by_part() -> None:
    pipeline = Pipeline((Pipe("except", "2"),))
    assert pipeline.feed(part(1)) == [part(1)]
    assert pipeline.feed(part(2)) == [], "a part that lost its rows says nothing"
    assert pipeline.feed(part(3)) == [part(3)]


def test_head_tells_when_a_stream_may_end() -> None:
    pipeline = Pipeline((Pipe("head", 2),))
    assert not pipeline.full
    assert pipeline.feed(part(1)) == [part(1)]
    assert not pipeline.full
    assert pipeline.feed(part(2)) == [part(2)]
    assert pipeline.full
    assert pipeline.feed(part(3)) == []


def test_count_and_last_wait_for_the_end_of_a_stream() -> None:
    counting, last = Pipeline((Pipe("count"),)), Pipeline((Pipe("last", 2),))
    for pipeline in (counting, last):
        assert [pipeline.feed(part(number)) for number in (1, 2, 3)] == [[], [], []]
    assert counting.finish() == [single(3)]
    assert last.finish() == [Table(("id",), ((2,), (3,)))]
    assert Pipeline((Pipe("last", 2),)).finish() == []


@pytest.mark.parametrize(
    "pipes",
    [
        (Pipe("match", "7"),),
        (Pipe("match", "nothing of this"),),
        (Pipe("except", "1"), Pipe("head", 700)),
        (Pipe("head", 3), Pipe("count")),
        (Pipe("last", 600), Pipe("match", "9")),
        (),
    ],
)
@pytest.mark.parametrize("continues", [False, True])
def test_a_long_table_goes_through_in_parts_and_comes_out_as_one(pipes: tuple[Pipe, ...], continues: bool) -> None:
    table = Table(
        ("id",), tuple((number,) for number in range(3 * PART + 1)), continues, failed=True, warnings=("w",)
    )
    in_parts = Pipeline(pipes)
    came = list(in_parts.feed_in_parts(table))
    assert [result for result in came if result is not None] + in_parts.finish() == through(*pipes, result=table)
    assert None in came or not pipes, "others had their turn meanwhile"
