"""The election: which of two nodes is master.

A pure state machine. `Election.handle(event, now)` takes one event and returns the effects its shell carries
out in order; `Election.deadline` says when it wants to be woken by `Tick` at the latest. It reads no clock and
no random source: the same events at the same instants give the same effects.

The rules it follows are stated in the documentation of this package (`cluster/vrrp/__init__.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.units import Nanoseconds, Priority
from cluster.vrrp import events, words
from cluster.vrrp.events import Role
from cluster.vrrp.handover import HOLD, KNOWN_PARTNER_INTERVALS, Errand, Handover, objection, patience
from cluster.vrrp.overview import Standing, overview
from cluster.vrrp.paths import Paths
from cluster.vrrp.priority import AT_ONCE, FAREWELL, NEVER, master_down_interval
from cluster.vrrp.reign import Reign, announce, burst
from cluster.vrrp.vigil import Vigil

if TYPE_CHECKING:
    from collections.abc import Callable


class Election:
    """The election of one node; see the module for its rules.

    Attributes:
        deadline: when `Tick` is wanted at the latest; later than the last `now`, or None for never.
    """

    def __init__(self) -> None:
        self._settings = events.Settings((), enabled=False)
        self._paths = Paths()
        self._effects: list[events.Effect] = []
        self.deadline: Nanoseconds | None = None
        self._only_adverts_until = self._only_silence_until = AT_ONCE
        self._role = Role.OFFLINE
        self._since = Nanoseconds(0)
        self._cause = "the engine has not started"
        self._priority = FAREWELL
        self._vigil = Vigil()
        self._reign = Reign()
        self._handover = Handover()
        self._give_up_at = NEVER
        self._drop_at = NEVER
        self._report: events.PartnerReported | None = None
        self._stopped = False
        self._handlers: dict[type[events.Event], Callable[[Any, Nanoseconds], None]] = {
            events.Started: self._on_start,
            events.Configured: self._on_configured,
            events.Heard: self._on_heard,
            events.HeardTogether: self._on_heard_together,
            events.UsableChanged: self._on_link,
            events.SwitchAsked: self._on_switch,
            events.StopAsked: lambda _event, now: self._leave(Errand.STOP, now),
            events.Resynchronised: self._on_resynchronised,
            events.PartnerReported: self._on_report,
            events.PartnerSilent: self._on_partner_silent,
            events.Tick: lambda _event, _now: None,  # what is due is done after every event
        }

    # --- what the shell calls ---------------------------------------------------------------------

    def handle(self, event: events.Event, now: Nanoseconds) -> list[events.Effect]:
        """Take one event.

        Args:
            event: what happened.
            now: the present instant; never earlier than that of the event before.

        Returns:
            What the shell has to do, in this order.
        """
        if now < self._only_adverts_until and isinstance(event, events.Tick):
            return self._beat(now)
        if (
            now < self._only_silence_until
            and isinstance(event, events.HeardTogether)
            and self._vigil.refrain.again(event.adverts, now)
        ):
            return self._stay()
        if not self._stopped:
            self._handlers[type(event)](event, now)
            while (due := self._soonest()) <= now:
                self._fire(now)
            self.deadline = due if due < NEVER else None
        effects, self._effects = self._effects, []
        return effects

    def switch_refusal(self, now: Nanoseconds, force: bool) -> str | None:
        """Why `cluster switch` is refused, or None if it may be tried.

        Args:
            now: the present instant.
            force: hand over even to a partner that is not heard or has lost more.

        Returns:
            A sentence for the administrator, or None.
        """
        refusal = self._handover.refusal(self._role)
        if force or refusal is not None:
            return refusal
        paths, heard = self._paths.values(), self._vigil.newest
        return objection(paths, self._report, heard, self._priority, since=self._since, now=now)

    def view(self, now: Nanoseconds) -> events.View:
        """The state for `cluster status` and `cluster explain`."""
        return overview(
            Standing(self._role, self._since, self._cause), priority=self._priority, settings=self._settings,
            paths=self._paths, vigil=self._vigil, handover=self._handover, dropping=self._drop_at < NEVER, now=now,
        )

    # --- events -------------------------------------------------------------------------------------

    def _on_heard_together(self, heard: events.HeardTogether, now: Nanoseconds) -> None:
        for advert in heard.adverts:
            self._on_heard(advert, now)
        self._vigil.heard_together(heard.adverts, self._paths, now)

    def _on_partner_silent(self, _event: events.PartnerSilent, now: Nanoseconds) -> None:
        self._report = None
        self._vigil.links_gone(gone=False, now=now)

    def _on_resynchronised(self, _event: events.Resynchronised, _now: Nanoseconds) -> None:
        self._vigil.resynchronised = True

    def _on_start(self, event: events.Started, now: Nanoseconds) -> None:
        self._settings = event.settings
        self._paths = Paths.first(event.settings.interfaces, event.usable)
        self._handover.floor = 0 if event.handed_over else None
        self._since = now
        self._reprioritise(now)
        if not event.settings.enabled:
            self._cause = Errand.OFF.value
            self._effects.append(events.DropAddresses())
        elif event.resume:
            self._role = Role.MASTER
            self._cause = "the engine restarted and resumed the role before the partner could notice"
            self._effects.append(events.TakeAddresses())
            self._advertise(now)
            self._note("resumed", "", self._cause)
        else:
            self._join("the engine started", now)

    def _join(self, cause: str, now: Nanoseconds) -> None:
        """Take part from now on, as backup; addresses of an earlier life go."""
        self._effects.append(events.DropAddresses())
        self._vigil.begin(now)
        self._change_role(Role.BACKUP, f"{cause} and waits for a master to be heard", now)

    def _on_configured(self, event: events.Configured, now: Nanoseconds) -> None:
        old, settings, self._settings = self._settings, event.settings, event.settings
        self._paths = self._paths.reconfigured(settings.interfaces)
        self._vigil.refrain.forget()
        if (old.high, old.maintenance) != (settings.high, settings.maintenance):
            self._handover.floor = None
        if not settings.enabled:
            self._leave(Errand.OFF, now)
        elif self._handover.errand is Errand.OFF:
            self._handover.errand, self._give_up_at = None, NEVER
        elif self._role is Role.OFFLINE:
            self._join("the cluster was switched on on this node", now)
        self._reprioritise(now)
        if self._role is Role.MASTER:
            # Said once: a second advert reaches whoever took over at the first, as that of another master.
            other = (effect for effect in self._effects if not isinstance(effect, events.AdvertiseEverywhere))
            self._effects = [*other, events.TakeAddresses(), *announce(self._paths.values())]
            self._advertise(now)
        self._reconsider(now)

    def _on_link(self, event: events.UsableChanged, now: Nanoseconds) -> None:
        if (path := self._paths.get(event.interface)) is None:
            return
        returned = event.usable and not path.up
        path.tell(event.usable, now, at_once=self._role is Role.OFFLINE)
        self._reprioritise(now)
        if returned and self._role is Role.MASTER:
            self._effects += burst(path, now)
        self._reconsider(now)

    def _on_report(self, report: events.PartnerReported, now: Nanoseconds) -> None:
        both = self._role is Role.MASTER and report.role is Role.MASTER
        known = self._report is not None and self._report.role is Role.MASTER
        # A report may be older than the last change of roles.
        settled = now - self._since > master_down_interval(self._priority, self._settings.advert_interval)
        if both and settled and not known:
            self._note("two-masters", "", "the partner says over the hotwire that it is master as well")
        self._report = report
        self._vigil.links_gone(report.links_gone, now)
        if report.hears:
            self._vigil.barred_until = NEVER
        self._reconsider(now)

    def _on_switch(self, event: events.SwitchAsked, now: Nanoseconds) -> None:
        refusal = self.switch_refusal(now, event.force)
        if refusal is not None:
            self._note("handover-failed", "", refusal)
            return
        self._hand_over(Errand.FORCED if event.force else Errand.SWITCH, now)
        self._give_up_at = Nanoseconds(now + self._settings.advert_interval.nanoseconds * KNOWN_PARTNER_INTERVALS)

    def _on_heard(self, advert: events.Heard, now: Nanoseconds) -> None:
        if (path := self._paths.get(advert.interface)) is None:
            return
        hearing = self._paths.hear(path, advert, now)
        news = self._vigil.heard(hearing, self._paths)
        if self._role is not Role.MASTER:
            if news:
                self._reconsider(now)
            return
        errand = self._handover.errand
        judgement = self._reign.judge(
            path, hearing, self._paths.values(), own=self._priority, interval=self._settings.advert_interval,
            hears_us=() if self._report is None else self._report.hears, leaving=errand is not None, now=now,
        )
        self._effects += judgement.effects
        if judgement.yields:
            if hearing.overruled:
                self._paths.single_out(path, hearing)
            cause = f"{errand.value}: {judgement.yields}" if errand is not None else judgement.yields
            self._yield(hearing.priority, cause, now)
            if judgement.deaf:
                self._vigil.bar(now)

    # --- priority -----------------------------------------------------------------------------------

    def _reprioritise(self, now: Nanoseconds) -> None:
        """Compute the effective priority anew; a master advertises a change at once."""
        priority = self._handover.priority(self._settings, self._paths.lost)
        if priority != self._priority:
            self._priority = priority
            if self._role is Role.MASTER:
                self._advertise(now)

    def _claim(self) -> Priority:
        """The priority with which a backup thinks about preempting: pending losses count."""
        return self._handover.priority(self._settings, self._paths.lost_or_pending)

    # --- roles --------------------------------------------------------------------------------------

    def _reconsider(self, now: Nanoseconds) -> None:
        """A backup asks itself anew whether it should be master."""
        if self._role is not Role.BACKUP:
            return
        if self._handover.floor is not None and self._vigil.handed_back(self._paths, now):
            self._handover.floor = None
            self._reprioritise(now)
        self._vigil.reconsider(self._claim(), self._paths, now)

    def _become_master(self, now: Nanoseconds) -> None:
        cause = self._vigil.take(self._priority, self._claim(), self._settings, self._paths, now)
        self._drop_at = NEVER
        self._handover.floor = None
        self._reprioritise(now)
        self._reign.begin(now)
        self._effects += [events.TakeAddresses(), *announce(self._paths.values())]
        self._advertise(now)
        self._change_role(Role.MASTER, cause, now)

    def _yield(self, successor: Priority, cause: str, now: Nanoseconds) -> None:
        """Become backup, because there is another master; the addresses follow a little later."""
        if self._handover.by_switch:
            self._handover.done(successor)
        self._become_backup(cause, now)
        self._drop_at = Nanoseconds(now + HOLD)

    def _become_backup(self, cause: str, now: Nanoseconds) -> None:
        self._give_up_at = NEVER
        self._reign.end(self._paths.values())
        self._vigil.begin(now)
        self._change_role(Role.BACKUP, cause, now)
        self._reprioritise(now)

    # --- handing over and leaving -------------------------------------------------------------------

    def _hand_over(self, errand: Errand, now: Nanoseconds) -> None:
        """Begin to hand over: the priority falls, everything else goes on."""
        before = self._priority
        self._handover.errand = errand
        self._reprioritise(now)
        self._note("handover-started", "", words.handover(errand.value, before, self._priority))

    def _leave(self, errand: Errand, now: Nanoseconds) -> None:
        """Stop, or be switched off: a master hands over first."""
        if self._handover.errand in (errand, Errand.STOP):
            return
        if self._role is Role.MASTER:
            self._give_up_at = Nanoseconds(now + patience(self._paths.values(), self._report, self._settings))
            self._hand_over(errand, now)
            return
        self._handover.errand = errand
        if self._drop_at == NEVER:
            self._end(errand, now)

    def _give_up(self, errand: Errand, now: Nanoseconds) -> None:
        """The wait for a successor is over: stay for a switch, go in every other case."""
        self._give_up_at = NEVER
        if errand is Errand.SWITCH:
            self._handover.errand = None
            self._note("handover-failed", "", f"{errand.value}: nobody took over, this node stays master")
            self._reprioritise(now)
            return
        if errand is Errand.FORCED:
            self._handover.done(None)
        self._become_backup(f"{errand.value}: nobody took over", now)
        self._drop(now)

    def _drop(self, now: Nanoseconds) -> None:
        """Remove the addresses and say farewell; whoever is leaving leaves now."""
        self._drop_at = NEVER
        self._effects += [events.DropAddresses(), events.AdvertiseEverywhere(FAREWELL)]
        if self._handover.errand is not None:
            self._end(self._handover.errand, now)

    def _end(self, errand: Errand, now: Nanoseconds) -> None:
        """Be silent from now on."""
        self._handover.errand = None
        if self._role is not Role.OFFLINE:
            self._change_role(Role.OFFLINE, errand.value, now)
        if errand is Errand.STOP:
            self._stopped = True
            self._effects.append(events.Stopped())

    # --- time -----------------------------------------------------------------------------------------

    def _soonest(self) -> Nanoseconds:
        """When the next thing is due; notes when that is one that the idle turns do not look for."""
        self._only_adverts_until = self._only_silence_until = AT_ONCE
        if self._role is Role.OFFLINE:
            return NEVER
        paths_due = self._paths.due(self._settings.trigger_delay, serving=self._role is Role.MASTER)
        if self._role is Role.MASTER:
            self._only_adverts_until = besides = min(paths_due, self._reign.repeat_at, self._give_up_at)
            return min(besides, self._reign.next_advert)
        besides = min(paths_due, self._drop_at)
        if self._handover.errand is not None:
            return besides
        vigil, on = self._vigil, (self._priority, self._settings, self._paths)
        self._only_silence_until = besides = min(besides, vigil.due_besides(*on), vigil.barred_until)
        return min(besides, vigil.silence_due(*on))

    def _fire(self, now: Nanoseconds) -> None:
        """Do what is due; offline, nothing ever is."""
        for path in self._paths.values():
            if path.due(self._settings.trigger_delay, serving=self._role is Role.MASTER) <= now:
                path.settle()
                self._reprioritise(now)
                self._note(*words.link(path, self._priority))
                self._reconsider(now)
            if path.burst_due <= now:
                self._effects += burst(path, now)
        if self._role is Role.MASTER:
            self._fire_master(now)
        elif self._handover.errand is None:
            self._fire_backup(now)
        # Last: who takes the role again in this moment keeps the addresses, and says no farewell.
        if self._drop_at <= now:
            self._drop(now)

    def _beat(self, now: Nanoseconds) -> list[events.Effect]:
        """The turns of an idle master: whatever they look at has to be fetched into cold caches."""
        effects = self._reign.beat(now)
        self.deadline = min(self._reign.next_advert, self._only_adverts_until)
        return effects

    def _stay(self) -> list[events.Effect]:
        """The turns of an idle backup: the master has said the same again."""
        silence_due = self._vigil.silence_due(self._priority, self._settings, self._paths)
        self.deadline = min(silence_due, self._only_silence_until)
        return []

    def _fire_master(self, now: Nanoseconds) -> None:
        errand = self._handover.errand
        if errand is not None and self._give_up_at <= now:
            self._give_up(errand, now)
        else:
            self._effects += self._reign.fire(self._paths.values(), now)

    def _fire_backup(self, now: Nanoseconds) -> None:
        if self._vigil.barred_until <= now:
            self._vigil.barred_until = NEVER
            self._reconsider(now)
        if self._vigil.due(self._priority, self._settings, self._paths) <= now:
            self._become_master(now)

    # --- effects --------------------------------------------------------------------------------------

    def _advertise(self, now: Nanoseconds) -> None:
        self._effects += self._reign.advertise(self._priority, self._settings.advert_interval, now)

    def _change_role(self, role: Role, cause: str, now: Nanoseconds) -> None:
        old, self._role, self._since, self._cause = self._role, role, now, cause
        self._effects.append(events.RoleChanged(old, role, cause))

    def _note(self, kind: str, interface: str, text: str) -> None:
        self._effects.append(events.Noted(kind, interface, text))
