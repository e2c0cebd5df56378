"""What conntrackd 1.4.7 printed in the lab, after three takeovers with 210 connections."""

COUNTERS = """\
cache internal:
current active connections:\t         210
connections created:\t\t         630\tfailed:\t           0
connections updated:\t\t           0\tfailed:\t           0
connections destroyed:\t\t         630\tfailed:\t           0

external inject:
connections created:\t\t         840\tfailed:\t           1
connections updated:\t\t         645\tfailed:\t           2
connections destroyed:\t\t           7\tfailed:\t           3

traffic processed:
                   0 Bytes                         0 Pckts

UDP traffic (active device=LAN3):
              126664 Bytes sent               143676 Bytes recv
                 134 Pckts sent                  741 Pckts recv
                   4 Error send                    5 Error recv

message tracking:
                   6 Malformed msgs                    8 Lost msgs

"""

QUEUES = """\
allocated queue nodes:\t\t           1

queue txqueue:
current elements:\t\t           9
maximum elements:\t\t  2147483647
not enough space errors:\t           1

queue errorq:
current elements:\t\t           0
maximum elements:\t\t         128
not enough space errors:\t           2

queue rsqueue:
current elements:\t\t          11
maximum elements:\t\t      262144
not enough space errors:\t           4

"""

RUNTIME = """\
daemon uptime: 0 min

netlink stats:
\tevents received:\t                2330
\tevents filtered:\t                   5
\tevents unknown type:\t\t           0
\tcatch event failed:\t\t           0
\tdump unknown type:\t\t           0
\tnetlink overrun:\t\t          12
\tflush kernel table:\t\t           0
\tresync with kernel table:\t           3
\tcurrent buffer size (in bytes):\t     2097152

runtime stats:
\tchild process failed:\t\t           0
"""

EXTERNAL_CACHE = """\
cache internal:
current active connections:\t         120
connections created:\t\t         120\tfailed:\t           0
connections updated:\t\t         240\tfailed:\t           0
connections destroyed:\t\t           0\tfailed:\t           0

cache external:
current active connections:\t           0
connections created:\t\t           0\tfailed:\t           0
connections updated:\t\t           0\tfailed:\t           0
connections destroyed:\t\t           0\tfailed:\t           0

UDP traffic (active device=LAN3):
                9260 Bytes sent                   64 Bytes recv
                 125 Pckts sent                    4 Pckts recv
                   0 Error send                    0 Error recv

message tracking:
                   0 Malformed msgs                    0 Lost msgs

"""
