"""Output in portions: nothing lost, nothing shown before it was asked for."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utmcli.pager import EnoughError, Pager


class Reader:
    """A terminal and whoever presses these keys at it."""

    def __init__(self, keys: str) -> None:
        self.out = ""
        self.err = ""
        self.pauses: list[int] = []
        self._keys = list(keys)

    async def write(self, text: str) -> None:
        self.out += text

    async def write_error(self, text: str) -> None:
        self.err += text

    async def more(self) -> str:
        """Lines shown so far are noted at each pause."""
        self.pauses.append(self.out.count("\n"))
        return self._keys.pop(0)


def lines(count: int) -> str:
    return "".join(f"line {number}\n" for number in range(count))


def shown(text: str, length: int, keys: str) -> Reader:
    reader = Reader(keys)
    asyncio.run(Pager(reader, length, reader.more).write(text))
    return reader


def test_what_fits_is_shown_without_a_pause() -> None:
    assert shown(lines(9), 10, "").out == lines(9)


async def written(texts: list[str], length: int, columns: int = 0) -> Reader:
    """What somebody sees who wants to see all of it, when it is written in these pieces."""
    reader = Reader(" " * 200)
    pager = Pager(reader, length, reader.more, columns)
    for text in texts:
        await pager.write(text)
    return reader


@given(st.lists(st.text("ab \n", max_size=9), max_size=20), st.integers(2, 6))
def test_text_that_comes_in_pieces_pauses_where_the_whole_of_it_does(pieces: list[str], length: int) -> None:
    in_pieces, whole = asyncio.run(written(pieces, length)), asyncio.run(written(["".join(pieces)], length))
    assert (in_pieces.out, in_pieces.pauses) == (whole.out, whole.pauses)


def test_a_line_that_comes_in_pieces_is_shown_whole_and_counts_as_the_rows_it_takes() -> None:
    seen = asyncio.run(written(["abcd", "efgh", "ijkl\n", "next\n"], length=4, columns=4))
    assert (seen.out, seen.pauses) == ("abcdefghijkl\nnext\n", [1])
    shorter = asyncio.run(written(["ab", "cd\n", "next\n"], length=4, columns=4))
    assert shorter.pauses == []


def test_a_blank_shows_another_page_and_enter_another_line() -> None:
    assert shown(lines(30), 10, "  \r\n ").pauses == [9, 18, 27, 28, 29]


def test_a_page_is_as_long_as_the_window_is_when_it_is_asked_for() -> None:
    reader = Reader("  q")
    sizes = iter(((5, 80), (20, 80)))
    with pytest.raises(EnoughError):
        asyncio.run(Pager(reader, 10, reader.more, 80, lambda: next(sizes)).write(lines(99)))
    assert reader.pauses == [9, 9 + 4, 9 + 4 + 19]


@pytest.mark.parametrize("key", ["q", "Q"])
def test_q_ends_it(key: str) -> None:
    reader = Reader(f" {key}")
    with pytest.raises(EnoughError):
        asyncio.run(Pager(reader, 10, reader.more).write(lines(30)))
    assert reader.out == lines(18)


def test_pages_go_on_through_the_parts_of_a_stream() -> None:
    reader = Reader(" ")

    async def scenario() -> None:
        pager = Pager(reader, 10, reader.more)
        for _ in range(4):
            await pager.write(lines(4))

    asyncio.run(scenario())
    assert reader.pauses == [9]


def test_errors_never_wait() -> None:
    reader = Reader("")
    asyncio.run(Pager(reader, 2, reader.more).write_error(lines(5)))
    assert reader.err == lines(5)


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_whoever_pages_to_the_end_has_seen_everything(text: str, length: int) -> None:
    assert shown(text, length, " " * len(text)).out == text
