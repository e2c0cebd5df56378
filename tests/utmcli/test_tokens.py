"""Tokens know their columns, and words of a program's arguments survive the way through a line."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utmcli.tokens import Token, TokenKind, quote, tokenize


def test_every_token_knows_where_it_stands() -> None:
    assert tokenize(' a "b c" [d]|e') == (
        Token(TokenKind.WORD, "a", 1, 2),
        Token(TokenKind.QUOTED, "b c", 3, 8),
        Token(TokenKind.OPEN, "[", 9, 10),
        Token(TokenKind.WORD, "d", 10, 11),
        Token(TokenKind.CLOSE, "]", 11, 12),
        Token(TokenKind.PIPE, "|", 12, 13),
        Token(TokenKind.WORD, "e", 13, 14),
    )


def test_a_quotation_that_is_not_closed_reaches_to_the_end() -> None:
    assert tokenize("'a b") == (Token(TokenKind.QUOTED, "a b", 0, 4, closed=False),)


def test_brackets_inside_a_bare_word_belong_to_it() -> None:
    assert [token.text for token in tokenize("a[1] b]")] == ["a[1]", "b]"]


@settings(deadline=None)
@given(st.text())
def test_tokens_cover_everything_but_blanks(line: str) -> None:
    covered = {column for token in tokenize(line) for column in range(token.start, token.end)}
    assert all(line[column].isspace() for column in range(len(line)) if column not in covered)
    assert sum(token.end - token.start for token in tokenize(line)) == len(covered), "no two tokens overlap"


@settings(deadline=None)
@given(st.text().filter(lambda word: not (word[:1] in {*"[]|'\""} and word[-1] in {word[0], "]"})))
def test_a_quoted_word_is_one_token_with_the_same_text(word: str) -> None:
    (token,) = tokenize(f"{quote(word)} ")
    assert token.text == word
    assert token.is_value


@pytest.mark.parametrize("word", ["info", "10.0.0.1/24", "vrid=2", "don't", "日本", "a]b"])
def test_a_plain_word_needs_no_quotes(word: str) -> None:
    assert quote(word) == word


@pytest.mark.parametrize(("word", "text"), [('"1"', "1"), ("'a b'", "a b"), ('""', ""), (r'"a \" b"', 'a " b')])
def test_a_word_that_is_a_quotation_in_itself_is_read_as_one(word: str, text: str) -> None:
    assert [(token.kind, token.text) for token in tokenize(quote(word))] == [(TokenKind.QUOTED, text)]


@pytest.mark.parametrize("word", ['"', '"a" "b"', '"a"b', '"a\'', "'"])
def test_a_word_that_only_begins_with_a_quote_is_taken_as_it_is(word: str) -> None:
    assert [token.text for token in tokenize(quote(word))] == [word]


@pytest.mark.parametrize("word", ["[", "]", "|", '[ "a" "b" ]', "[a]"])
def test_brackets_and_bars_keep_their_meaning(word: str) -> None:
    assert quote(word) == word


@pytest.mark.parametrize("word", ["[a", "a]", "]a", "a b", 'a"b c', "a|b", "'a", "\\ ", "[a] b"])
def test_any_other_word_is_quoted_where_it_would_be_read_otherwise(word: str) -> None:
    assert [token.text for token in tokenize(f"[ {quote(word)} ]")] == ["[", word, "]"]


def test_an_empty_word_is_the_empty_value() -> None:
    assert quote("") == '""'
