"""`python -m utmcli`: the command line of app.py, with a process title that says ``utmcli serve``."""

from __future__ import annotations

from utmcli.app import main

if __name__ == "__main__":
    main()
