"""Applications: what runs on the master only, and what an administrator starts and stops (`appmgmt`).

An application is down on a backup if `cluster backup_disable` names it, and is started on the master if it has the
flag AUTOSTART; table.py is all of that, pure. Where systemd runs, an application is units of Debian packages
(units.py); elsewhere it is a program that an administrator dropped in (dropins.py) and that clusterd supervises
(programs.py).

follower.py follows the role, aside: nobody waits for an application, neither the addresses nor the other followers.
It acts on changes only. What an administrator did by hand stays until the role changes; what could not be done is
tried again with the next update.
"""
