"""The SSH server for administrators: their shell, their commands, and nothing else.

throttle.py    how long a password has to wait, by account and by source (pure)
entrance.py    how many strangers may stand at the door, and who has to leave for the next one (pure)
discipline.py  the line editing of a terminal driver, for terminals without a kernel (pure)
hostkey.py     the key by which clients know this node: made once
listener.py    the listening socket, bound while the shell host still may
console.py     an SSH channel as a console
channel.py     what happens in a channel: the shell, or one command
door.py        one connection, until somebody is let in
server.py      all of them

asyncssh takes a third of a second to import, so that only door.py, channel.py and server.py do it, and the shell
host imports those when it serves consoles already.
"""
