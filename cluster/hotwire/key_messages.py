"""What the nodes say to each other while one of them takes a new key of the hotwire. Pure.

::

    who takes it                partner
    BelieveKeys  ->                         over the link that the former key opened: believe both
                 <-  KeysBelieved           in the running and the start configuration, and in force
    (the new key is used from here on; the link is opened anew with it)
    BelieveKeys  ->                         over that link: only the new one
                 <-  KeysBelieved

Wherever it ends, the partner believes the key that is in use. OpenSSH lets clients learn host keys in the same
manner (its file PROTOCOL, hostkeys-00@openssh.com); here the announced key proves itself by opening the link.
"""

from __future__ import annotations

from cluster.hotwire.words import HotwireAnswer, HotwireAsk


class BelieveKeys(HotwireAsk, frozen=True, kw_only=True, tag="believe-keys"):
    """Believe these keys of mine, and no others -> KeysBelieved.

    Attributes:
        in_use: the one that opened the link, a line; among those that are believed.
        keys: one line each.
        who: the account that asks for it, and where from.
    """

    in_use: str
    keys: tuple[str, ...]
    who: str


class KeysBelieved(HotwireAnswer, frozen=True, tag="keys-believed"):
    """They are, also after a reboot."""
