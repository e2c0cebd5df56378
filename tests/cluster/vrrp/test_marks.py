"""How far each sender's sequence got, in memory that outlives the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.vrrp.auth import Sender
from cluster.vrrp.marks import Marks

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 3072
A = Sender(4, 2, bytes((192, 168, 12, 142)))
B = Sender(6, 2, bytes(range(16)))
OLD, NEW = "aa" * 8, "bb" * 8


def memory(size: int = SIZE) -> memoryview:
    return memoryview(bytearray(size))


def test_what_was_kept_is_found_by_the_next_life() -> None:
    place = memory()
    marks = Marks(place)
    marks.keep(A, OLD, 5)
    marks.keep(B, OLD, 2**64 - 1)
    marks.keep(A, OLD, 6)

    assert Marks(place).load() == {
        "4/2/c0a80c8e": {OLD: 6},
        "6/2/000102030405060708090a0b0c0d0e0f": {OLD: 2**64 - 1},
    }


def test_the_key_used_last_comes_last_also_after_a_return_to_an_earlier_one() -> None:
    place = memory()
    marks = Marks(place)
    marks.keep(A, OLD, 5)
    marks.keep(A, NEW, 3)
    assert list(Marks(place).load()["4/2/c0a80c8e"]) == [OLD, NEW]

    marks.keep(A, OLD, 9)

    assert list(Marks(place).load()["4/2/c0a80c8e"].items()) == [(NEW, 3), (OLD, 9)]


def test_a_loaded_table_goes_on_where_it_was() -> None:
    place = memory()
    Marks(place).keep(A, OLD, 5)
    again = Marks(place)
    again.load()

    again.keep(A, OLD, 7)
    again.keep(B, OLD, 8)

    loaded = Marks(place).load()
    assert loaded["4/2/c0a80c8e"] == {OLD: 7}
    assert len(loaded) == 2


def test_a_full_table_forgets_the_oldest_sender() -> None:
    place = memory(3 * 48)
    marks = Marks(place)
    for number in range(4):
        marks.keep(Sender(4, 2, bytes((10, 0, 0, number))), OLD, number)

    assert set(Marks(place).load()) == {"4/2/0a000001", "4/2/0a000002", "4/2/0a000003"}


def test_an_empty_place_holds_nothing() -> None:
    assert Marks(memory()).load() == {}


def test_the_copy_in_the_state_directory_serves_the_next_boot(tmp_path: Path) -> None:
    marks = Marks(memory())
    marks.keep(A, OLD, 5)
    marks.save(str(tmp_path))

    after_boot = Marks(memory())
    after_boot.restore(str(tmp_path))

    assert after_boot.load() == {"4/2/c0a80c8e": {OLD: 5}}


def test_a_copy_of_another_size_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "vrrp.marks").write_bytes(b"\x04" * 100)

    after_boot = Marks(memory())
    after_boot.restore(str(tmp_path))

    assert after_boot.load() == {}


def test_a_sender_that_is_set_back_is_so_with_all_its_keys_and_in_the_next_life() -> None:
    place = memory()
    marks = Marks(place)
    marks.keep(A, OLD, 50)
    marks.keep(A, NEW, 60)
    marks.keep(A._replace(vrid=3), NEW, 70)
    marks.keep(B, OLD, 80)

    marks.reset(A.source, 7)

    loaded = Marks(place).load()
    assert list(loaded["4/2/c0a80c8e"].items()) == [(OLD, 7), (NEW, 7)], "the key used last stays last"
    assert loaded["4/3/c0a80c8e"] == {NEW: 7}
    assert loaded["6/2/000102030405060708090a0b0c0d0e0f"] == {OLD: 80}
