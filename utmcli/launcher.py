"""The quickest way to `utmcli`: a script for one installation, which knows where its python and its client are.

`python -I -m utmcli.launcher FILE` writes it. The script of an installer has to find both and takes a shell for it,
which is a tenth of a command's time. Either runs what Python keeps compiled of client.py, by the rules for modules:
what is stale, or of another Python, is compiled again.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

LONGEST = 127
"""Bytes of a first line that every kernel reads whole, execve(2)."""

QUICK = """\
#!{python} -IS
# Written by utmcli/launcher.py, for this installation only.
import sys
from _frozen_importlib_external import SourceFileLoader
client = sys.argv[0] = {client}
try:
    code = SourceFileLoader("__main__", client).get_code("__main__")
except OSError as error:
    sys.exit(f"% Error: utmcli is not where it was: {{error}}")
except Exception: # what was kept is damaged
    code = open(client).read()
exec(code)
"""
SAFE = """\
#!/bin/sh
# Written by utmcli/launcher.py, for this installation only: its path does not fit into the first line.
exec {python} -I -S {client} "$@"
"""


def text(python: str, client: str) -> str:
    """The script.

    Args:
        python: path of the interpreter.
        client: path of client.py.
    """
    fits = len(os.fsencode(f"#!{python} -IS")) <= LONGEST and not any(map(str.isspace, python))
    if fits:
        return QUICK.format(python=python, client=ascii(client))
    return SAFE.format(python=shlex.quote(python), client=shlex.quote(client))


def write(file: Path) -> None:
    """Write the script for this installation, in the place of a file or link that is there.

    Raises:
        OSError: it cannot be written.
    """
    fresh = file.with_name(f".{file.name}.new")
    fresh.write_bytes(os.fsencode(text(sys.executable, str(Path(__file__).with_name("client.py")))))
    fresh.chmod(0o755)
    fresh.replace(file)


if __name__ == "__main__":
    try:
        write(Path(sys.argv[1]))
    except (IndexError, OSError) as error:
        sys.exit(f"% Error: {error}" if isinstance(error, OSError) else "usage: python -I -m utmcli.launcher FILE")
