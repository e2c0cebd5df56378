"""The text block that one appliance of a cluster shows and the other one is given.

Readable text under ``[Master]`` or ``[Spare]``, one ``Key: value`` a line, in the documented spelling ("adress").
It is copied out of one terminal and pasted into another, with a mail or a chat in between, and so is read by its
keys and not by its lines: case, order, indentation, blank lines, quotation marks and ``>`` around lines, line ends
of any kind and lines broken between two words or inside the key make no difference.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from utmcli.values import MalformedError
from utmcli.wizard.keys import found as found_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Role = Literal["master", "spare"]

INTERFACE, LOCAL, REMOTE, PASSPHRASE, KEY = (
    "Hotwire Interface", "Local IP adress", "Remote IP adress", "Passphrase", "Local SSH Key",
)  # fmt: skip
LABELS: Mapping[Role, tuple[str, ...]] = {
    "master": (INTERFACE, LOCAL, REMOTE, PASSPHRASE, KEY),
    "spare": (INTERFACE, LOCAL, REMOTE, KEY),
}
LONGEST = 16 * 1024
"""Characters of a text that is searched for a block."""

_SPELLINGS = {
    INTERFACE: r"hotwire\s+interface",
    LOCAL: r"local\s+[iu]p(?:\s+add?ress)?",
    REMOTE: r"remote\s+[iu]p(?:\s+add?ress)?",
    PASSPHRASE: r"passphrase",
    KEY: r"local\s+ssh[\s-]+key",
}
"""The documented spellings, and the right ones."""
_LABEL = re.compile(
    "|".join(rf"(?P<_{place}>\b{spelling})\s*:" for place, spelling in enumerate(_SPELLINGS.values())),
    re.IGNORECASE,
)
_HEADER = re.compile(r"\[\s*(master|spare)\s*\]", re.IGNORECASE)
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_AROUND = "\"'`\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb"
"""Quotation marks, as mail programs make them."""
_EDGES = re.compile(rf"^[\s>|{_AROUND}]+|[\s{_AROUND}]+$")
"""Around a line: quotation marks, and what cites it."""
_PLAIN = re.compile(r"[A-Za-z0-9!#$%&()*+,./:;<=?@^_{}~-]+(?: [A-Za-z0-9!#$%&()*+,./:;<=?@^_{}~-]+)*")
_CODED = re.compile(r"\\u([0-9a-f]{6})")


@dataclass(frozen=True, slots=True)
class Block:
    """What one appliance tells the other.

    Attributes:
        role: of the appliance that says it.
        interface: its hotwire; the other one's has the same name. Empty: not said.
        local: its address on the hotwire, with prefix length. Empty: not said.
        remote: the other one's address there. Empty: not said.
        passphrase: of the adverts; a spare says none.
        key: its public key, ``kind base64``.
    """

    role: Role
    interface: str
    local: str
    remote: str
    passphrase: str
    key: str


def render(block: Block) -> str:
    """The block as text, to be copied. It holds the passphrase."""
    values = {
        INTERFACE: block.interface,
        LOCAL: block.local,
        REMOTE: block.remote,
        PASSPHRASE: _encoded(block.passphrase),
        KEY: block.key,
    }
    lines = [f"{label}: {values[label]}" for label in LABELS[block.role] if values[label]]
    return "\n".join([f"[{block.role.capitalize()}]", *lines])


def parse(text: str, role: Role) -> Block:
    """The block of a master or a spare somewhere in a text.

    Args:
        text: as pasted.
        role: whose block it has to be.

    Raises:
        MalformedError: it is none; says what is missing or wrong, and never shows the passphrase.
    """
    section = _section(_cleaned(text), role)
    found = _fields(section)
    if not found:
        raise MalformedError(f"this is no block of a {role}: none of its keys ({_each(LABELS[role])}) is in it")
    key = found_key(found.get(KEY, ""))
    if key is None:
        what = "is cut off, or of a kind that is not accepted" if KEY in found else "is missing"
        raise MalformedError(f'"{KEY}" {what}; a whole key is needed, ssh-ed25519 or ssh-rsa of 2048 bits or more')
    return Block(
        role,
        _word(found, INTERFACE),
        _word(found, LOCAL),
        _word(found, REMOTE),
        _passphrase(found.get(PASSPHRASE, "")) if role == "master" else "",
        key,
    )


def is_whole(text: str, role: Role) -> bool:
    """Whether every key of the block is there, so that nothing more has to be waited for.

    The same for a block of the other role, which `parse` is going to refuse.
    """
    cleaned = _cleaned(text)
    try:
        found = _fields(cleaned)
    except MalformedError:
        return True
    headers = {header[1].casefold() for header in _HEADER.finditer(cleaned)}
    waited = [labels for owner, labels in LABELS.items() if owner == role or headers == {owner}]
    is_there = any(all(found.get(label) for label in labels) for labels in waited)
    return is_there and found_key(found[KEY]) is not None


# --- out of a text ----------------------------------------------------------------------------------


def _cleaned(text: str) -> str:
    """The text without what terminals, mails and chats put around lines."""
    plain = _ESCAPE.sub("", text[:LONGEST])
    visible = "".join(c for c in plain if unicodedata.category(c) != "Cf")
    lines = (_EDGES.sub("", line) for line in visible.splitlines())
    return "\n".join(line for line in lines if line)


def _section(text: str, role: Role) -> str:
    """What stands under the header of this role; everything where there is no header at all."""
    headers = list(_HEADER.finditer(text))
    if not headers:
        return text
    own = [part for header, part in _parts(text, headers) if header[1].casefold() == role]
    if not own:
        other = headers[0][1].capitalize()
        raise MalformedError(f"this is the block under [{other}]; the one under [{role.capitalize()}] is expected")
    return own[-1]


def _parts(text: str, matches: list[re.Match[str]]) -> Iterator[tuple[re.Match[str], str]]:
    """Each match with the text behind it, up to the next one."""
    for place, match in enumerate(matches):
        end = matches[place + 1].start() if place + 1 < len(matches) else len(text)
        yield match, text[match.end() : end]


def _fields(section: str) -> dict[str, str]:
    """Every key with the text behind it, up to the next one.

    Raises:
        MalformedError: a key is there twice, with different values.
    """
    labels = tuple(_SPELLINGS)
    found: dict[str, str] = {}
    for match, part in _parts(section, list(_LABEL.finditer(section))):
        label = labels[int((match.lastgroup or "_0")[1:])]
        value = _HEADER.split(part, maxsplit=1)[0].strip()
        if found.setdefault(label, value).split() != value.split():
            raise MalformedError(f'"{label}" is there twice, with different values')
    return found


def _word(found: Mapping[str, str], label: str) -> str:
    words = found.get(label, "").split()
    return words[0].strip(_AROUND) if words else ""


# --- the passphrase -----------------------------------------------------------------------------------


def _encoded(passphrase: str) -> str:
    r"""The passphrase as a mail leaves it alone: what is not plain becomes ``\u`` and six digits."""
    if _PLAIN.fullmatch(passphrase) and not _LABEL.search(passphrase) and not passphrase.startswith((">", "|")):
        return passphrase
    return "".join(
        c if _PLAIN.fullmatch(c) and c not in ":>" else f"\\u{ord(c):06x}" for c in passphrase
    )


def _passphrase(value: str) -> str:
    lines = value.splitlines()
    if len(lines) > 1:
        raise MalformedError(f'"{PASSPHRASE}" goes on in another line; it has to stand in one, as it was shown')
    text = " ".join(value.strip(_AROUND).split())
    decoded = _CODED.sub(lambda match: chr(min(int(match[1], 16), 0x10FFFF)), text)
    if any(unicodedata.category(c) == "Cs" for c in decoded):
        raise MalformedError(f'"{PASSPHRASE}" holds what is no character; it has to stand as it was shown')
    return decoded


def _each(words: tuple[str, ...]) -> str:
    return ", ".join(words)
