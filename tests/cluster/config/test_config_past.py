"""The store looks back: one step, and before what the partner sent; whatever made a revision run is remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cluster.config.arrival import Arrival
from cluster.config.revision import packed
from cluster.config.store import Store
from cluster.errors import NotFoundError
from tests.cluster.config.config_examples import config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Given a store that saved and started h1 as `default`."""
    made = Store.open(tmp_path)
    made.initialise(config(hostname="h1.local"), 1000.0)
    made.applied = made.running
    yield made
    made.close()


def edit(store: Store, hostname: str) -> None:
    store.commit(config(hostname=hostname), "anna", f"hostname {hostname}", 2000.0)


def arrive(store: Store, hostname: str, name: str = "office") -> int:
    arrival = Arrival(name=name, running=packed(config(hostname=hostname)), applied=None, base="digest")
    return store.receive(arrival, "otto", "synchronized from utm1.local (console)", 3000.0).number


def before(store: Store) -> str:
    return store.past.before(store.running).config.hostname


def pointers(store: Store) -> tuple[str, str, str, dict[str, str]]:
    names = {each.name: store.get(each.name).hostname for each in store.names()}
    return store.running.config.hostname, store.current_name, store.start_name, names


# --- one step back ----------------------------------------------------------------------------------------


def test_before_is_what_ran_before_the_last_edit(store: Store) -> None:
    edit(store, "h2.local")
    edit(store, "h3.local")

    assert before(store) == "h2.local"


def test_before_a_load_is_what_was_left_for_it_though_its_number_is_higher(store: Store) -> None:
    edit(store, "h2.local")
    store.load("default")

    assert before(store) == "h2.local"


def test_before_is_something_else_though_the_same_ran_under_another_number(store: Store) -> None:
    edit(store, "h2.local")
    edit(store, "h1.local")
    store.load("default")

    assert before(store) == "h2.local"


def test_what_was_only_imported_never_ran(store: Store) -> None:
    edit(store, "h2.local")
    store.put("other", config(hostname="h9.local"), "anna", "import as other", 2000.0)

    assert before(store) == "h1.local"


def test_going_back_twice_comes_back(store: Store) -> None:
    edit(store, "h2.local")
    edit(store, before(store))

    assert before(store) == "h2.local"


def test_a_new_store_has_nothing_before(store: Store) -> None:
    with pytest.raises(NotFoundError, match="nothing else ran before"):
        store.past.before(store.running)
    assert store.past.arrived is None


def test_the_past_does_not_grow_without_end(store: Store) -> None:
    for number in range(1050):
        store.commit(config(hostname=f"h{number}.local"), "anna", "edit", 2000.0)

    ((kept,),) = store._connection.execute("SELECT count(*) FROM past").fetchall()
    assert kept == 1000


# --- undoing an arrival -----------------------------------------------------------------------------------


def test_an_arrival_leaves_with_its_name_and_all_pointers_are_as_before(store: Store) -> None:
    edit(store, "unsaved.local")
    was = pointers(store)
    number = arrive(store, "h9.local")
    assert pointers(store)[1:3] == ("office", "office")
    arrived = store.past.arrived
    assert arrived is not None
    assert (arrived.became, arrived.name, arrived.meant) == (number, "office", None)

    store.undo(arrived, "anna", "undo", 4000.0)

    assert pointers(store) == was
    assert store.unsaved, "what was not saved before is not saved now"
    assert store.revision(number).config.hostname == "h9.local", "nothing is lost"


def test_a_name_that_the_arrival_took_over_means_again_what_it_meant(store: Store) -> None:
    store.save("office", "anna", 2000.0)
    edit(store, "h2.local")
    store.save("work", "anna", 2000.0)
    was = pointers(store)
    arrive(store, "h9.local", "office")
    arrived = store.past.arrived
    assert arrived is not None

    store.undo(arrived, "anna", "undo", 4000.0)

    assert pointers(store) == was


def test_arrivals_are_undone_one_after_the_other(store: Store) -> None:
    was = pointers(store)
    first = arrive(store, "h8.local")
    between = pointers(store)
    arrive(store, "h9.local")

    for expected in (between, was):
        arrived = store.past.arrived
        assert arrived is not None
        store.undo(arrived, "anna", "undo", 4000.0)
        assert pointers(store) == expected
    assert store.past.arrived is None
    assert store.revision(first).config.hostname == "h8.local"


def test_what_was_saved_under_its_name_since_stays_saved(store: Store) -> None:
    arrive(store, "h9.local")
    arrived = store.past.arrived
    assert arrived is not None
    edit(store, "h10.local")
    store.save(None, "anna", 3500.0)

    store.undo(arrived, "anna", "undo", 4000.0)

    running, current, start, names = pointers(store)
    assert (running, current, start) == ("h1.local", "default", "default")
    assert names == {"default": "h1.local", "office": "h10.local"}


def test_a_name_that_was_deleted_since_cannot_be_start_again(store: Store) -> None:
    arrive(store, "h9.local")
    arrived = store.past.arrived
    assert arrived is not None
    store.delete("default")

    store.undo(arrived, "anna", "undo", 4000.0)

    assert pointers(store) == ("h1.local", "office", "office", {"office": "h9.local"})
    store.boot()


def test_loading_what_once_arrived_is_no_arrival(store: Store) -> None:
    arrive(store, "h9.local")
    store.synced.activated()
    arrived = store.past.arrived
    edit(store, "h10.local")
    store.load("office")

    assert store.past.arrived == arrived
