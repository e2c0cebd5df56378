"""The election: which of two nodes is master.

A pure state machine. `Election.handle(event, now)` takes one event and returns the effects its shell carries
out in order; `Election.deadline` says when it wants to be woken by `Tick` at the latest. It reads no clock and
no random source: the same events at the same instants give the same effects.

The rules
---------
*One role.* A node has one role for all its HA interfaces. Each interface runs one virtual router, and all
their adverts carry the same effective priority:

    254 - 3 x lost interfaces - rank        rank: 0 configured high, 1 low, 2 handed over
    2 (high) or 1 (low)                     in maintenance
    1                                       while stopping, switched off, or switching by force

So links dominate, the configured priority breaks ties, and the skew stays small. A change is advertised at once.

*Links* count after the delay of the settings; on a node that is not master a recovery counts a second later, so
that a switch which serves both nodes and reboots moves nothing. For the same reason a backup that thinks
about preempting already counts its own pending losses.

*A backup takes over*
  - on silence: no advert on any HA interface for Master_Down_Interval = 3 x interval + skew, where the skew is
    (256 - priority) / 256 x interval (RFC 9568 section 6.1) and the interval is the master's (section 6.4.2);
  - a skew after the master's farewell, priority 0;
  - a skew after the partner said over the hotwire that its HA links are gone, unless it is heard after all;
  - by preemption: a skew after it first heard a master worse than itself, and no sooner than its connections
    are resynchronised or the limit for that has passed.

*A master yields* when it hears a better one on any HA interface. Its equal it yields to if its own address is
the lower one, compared on the lowest VRID on which it hears the other: addresses may be crossed between two
interfaces, and comparing on both would leave no master. On any other interface than the one with the lowest VRID
of all it waits an interval with that, so that the lower ones have their say.

*A worse master* is answered at once, with an advert and announcements (RFC 9568 section 6.4.3). If it goes on for a
Master_Down_Interval, it does not hear us: loss in one direction. The one who hears yields, because the deaf one
cannot, and does not preempt until the hotwire says that it is heard, or for five minutes.

*Addresses outlive the role* by 20 ms: packets are still under way to the old master when it hears the new one.
After it has removed them it says priority 0, which the new master answers with announcements, since the last ARP
reply heard by a client may have been the old master's.

*Handing over* is nothing but a lowered priority: the master keeps serving until it hears a better one. Whether a
silent partner is there, only the attempt can show:
  - maintenance waits for ever: the node is the last resort;
  - a switch that nobody answers is taken back. Its priority is that of a node that has lost as little, less
    the rank 2, so a partner that has lost more does not answer;
  - by force, when stopping, and when switched off, the role is given up with priority 0 after a bounded wait. A
    partner that is known to hear us gets four intervals, which cover three lost adverts and any skew. Of an unknown
    one we expect to be in our own condition, and wait 40 ms and twice its skew. Where nobody can hear us, we do
    not wait at all.

*Handed over* remains on the old master, so that it does not take the role back, until it is master again, until the
partner hands the role to it, or until priority or maintenance are configured anew.

*A stopped or switched-off node* is OFFLINE and silent.
"""

from __future__ import annotations

from cluster.units import NANOSECONDS_PER_SECOND, Nanoseconds, Priority
from cluster.vrrp import words
from cluster.vrrp.events import (
    Advertise,
    Configured,
    DropAddresses,
    Effect,
    Event,
    HaInterface,
    Heard,
    Noted,
    PartnerReported,
    PartnerSilent,
    Resynchronised,
    Role,
    RoleChanged,
    Settings,
    Started,
    StopAsked,
    Stopped,
    SwitchAsked,
    TakeAddresses,
    UsableChanged,
    View,
)
from cluster.vrrp.handover import KNOWN_PARTNER_INTERVALS, Errand, Handover, objection, patience
from cluster.vrrp.paths import Path
from cluster.vrrp.priority import FAREWELL, NEVER, master_down_interval
from cluster.vrrp.reign import Reign, announce, burst
from cluster.vrrp.vigil import Vigil

HOLD = Nanoseconds(20_000_000)
"""How long addresses outlive the role: on a path of 5 ms, 5 ms lost packets and 20 ms lost none (measured)."""
BACKUP_RECOVERY_EXTRA = NANOSECONDS_PER_SECOND
"""A backup counts a link's recovery this much later than a master does."""
ONE_WAY_BAR = 300 * NANOSECONDS_PER_SECOND
"""How long a master that was not heard does not preempt."""


class Election:
    """The election of one node; see the module for its rules."""

    def __init__(self) -> None:
        self._settings = Settings((), enabled=False)
        self._paths: dict[str, Path] = {}
        self._effects: list[Effect] = []
        self._deadline: Nanoseconds | None = None
        self._paths_due = NEVER
        self._role = Role.OFFLINE
        self._since = Nanoseconds(0)
        self._cause = "the engine has not started"
        self._priority = FAREWELL
        self._vigil = Vigil()
        self._reign = Reign()
        self._handover = Handover()
        self._give_up_at = NEVER
        self._drop_at = NEVER
        self._report: PartnerReported | None = None
        self._stopped = False

    # --- what the shell calls ---------------------------------------------------------------------

    def handle(self, event: Event, now: Nanoseconds) -> list[Effect]:
        """Take one event.

        Args:
            event: what happened.
            now: the present instant; never earlier than that of the event before.

        Returns:
            What the shell has to do, in this order.
        """
        if not self._stopped:
            # An advert changes nothing that a backup's interfaces wait for, and asking 60 of them takes a while.
            routine = self._role is Role.BACKUP and isinstance(event, Heard)
            self._dispatch(event, now)
            if not routine:
                self._ask_paths()
            due = self._soonest()
            while due <= now:
                self._fire(now)
                self._ask_paths()
                due = self._soonest()
            self._deadline = due if due < NEVER else None
        effects, self._effects = self._effects, []
        return effects

    @property
    def deadline(self) -> Nanoseconds | None:
        """When `Tick` is wanted at the latest; later than the last `now`, or None for never."""
        return self._deadline

    def switch_refusal(self, now: Nanoseconds, force: bool) -> str | None:
        """Why `cluster switch` is refused, or None if it may be tried.

        Args:
            now: the present instant.
            force: hand over even to a partner that is not heard or has lost more.

        Returns:
            A sentence for the administrator, or None.
        """
        if self._role is not Role.MASTER:
            return f"this node is {self._role.value}: only the master can hand over"
        if self._handover.errand is not None:
            return f"a handover is under way already ({self._handover.errand.value})"
        if force:
            return None
        return objection(self._paths.values(), self._report, self._vigil.newest, self._priority, now)

    def view(self, now: Nanoseconds) -> View:
        """The state for `cluster status` and `cluster explain`."""
        paths, handover = self._paths.values(), self._handover
        interval = self._settings.advert_interval
        if self._role is Role.BACKUP:
            interval = self._vigil.interval(self._settings)
        return View(
            role=self._role,
            since=self._since,
            cause=self._cause,
            priority=self._priority,
            handing_over=handover.errand is not None or self._drop_at < NEVER,
            holding=self._role is Role.MASTER or self._drop_at < NEVER,
            master_down_interval=master_down_interval(self._priority, interval),
            paths=tuple(path.view() for path in paths),
            explanation=(
                f"this node is {self._role.value}: {self._cause}",
                *words.condition(paths, self._priority, self._settings, handed_over=handover.floor is not None),
                *self._vigil.explanation(now),
            ),
            handed_over=handover.floor is not None,
        )

    # --- events -------------------------------------------------------------------------------------

    def _dispatch(self, event: Event, now: Nanoseconds) -> None:
        match event:
            case Heard():
                self._on_heard(event, now)
            case UsableChanged():
                self._on_link(event, now)
            case PartnerReported():
                self._on_report(event, now)
            case PartnerSilent():
                self._report = None
                self._vigil.links_gone(gone=False, now=now)
            case Resynchronised():
                self._vigil.resynchronised = True
            case Started():
                self._on_start(event, now)
            case Configured():
                self._on_configured(event.settings, now)
            case SwitchAsked():
                self._on_switch(event, now)
            case StopAsked():
                self._leave(Errand.STOP, now)

    def _on_start(self, event: Started, now: Nanoseconds) -> None:
        self._settings = event.settings
        self._paths = {
            interface.name: Path(interface, interface.name in event.usable)
            for interface in event.settings.interfaces
        }
        self._handover.floor = 0 if event.handed_over else None
        self._since = now
        self._reprioritise(now)
        if not event.settings.enabled:
            self._cause = Errand.OFF.value
            self._effects.append(DropAddresses())
        elif event.resume:
            self._role = Role.MASTER
            self._cause = "the engine restarted and resumed the role before the partner could notice"
            self._effects.append(TakeAddresses())
            self._advertise(now)
            self._note("resumed", "", self._cause)
        else:
            self._join("the engine started", now)

    def _join(self, cause: str, now: Nanoseconds) -> None:
        """Take part from now on, as backup; addresses of an earlier life go."""
        self._effects.append(DropAddresses())
        self._vigil.begin(now)
        self._change_role(Role.BACKUP, f"{cause} and waits for a master to be heard", now)

    def _on_configured(self, settings: Settings, now: Nanoseconds) -> None:
        old, self._settings = self._settings, settings
        self._paths = {interface.name: self._path_for(interface) for interface in settings.interfaces}
        if (old.high, old.maintenance) != (settings.high, settings.maintenance):
            self._handover.floor = None
        if not settings.enabled:
            self._leave(Errand.OFF, now)
        elif self._handover.errand is Errand.OFF:
            self._handover.errand = None
            self._give_up_at = NEVER
        elif self._role is Role.OFFLINE:
            self._join("the cluster was switched on on this node", now)
        self._reprioritise(now)
        if self._role is Role.MASTER:
            self._effects += [TakeAddresses(), *announce(self._paths.values())]
            self._advertise(now)
        self._reconsider(now)

    def _path_for(self, interface: HaInterface) -> Path:
        """The path of an interface goes on, unless it became another virtual router."""
        path = self._paths.get(interface.name)
        if path is None or path.interface.vrid != interface.vrid:
            return Path(interface, path.up if path else None)
        path.interface = interface
        return path

    def _on_link(self, event: UsableChanged, now: Nanoseconds) -> None:
        path = self._paths.get(event.interface)
        if path is None:
            return
        returned = event.usable and not path.up
        path.tell(event.usable, now, at_once=self._role is Role.OFFLINE)
        self._reprioritise(now)
        if returned and self._role is Role.MASTER:
            self._effects += burst(path, now)
        self._reconsider(now)

    def _on_report(self, report: PartnerReported, now: Nanoseconds) -> None:
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

    def _on_switch(self, event: SwitchAsked, now: Nanoseconds) -> None:
        refusal = self.switch_refusal(now, event.force)
        if refusal is not None:
            self._note("handover-failed", "", refusal)
            return
        interval = self._settings.advert_interval
        self._hand_over(Errand.FORCED if event.force else Errand.SWITCH, now)
        self._give_up_at = Nanoseconds(now + KNOWN_PARTNER_INTERVALS * interval.nanoseconds)

    def _on_heard(self, advert: Heard, now: Nanoseconds) -> None:
        path = self._paths.get(advert.interface)
        if path is None:
            return
        hearing = path.hear(advert, now)
        self._vigil.heard(hearing)
        if self._role is not Role.MASTER:
            self._reconsider(now)
            return
        errand = self._handover.errand
        judgement = self._reign.judge(
            path,
            hearing,
            self._paths.values(),
            own=self._priority,
            interval=self._settings.advert_interval,
            known_to_hear=self._report is not None and bool(self._report.hears),
            leaving=errand is not None,
            now=now,
        )
        self._effects += judgement.effects
        if judgement.yields:
            if hearing.overruled:
                path.single_out(hearing)
            cause = f"{errand.value}: {judgement.yields}" if errand is not None else judgement.yields
            self._yield(hearing.priority, cause, now)
            if judgement.deaf:
                self._vigil.barred_until = Nanoseconds(now + ONE_WAY_BAR)

    # --- priority -----------------------------------------------------------------------------------

    def _reprioritise(self, now: Nanoseconds) -> None:
        """Compute the effective priority anew; a master advertises a change at once."""
        lost = sum(not path.usable for path in self._paths.values())
        priority = self._handover.priority(self._settings, lost)
        if priority != self._priority:
            self._priority = priority
            if self._role is Role.MASTER:
                self._advertise(now)

    def _claim(self) -> Priority:
        """The priority with which a backup thinks about preempting: pending losses count."""
        paths = self._paths.values()
        if not any(path.pending for path in paths):
            return self._priority
        lost = sum(not path.usable or path.pending for path in paths)
        return self._handover.priority(self._settings, lost)

    # --- roles --------------------------------------------------------------------------------------

    def _reconsider(self, now: Nanoseconds) -> None:
        """A backup asks itself anew whether it should be master."""
        if self._role is not Role.BACKUP:
            return
        paths = self._paths.values()
        if self._handover.floor is not None and self._vigil.handed_back(paths, now):
            self._handover.floor = None
            self._reprioritise(now)
        self._vigil.reconsider(self._claim(), paths, now)

    def _become_master(self, now: Nanoseconds) -> None:
        paths = self._paths.values()
        cause = self._vigil.take(self._priority, self._claim(), self._settings, paths, now)
        self._drop_at = NEVER
        self._handover.floor = None
        self._reprioritise(now)
        self._reign.begin(now)
        self._effects += [TakeAddresses(), *announce(paths)]
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
        self._effects += [DropAddresses(), *(Advertise(name, FAREWELL) for name in self._paths)]
        if self._handover.errand is not None:
            self._end(self._handover.errand, now)

    def _end(self, errand: Errand, now: Nanoseconds) -> None:
        """Be silent from now on."""
        self._handover.errand = None
        if self._role is not Role.OFFLINE:
            self._change_role(Role.OFFLINE, errand.value, now)
        if errand is Errand.STOP:
            self._stopped = True
            self._effects.append(Stopped())

    # --- time -----------------------------------------------------------------------------------------

    def _soonest(self) -> Nanoseconds:
        """When the next thing is due."""
        if self._role is Role.OFFLINE:
            return NEVER
        soonest = min(self._drop_at, self._paths_due)
        if self._role is Role.MASTER:
            return min(soonest, self._reign.next_advert, self._reign.repeat_at, self._give_up_at)
        if self._handover.errand is None:
            vigil = self._vigil
            return min(soonest, vigil.due(self._priority, self._settings, self._paths.values()), vigil.barred_until)
        return soonest

    def _ask_paths(self) -> None:
        """When the first of the interfaces wants something: a pending link, or announcements that had to wait."""
        self._paths_due = NEVER
        for path in self._paths.values():
            if path.pending or path.burst_due < NEVER:
                self._paths_due = min(self._paths_due, self._link_due(path), path.burst_due)

    def _link_due(self, path: Path) -> Nanoseconds:
        """When the pending change of a link will count."""
        if not path.pending:
            return NEVER
        delay = self._settings.trigger_delay.nanoseconds
        return path.due(delay, delay if self._role is Role.MASTER else delay + BACKUP_RECOVERY_EXTRA)

    def _fire(self, now: Nanoseconds) -> None:
        """Do what is due."""
        for path in self._paths.values():
            if self._link_due(path) <= now:
                path.settle()
                self._reprioritise(now)
                self._note(*words.link(path, self._priority))
                self._reconsider(now)
            if path.burst_due <= now:
                self._effects += burst(path, now)
        if self._drop_at <= now:
            self._drop(now)
        if self._role is Role.MASTER:
            self._fire_master(now)
        elif self._role is Role.BACKUP and self._handover.errand is None:
            self._fire_backup(now)

    def _fire_master(self, now: Nanoseconds) -> None:
        errand = self._handover.errand
        if errand is not None and self._give_up_at <= now:
            self._give_up(errand, now)
        else:
            interval = self._settings.advert_interval
            self._effects += self._reign.fire(self._paths.values(), self._priority, interval, now)

    def _fire_backup(self, now: Nanoseconds) -> None:
        if self._vigil.barred_until <= now:
            self._vigil.barred_until = NEVER
            self._reconsider(now)
        if self._vigil.due(self._priority, self._settings, self._paths.values()) <= now:
            self._become_master(now)

    # --- effects --------------------------------------------------------------------------------------

    def _advertise(self, now: Nanoseconds) -> None:
        interval = self._settings.advert_interval
        self._effects += self._reign.advertise(self._paths.values(), self._priority, interval, now)

    def _change_role(self, role: Role, cause: str, now: Nanoseconds) -> None:
        old, self._role, self._since, self._cause = self._role, role, now, cause
        self._effects.append(RoleChanged(old, role, cause))

    def _note(self, kind: str, interface: str, text: str) -> None:
        self._effects.append(Noted(kind, interface, text))
