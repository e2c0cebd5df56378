"""A change of keys that is cut at every step, before and after the partner took it: both believe each other."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cluster.config import authentication, schema, transition
from cluster.config.store import Store
from cluster.errors import ClusterError, RefusedError, UnreachableError
from cluster.events_log import EventLog
from cluster.hotwire import state
from cluster.inforce import InForce
from cluster.model import SetValue
from cluster.rekeying import Rekeying
from cluster.vrrp.events import Role
from tests.support.pair import configuration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NEW = "correct horse battery staple"
ASKS = 1 + 5
"""RekeyBegin and the five steps to another passphrase."""


class PlayedEngine:
    """Remembers its settings, as the run directory does."""

    role = Role.MASTER

    def __init__(self) -> None:
        self.told: dict[str, Any] | None = None
        self.refuse = 0

    def settings(self) -> dict[str, Any] | None:
        return self.told

    async def configure(self, settings: dict[str, Any]) -> None:
        self.refuse -= 1
        if self.refuse == 0:
            raise RefusedError("the engine does not take it")
        self.told = settings


class PlayedNetwork:
    async def apply(self, _config: object, *, leave_down: frozenset[str]) -> tuple[str, ...]:
        return ()


class Side:
    """One node; its asks go straight to the other one's answers."""

    def __init__(self, directory: Path, last: int) -> None:
        self.directory, self.last = directory, last
        self.engine = PlayedEngine()
        self.other: Side | None = None
        self.before_ask: Callable[[int], None] = lambda _number: None
        self.after_ask: Callable[[int], None] = lambda _number: None
        self.asks = 0
        self.open()
        asyncio.run(self.inforce.boot())

    def open(self) -> None:
        self.store = Store.open(self.directory / str(self.last))
        if self.store.is_empty:
            self.store.initialise(schema.parse(configuration(self.last, 5 - self.last, "")), 1.0)
        events = EventLog(self.directory / f"events{self.last}")
        self.inforce = InForce(
            store=self.store,
            engine=self.engine,  # type: ignore[arg-type]
            network=PlayedNetwork(),  # type: ignore[arg-type]
            events=events,
            followers=SimpleNamespace(configured=lambda: None),  # type: ignore[arg-type]
            disabled=SimpleNamespace(),  # type: ignore[arg-type]
        )
        link = SimpleNamespace(state=state.CONNECTED, ask=self._ask)
        partnership: Any = SimpleNamespace(link=link, changed=lambda: None)
        self.rekeying = Rekeying(self.store, self.inforce, events, partnership=partnership, turn=asyncio.Lock())

    async def _ask(self, message: Any, _patience: float) -> Any:
        assert self.other is not None
        self.asks += 1
        self.before_ask(self.asks)
        answer = await self.other.rekeying.answers[type(message)](message)
        self.after_ask(self.asks)
        return answer

    def restart(self) -> None:
        """Clusterd is started again, its engine goes on."""
        self.store.close()
        self.open()
        asyncio.run(self.inforce.resume())

    def want(self, passphrase: str) -> None:
        config = schema.apply(self.store.running.config, (SetValue(("cluster", "passphrase"), passphrase),))
        self.store.commit(config, "admin", "test", 2.0)

    def update(self) -> None:
        asyncio.run(self.rekeying.apply("admin (console)"))

    @property
    def engine_config(self) -> Any:
        """What the engine really goes by."""
        told = self.engine.told
        assert told is not None
        from cluster.engine.settings import authentication_of  # noqa: PLC0415 - read back from what was told

        return transition.put(self.inforce.config, authentication_of(told))


@pytest.fixture
def sides(tmp_path: Path) -> Iterator[tuple[Side, Side]]:
    left, right = Side(tmp_path, 2), Side(tmp_path, 3)
    left.other, right.other = right, left
    yield left, right
    left.store.close()
    right.store.close()


def believe_each_other(left: Side, right: Side) -> bool:
    return not authentication.outage(left.engine_config, right.engine_config)


def both_have(left: Side, right: Side, passphrase: str) -> bool:
    configs = [config for side in (left, right) for config in (side.inforce.config, side.store.start.config)]
    return all(config.cluster.passphrase == passphrase for config in configs) and believe_each_other(left, right)


def cut(at: int) -> Callable[[int], None]:
    def cutting(number: int) -> None:
        if number == at:
            raise UnreachableError("the hotwire is lost")

    return cutting


def test_each_step_is_taken_by_the_partner_first(sides: tuple[Side, Side]) -> None:
    left, right = sides
    left.want(NEW)
    left.after_ask = lambda _number: pytest.fail("parted") if not believe_each_other(left, right) else None

    left.update()

    assert both_have(left, right, NEW)
    assert left.asks == ASKS


@pytest.mark.parametrize("restarted", ["nobody", "left", "right", "both"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, ASKS + 1))
def test_a_change_that_was_cut_leaves_nodes_that_believe_each_other_and_goes_on_later(
    sides: tuple[Side, Side], at: int, after: bool, restarted: str
) -> None:
    left, right = sides
    left.want(NEW)
    setattr(left, "after_ask" if after else "before_ask", cut(at))

    with pytest.raises(UnreachableError, match="the hotwire is lost"):
        left.update()
    for side, name in ((left, "left"), (right, "right")):
        if restarted in {name, "both"}:
            side.restart()

    assert believe_each_other(left, right)
    left.update()
    assert both_have(left, right, NEW)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("at", range(1, 6))
def test_an_engine_that_does_not_take_a_step_leads_both_back(sides: tuple[Side, Side], at: int, side: str) -> None:
    left, right = sides
    before = transition.of(left.inforce.config)
    left.want(NEW)
    (left if side == "left" else right).engine.refuse = at

    with pytest.raises(ClusterError):
        left.update()

    assert believe_each_other(left, right)
    if (side, at) != ("left", 5):  # the last step of this node: the partner has kept it
        assert transition.of(left.inforce.config) == transition.of(right.inforce.config) == before
    left.update()
    assert both_have(left, right, NEW)


@pytest.mark.parametrize("why", ["link", "engine"])
@pytest.mark.parametrize("refuser", ["left", "right"])
def test_going_back_that_stops_halfway_says_so_beside_what_was_refused(
    sides: tuple[Side, Side], refuser: str, why: str
) -> None:
    left, right = sides
    left.want(NEW)
    (left if refuser == "left" else right).engine.refuse = 3
    third_step = 1 + 3

    def stop(number: int) -> None:
        if number == third_step + 1:
            if why == "link":
                raise UnreachableError("the hotwire is lost")
            raise RefusedError("the engine there does not take it")

    left.before_ask = stop
    with pytest.raises(RefusedError) as caught:
        left.update()

    reason = "the hotwire is lost" if why == "link" else "the engine there does not take it"
    assert caught.value.message == (
        f"the engine does not take it; going back stopped halfway: {reason}; both nodes still believe each other, "
        "and system update interface goes on with it"
    )
    assert believe_each_other(left, right)
    left.before_ask = lambda _number: None
    left.update()
    assert both_have(left, right, NEW)


def test_maintenance_that_waits_for_an_update_at_the_partner_goes_on_waiting(sides: tuple[Side, Side]) -> None:
    left, right = sides
    right.store.maintenance = True
    left.want(NEW)

    left.update()

    assert both_have(left, right, NEW)
    assert right.engine.told is not None
    assert right.engine.told["maintenance"] is False
    asyncio.run(right.inforce.apply())
    assert right.engine.told["maintenance"] is True


def test_two_nodes_that_lead_at_the_same_time_do_not_wait_for_each_other(sides: tuple[Side, Side]) -> None:
    left, right = sides
    left.want(NEW)
    right.want("another one, at the same time")

    async def both() -> list[Any]:
        return await asyncio.gather(
            left.rekeying.apply("admin"), right.rekeying.apply("admin"), return_exceptions=True
        )

    outcomes = asyncio.run(both())

    assert all(isinstance(outcome, ClusterError) for outcome in outcomes), outcomes
    assert believe_each_other(left, right)
