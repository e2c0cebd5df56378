"""The hotwire: the exclusive cable between both nodes, and what they say to each other over it.

::

    words.py, protocol.py   messages and frames (pure)
    state.py                what the link is like, and what follows for sync_state (pure)
    conversation.py         asks, answers and reports over one open connection, whatever carries its bytes
    settings.py             what has to be configured (pure)
    sockets.py              TCP on the hotwire and nowhere else; is the cable plugged
    ssh.py                  asyncssh: the only way in and out, with everything but our subsystem shut
    dialling.py, entrance.py  calling the partner, letting its calls in
    link.py                 both directions kept open; `ask` for the other topics
    keys.py                 our own key
    exchange_*.py           sending a configuration to the other node: messages, both sides, refusals (pure)
    sync.py, sync_receiver.py  the same with store, lease and link: sending, and taking over
"""
