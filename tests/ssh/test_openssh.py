"""OpenSSH, unchanged, against the SSH server."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.ssh import ADDRESS, HOTWIRE, PATIENCE, PROMPT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.ssh import Site

INFO = """\
attribute    |value
-------------+-----
cluster_state|offline
sync_state   |error
hotwire_dev  |LAN3
maintainance |false
"""


def test_a_command_prints_its_result_and_nothing_else(site: Site) -> None:
    done = site.ssh("admin", "cluster", "info")
    assert (done.stdout, done.stderr, done.returncode) == (INFO, "", 0)


def test_the_exit_code_of_a_command_arrives_and_its_error_stays_apart(site: Site) -> None:
    done = site.ssh("admin", "cluster inof")
    assert (done.stdout, done.returncode) == ("", 2)
    assert done.stderr.startswith('% Invalid input: "cluster" has no word "inof"')
    assert site.ssh("admin", "interface delete name LAN9").returncode == 1


def test_a_command_may_end_with_a_filter(site: Site) -> None:
    document = json.loads(site.ssh("admin", "cluster info | json").stdout)
    assert document["hotwire_dev"] == "LAN3"


@pytest.mark.parametrize("words", ["cluster info --json", " --json cluster info", "cluster info | json"])
def test_a_program_gets_json_as_on_a_command_line(site: Site, words: str) -> None:
    done = site.ssh("admin", words)
    assert json.loads(done.stdout)["hotwire_dev"] == "LAN3"
    assert done.returncode == 0


def test_several_commands_give_one_array_of_json(site: Site) -> None:
    done = site.ssh("admin", "cluster info | count\ncluster info | count --json")
    assert json.loads(done.stdout) == [{"value": 4}, {"value": 4}]


def test_several_lines_are_several_commands(site: Site) -> None:
    done = site.ssh("admin", "cluster maintainance get\nsystem ssh get")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("value\n-----\n0\nattribute   |value\n")


def test_a_command_may_read_standard_input(site: Site) -> None:
    done = site.ssh("admin", "system config import name piped", stdin='{"hostname": "piped.local"}')
    assert (done.stdout, done.returncode) == ("OK\n", 0), done.stderr
    assert '"hostname": "piped.local"' in site.ssh("admin", "system config export name piped").stdout
    assert site.ssh("admin", "system config delete name piped").returncode == 0


def test_without_a_terminal_lines_are_answered_behind_a_prompt(site: Site) -> None:
    done = site.ssh("admin", options=["-T"], stdin="cluster maintainance get\ncluster inof\nterminal length 0\n")
    assert done.returncode == 0, "that of the last line"
    first = f"{PROMPT}cluster maintainance get\nvalue\n-----\n0\n"
    assert done.stdout == f"{first}{PROMPT}cluster inof\n{PROMPT}terminal length 0\nOK\n{PROMPT}\n"
    assert "% Invalid input" in done.stderr
    assert "Tab completes" not in done.stdout + done.stderr
    assert "Last login" not in done.stdout + done.stderr


def test_a_prompt_stands_there_before_its_line_is_sent(site: Site) -> None:
    client = subprocess.Popen(
        site.words("admin", "-T"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert client.stdin is not None
    assert client.stdout is not None
    assert client.stdout.read(len(PROMPT)).decode() == PROMPT
    client.stdin.write(b"exit\n")
    client.stdin.close()
    assert client.wait(PATIENCE) == 0


def test_one_connection_carries_many_sessions(site: Site, tmp_path: Path) -> None:
    control = ["-o", f"ControlPath={tmp_path}/c", "-o", "ControlMaster=auto", "-o", "ControlPersist=30"]
    try:
        for _ in range(5):
            done = site.ssh("admin", "cluster info", options=control)
            assert (done.stdout, done.returncode) == (INFO, 0), done.stderr
        assert site.ssh("admin", "cluster inof", options=control).returncode == 2
    finally:
        site.ssh("admin", options=[*control, "-O", "exit"])
    lines = [line.split("|")[-1] for line in site.utmcli("system audit get user admin").splitlines()]
    ours = lines[len(lines) - lines[::-1].index("(login)") - 1 :]
    assert ours == ["(login)", *["cluster info"] * 5, "cluster inof"], "a login is noted once for each connection"


def test_a_password_lets_in(site: Site) -> None:
    done = site.ssh("robot", "cluster maintainance get", password=True)
    assert (done.stdout, done.returncode) == ("value\n-----\n0\n", 0), done.stderr


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["-s", "sftp"], "subsystem request failed"),
        (["-W", "127.0.0.1:22"], "administratively prohibited"),
    ],
)
def test_other_services_are_refused(site: Site, words: list[str], answer: str) -> None:
    option, argument = words
    if option == "-s":
        done = site.ssh("admin", argument, options=["-s"])
    else:
        done = site.ssh("admin", options=[option, argument])
    assert done.returncode != 0
    assert answer in done.stderr


def test_a_forwarding_to_us_and_an_agent_are_refused_and_the_command_is_answered_all_the_same(site: Site) -> None:
    done = site.ssh("admin", "cluster info", options=["-A", "-R", "7070:127.0.0.1:22", "-X"])
    assert done.stdout == INFO
    assert "remote port forwarding failed" in done.stderr


def test_files_cannot_be_copied(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    trust = ["-o", f"UserKnownHostsFile={site.known_hosts}", "-o", "StrictHostKeyChecking=accept-new"]
    for protocol in ([], ["-O"]):
        words = ["scp", *protocol, "-F", "none", *trust, "-i", str(site.key), str(tmp_path / "file")]
        done = subprocess.run(
            site.client.command(*words, f"admin@{ADDRESS}:/tmp/never"),
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode != 0
        assert "Traceback" not in done.stderr


def test_nobody_logs_in_on_the_hotwire(site: Site) -> None:
    assert site.ssh("admin", "cluster info").returncode == 0
    done = subprocess.run(
        [*site.words("admin", address=HOTWIRE), "cluster", "info"],
        capture_output=True, text=True, timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert (done.stdout, done.returncode) == ("", 255)


def test_a_restarted_shell_host_is_known_to_its_clients(site: Site) -> None:
    assert site.ssh("admin", "cluster info").returncode == 0
    known = site.known_hosts.read_text()
    site.restart_shell_host()
    done = site.ssh("admin", "cluster info", options=["-o", "StrictHostKeyChecking=yes"])
    assert (done.stdout, done.returncode) == (INFO, 0), done.stderr
    assert site.known_hosts.read_text() == known
    host_key = site.appliance.state / "ssh_host_ed25519_key"
    assert host_key.stat().st_mode & 0o777 == 0o600


def test_a_command_that_goes_on_for_ever_ends_with_its_client(site: Site) -> None:
    client = subprocess.Popen([*site.words("admin"), "cluster events follow 1"], stdout=subprocess.PIPE)
    assert client.stdout is not None
    assert client.stdout.readline().startswith(b"id")
    client.terminate()
    client.wait(PATIENCE)
    done = site.ssh("admin", "cluster info")
    assert done.stdout == INFO
