"""Two appliances, a router and a client on one machine, in network namespaces: `utmcli lab`.

plan.py       what a lab consists of: nodes, cables, addresses (pure)
factory.py    the configurations its appliances start with (pure)
wiring.py     the same as scripts for ip(8) (pure)
identity.py   processes by pid and start time, so that no stranger is ever killed
home.py       the directory of one lab: record, lock, clearing up after a crash
init.py       process 1 of a node
node.py       boots a node and ends it
warden.py     the process that owns a lab's namespaces and answers requests about them
remote.py     how the commands ask the warden
roles.py      how the commands ask each appliance for its role
enter.py      runs a command inside a node
life.py       up and down, and a lab for as long as a shell is open
commands.py   the words of the command line
"""
