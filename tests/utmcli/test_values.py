"""What each type of value takes, gives, and says when it takes something not."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utmcli.values import (
    Boolean,
    Choice,
    Host,
    IpAddress,
    IpInterface,
    ListOf,
    MalformedError,
    Name,
    Number,
    Option,
    Options,
    ValueType,
)

PRIORITY = Choice(options=(("high", ""), ("low", "")))
NUMBER = Number(low=1, high=255)
OPTIONS = Options(
    known={
        "vrid": Option(type=NUMBER, help="virtual router"),
        "host": Option(type=Host(), help="watched", repeatable=True),
    }
)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (ValueType(), "anything at all", "anything at all"),
        (PRIORITY, "high", "high"),
        (PRIORITY, "LOW", "low"),
        (Boolean(), "1", True),
        (Boolean(), "0", False),
        (Boolean(), "True", True),
        (Boolean(), "off", False),
        (NUMBER, "1", 1),
        (NUMBER, "255", 255),
        (NUMBER, "007", 7),
        (Number(low=0, high=999_999_999), "999999999", 999_999_999),
        (IpAddress(), "192.0.2.1", "192.0.2.1"),
        (IpAddress(), "FE80::0:1", "fe80::1"),
        (IpInterface(), "192.168.200.1/24", "192.168.200.1/24"),
        (IpInterface(), "2001:DB8::1/64", "2001:db8::1/64"),
        (Host(), "host-1.example.org", "host-1.example.org"),
        (Host(), "192.0.2.1", "192.0.2.1"),
        (Name(), "A1.10", "A1.10"),
        (Name(blanks=True), "my copy", "my copy"),
        (ListOf(item=NUMBER), "3", 3),
        (OPTIONS, "vrid=3", ("vrid", 3)),
        (OPTIONS, "host=a", ("host", "a")),
    ],
)
def test_a_right_text_gives_its_value(kind: ValueType, text: str, value: object) -> None:
    assert kind.parse(text) == value


@pytest.mark.parametrize(
    ("kind", "text", "allowed"),
    [
        (ValueType(longest=3), "four", "at most 3 characters"),
        (PRIORITY, "medium", "high, low"),
        (PRIORITY, "", "high, low"),
        (Boolean(), "2", "1 and 0"),
        (Boolean(), "", "1 and 0"),
        (NUMBER, "0", "from 1 to 255"),
        (NUMBER, "256", "from 1 to 255"),
        (NUMBER, "-1", "from 1 to 255"),
        (NUMBER, "1.5", "from 1 to 255"),
        (NUMBER, "1_0", "from 1 to 255"),
        (NUMBER, " 1", "from 1 to 255"),
        (NUMBER, "²", "from 1 to 255"),
        (NUMBER, "\u0661", "from 1 to 255"),
        (NUMBER, "9" * 5000, "from 1 to 255"),
        (IpAddress(), "192.0.2.1/24", "without prefix length"),
        (IpAddress(), "192.0.2.256", "without prefix length"),
        (IpInterface(), "192.0.2.1", "with prefix length"),
        (IpInterface(), "192.0.2.1/33", "with prefix length"),
        (IpInterface(), "192.0.2.1/255.255.255.0", "with prefix length"),
        (IpInterface(), "192.0.2.1/", "with prefix length"),
        (Host(), "-a", "host name"),
        (Host(), "a..b", "host name"),
        (Host(), "a b", "host name"),
        (Host(), "a" * 64, "host name"),
        (Name(), "", "without blanks"),
        (Name(), "a b", "without blanks"),
        (Name(), "a/b", "without blanks"),
        (Name(blanks=True), "a/b", "without / is"),
        (Name(blanks=True), " a", "without / is"),
        (Name(), "..", "without blanks"),
        (Name(), "a\x1b", "without blanks"),
        (Name(), "a" * 65, "1 to 64"),
        (ListOf(item=NUMBER), "x", "from 1 to 255"),
        (OPTIONS, "vrid", "vrid=.., host=.."),
        (OPTIONS, "colour=red", "vrid=.., host=.."),
        (OPTIONS, "vrid=x", "in vrid: a whole number"),
    ],
)
def test_a_wrong_text_is_answered_with_what_is_allowed(kind: ValueType, text: str, allowed: str) -> None:
    with pytest.raises(MalformedError, match=allowed.replace(".", r"\.")):
        kind.parse(text)


def test_options_combine_by_name_and_repeatable_ones_to_lists() -> None:
    elements = [OPTIONS.parse(text) for text in ("host=a", "vrid=3", "host=b")]
    assert OPTIONS.combine(elements) == {"host": ("a", "b"), "vrid": 3}


def test_only_repeatable_options_may_occur_twice() -> None:
    assert OPTIONS.identity(("vrid", 1)) == OPTIONS.identity(("vrid", 2))
    assert OPTIONS.identity(("host", "a")) != OPTIONS.identity(("host", "b"))


def test_types_list_their_words() -> None:
    assert [word for word, _ in PRIORITY.words()] == ["high", "low"]
    assert [word for word, _ in OPTIONS.words()] == ["vrid=", "host="]
    assert ListOf(item=PRIORITY).words() == PRIORITY.words()
    assert NUMBER.words() == ()


TYPES = (ValueType(), PRIORITY, Boolean(), NUMBER, IpAddress(), IpInterface(), Host(), Name(), OPTIONS)


@settings(deadline=None)
@given(st.text(), st.sampled_from(TYPES))
def test_no_text_is_answered_with_anything_but_a_value_or_what_is_allowed(text: str, kind: ValueType) -> None:
    with contextlib.suppress(MalformedError):
        kind.parse(text)
