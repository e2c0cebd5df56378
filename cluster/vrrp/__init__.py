"""The VRRP engine: a pure core (packet, auth, election) and a thin shell around it (sockets, runtime).

The rules of the election
-------------------------
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

*A worse master* is answered at once, with an advert and announcements (RFC 9568 section 6.4.3). If it is
still heard 20 ms later, it is told of as a second master; the last adverts of one that yields may be late. If it
goes on for a Master_Down_Interval, it does not hear us: loss in one direction. The one who hears yields, because
the deaf one cannot, and does not preempt until the hotwire says that it is heard, or for five minutes. It does not
yield where the partner says over the hotwire that it does hear us: then it is merely slow.

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
