"""`cluster check`: the requirements and restrictions of a cluster, each passed or failed, and what to do.

Everything but `collect` is pure:

- facts: what the judgement needs to know, as plain values
- collect: gathers the facts of this machine
- points: all points in the order in which they are shown
- setup: points about the configuration and this machine's interfaces
- partner: points about the two nodes together
- followers: points about what this machine's kernel holds for the cluster
- others: points about what else runs on this machine, services and packet filters
- nftrules: what foreign nftables rules do with a packet
- sockets: who listens, from the text of /proc/net/tcp and the like
"""
