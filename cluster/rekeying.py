"""Changing how adverts are authenticated on both nodes of a live cluster: both accept, then both send.

The node that is asked leads: it lets the partner take each step (cluster/config/transition.py), takes it itself,
and goes on. Nodes at neighbouring steps believe each other, so wherever it ends, there is one master:

    a step fails             both go back, step by step; the running configuration keeps what was wanted
    the hotwire is lost      both stay where they are, also when clusterd starts again, and say so; the next
                             `system update interface` goes on from there
    the last step            the partner keeps it, then this node does, in the running and the start configuration:
                             a reboot must not bring back what the partner does not believe any more

An edit that was forced is for this node alone, as is one while the hotwire is down.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from cluster.config import authentication, scope, transition
from cluster.errors import ClusterError, LockedError, ProtocolError, RefusedError, UnreachableError, by_code
from cluster.hotwire.rekey_messages import RekeyBegin, RekeyReady, RekeyStep, RekeyTaken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from typing import Any

    from cluster.config.store import Store
    from cluster.config.transition import Authentication
    from cluster.events_log import EventLog
    from cluster.hotwire.words import HotwireAnswer, HotwireAsk
    from cluster.inforce import InForce
    from cluster.model import Config
    from cluster.partnership import Partnership

STEP_TIME = 10.0
"""Seconds for one step at the partner: the first one may have to derive a key, the last one waits for its disk."""
TURN_TIME = 3.0
"""Seconds until a change of the partner's own must be over."""
_WHY = "authentication changed on both nodes"
_GOES_ON = "both nodes still believe each other, and system update interface goes on with it"


@asynccontextmanager
async def partners_turn(turn: asyncio.Lock) -> AsyncIterator[None]:
    """Change something here that the partner asked for, and waits for.

    Args:
        turn: held by whatever changes anything.

    Raises:
        LockedError: something else goes on here that takes its time; in words for the partner's administrator.
    """
    try:
        async with asyncio.timeout(TURN_TIME):
            await turn.acquire()
    except TimeoutError:
        raise LockedError("the partner is changing something else; try again") from None
    try:
        yield
    finally:
        turn.release()


class Rekeying:
    """Leads such a change, and follows one that the partner leads.

    Args:
        store: the configurations.
        inforce: what is in force.
        events: what happened.
        partnership: with the other node.
        turn: held by whatever changes anything.

    Attributes:
        answers: what it answers to the partner, by type of ask.
    """

    def __init__(
        self, store: Store, inforce: InForce, events: EventLog, *, partnership: Partnership, turn: asyncio.Lock
    ) -> None:
        self._store, self._inforce, self._events = store, inforce, events
        self._partnership, self._turn = partnership, turn
        self._leading = False
        self._alone: Authentication | None = None
        self.answers: Mapping[type[HotwireAsk], Callable[[Any], Awaitable[HotwireAnswer]]] = {
            RekeyBegin: self._begun,
            RekeyStep: self._stepped,
        }

    # --- leading ------------------------------------------------------------------------------------

    def offer(self) -> tuple[str, ...] | None:
        """Whether the hotwire can carry such a change: what it will do, as warnings; None if it cannot."""
        if not self._partnership.link.state.connected:
            return None
        return ("system update interface changes how adverts are authenticated on both nodes, and keeps it there",)

    def alone(self, after: Config) -> None:
        """Whoever wants this configuration knows that it parts the nodes."""
        self._alone = transition.of(after)

    async def apply(self, who: str) -> tuple[str, ...]:
        """Put the running configuration into force, on both nodes what has to be on both.

        Args:
            who: asks for it, and where from.

        Returns:
            What could not be done, one sentence each.

        Raises:
            ClusterError: why not. Adverts are authenticated as before then, or in a way that both nodes believe.
        """
        before, after = self._inforce.config, self._store.running.config
        wanted, link = transition.of(after), self._partnership.link.state
        if not self._concerns_both(before, after) or wanted == self._alone:
            return await self._inforce.apply()
        if not link.connected:
            if not self._inforce.in_transition and not authentication.outage(before, after):
                return await self._inforce.apply()
            raise RefusedError(
                "how adverts are authenticated has to change on both nodes at once, but the hotwire is down: "
                f"{link.reason}; set it again with force 1 to change this node alone"
            )
        self._leading = True
        try:
            return await self._lead(transition.of(before), wanted, who)
        finally:
            self._leading = False

    def _concerns_both(self, before: Config, after: Config) -> bool:
        """Whether adverts of a live cluster are to be authenticated in another way than now."""
        differs = self._inforce.in_transition or authentication.differ(before, after)
        return before.cluster.enabled and after.cluster.enabled and differs

    async def _lead(self, before: Authentication, after: Authentication, who: str) -> tuple[str, ...]:
        way = transition.steps(before, after)
        if not await self._partner_takes_part(before, after):
            return await self._inforce.apply()
        taken = [before]
        try:
            if self._inforce.in_transition:
                await self._ask(RekeyStep(way=before))  # the partner may be a step ahead or behind
            for step in way[:-1]:
                await self._ask(RekeyStep(way=step))
                taken.append(step)
                await self._inforce.authenticate(step)
            digest, moved = scope.digest(transition.put(self._store.start.config, after)), self._base_moved(after)
            base = "" if moved is None else scope.digest(moved)
            answer = await self._ask(RekeyStep(way=after, final=True, who=who, start_digest=digest, base=base))
        except UnreachableError as error:
            self._events.note("rekey", f"the change of keys stopped halfway, both believe each other: {error}")
            raise UnreachableError(f"{error.message}; {_GOES_ON}") from error
        except ClusterError as error:
            await self._go_back(taken, error)
            raise
        self._keep_start(after, who)
        self._in_common(digest, answer.start_digest, moved, answer.base, who)
        problems = await self._inforce.apply()
        self._events.note("rekey", f"{who} changed how adverts are authenticated, on both nodes")
        return problems

    async def _go_back(self, taken: Sequence[Authentication], refusal: ClusterError) -> None:
        """One of the nodes did not take a step, the partner or this one: back to where both began.

        Raises:
            ClusterError: the refusal, if that stops halfway as well, with why; both believe each other then.
        """
        try:
            for step in reversed(taken[:-1]):
                await self._inforce.authenticate(step)
                await self._ask(RekeyStep(way=step))
        except ClusterError as error:
            text = f"{refusal.message}; going back stopped halfway: {error.message}; {_GOES_ON}"
            self._events.note("rekey", f"the change of keys was refused: {text}")
            raise by_code(refusal.code)(text, refusal.details) from error

    async def _partner_takes_part(self, before: Authentication, after: Authentication) -> bool:
        answer = await self._partnership.link.ask(RekeyBegin(before=before, after=after), STEP_TIME)
        if not isinstance(answer, RekeyReady):
            raise _unexpected(answer)
        return answer.takes_part

    async def _ask(self, step: RekeyStep) -> RekeyTaken:
        answer = await self._partnership.link.ask(step, STEP_TIME)
        if not isinstance(answer, RekeyTaken):
            raise _unexpected(answer)
        return answer

    def _keep_start(self, way: Authentication, who: str) -> None:
        """The start configuration authenticates in the new way from now on; nothing else of it changes."""
        name, config = self._store.start_name, transition.put(self._store.start.config, way)
        self._store.put(name, config, who, _WHY, time.time())

    def _base_moved(self, way: Authentication) -> Config | None:
        """What both had in common last, changed alike; None where that is not sure.

        Without it, the change itself would be taken for an edit of the partner's.
        """
        base = self._store.synced.base
        if base.revision is None or base.offered:
            return None
        return transition.put(self._store.revision(base.revision).config, way)

    def _in_common(self, here: str, there: str, moved: Config | None, base: str, who: str) -> None:
        """Both start configurations changed alike: what both had in common, they still have.

        Args:
            here: digest of the start configuration of this node.
            there: of the partner's.
            moved: what both had in common, as this node knows it.
            base: its digest; empty where they do not agree on it.
            who: asked for the change.
        """
        if here == there:
            self._store.synced.have_common(here, self._store.start_number)
        elif moved is not None and base:
            self._store.synced.move_base(base, moved, who, f"in common with the partner, {_WHY}", time.time())

    # --- following ----------------------------------------------------------------------------------

    async def _begun(self, ask: RekeyBegin) -> RekeyReady:
        if self._leading:
            raise LockedError("the partner changes its keys itself just now; try again")
        way = transition.of(self._inforce.config)
        if not self._inforce.config.cluster.enabled:
            return RekeyReady(takes_part=False)
        if self._inforce.in_transition or way == ask.after:
            return RekeyReady(takes_part=True)
        if way != ask.before:
            raise RefusedError(
                "the partner authenticates adverts in another way than this node already: make both alike with "
                "force 1 first"
            )
        applied = self._store.applied
        if applied is None or applied.digest != self._store.running.digest:
            raise RefusedError(
                "the partner has edits that are not in force: system update interface there first, so that nothing "
                "comes into force unasked"
            )
        return RekeyReady(takes_part=True)

    async def _stepped(self, ask: RekeyStep) -> RekeyTaken:
        async with partners_turn(self._turn):
            try:
                if not ask.final:
                    await self._inforce.authenticate(ask.way)
                    return RekeyTaken()
                return await self._keep(ask)
            finally:
                self._partnership.changed()

    async def _keep(self, ask: RekeyStep) -> RekeyTaken:
        """The last step: in the start configuration, in the running one, and in force."""
        running = transition.put(self._store.running.config, ask.way)
        if running != transition.put(self._inforce.config, ask.way):
            raise LockedError("the partner was edited meanwhile; try again once that is in force there")
        moved = self._base_moved(ask.way)
        self._keep_start(ask.way, ask.who)
        kept = self._store.commit(running, ask.who, _WHY, time.time())
        await self._inforce.put_back(kept)  # no `apply`: maintenance that waits for an update here goes on waiting
        digest = scope.digest(self._store.start.config)
        base = ask.base if moved is not None and ask.base == scope.digest(moved) else ""
        self._in_common(digest, ask.start_digest, moved, base, ask.who)
        self._events.note("rekey", f"{ask.who}, at the partner, changed how adverts are authenticated, on both")
        return RekeyTaken(start_digest=digest, base=base)


def _unexpected(answer: HotwireAnswer) -> ProtocolError:
    return ProtocolError(f"the partner answered {type(answer).__name__} to a change of keys")
