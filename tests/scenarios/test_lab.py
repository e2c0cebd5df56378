"""The lab keeps the promises that scripts rely on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pytest

from tests.support.lab import UTMCLI, Lab, eventually, lab_name

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.netns, pytest.mark.xdist_group("lab")]

STRANGER = 4711
"""A uid that is nobody's."""


@pytest.fixture
def spare_name() -> Iterator[Lab]:
    """A name no lab has; whatever a test builds under it is gone afterwards."""
    lab = Lab(lab_name("other"))
    yield lab
    lab.down()


# --- commands inside a node ---------------------------------------------------------------------------


def test_a_command_runs_on_the_node_it_names(lab: Lab) -> None:
    assert lab.exec("spare", "hostname") == "spare.cluster.local\n"
    assert "192.168.200.10/24" in lab.exec("client", "ip", "-brief", "address")
    assert "192.168.175.1/24" in lab.exec("router", "ip", "-brief", "address")


def test_the_documented_words_work_as_they_are_documented(lab: Lab) -> None:
    words = [UTMCLI, "lab", "exec", "--name", lab.name, "spare", "--", "utmcli", "cluster", "info"]

    done = subprocess.run(words, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("attribute    |value\n-------------+-----\ncluster_state|backup\n")


def test_utmcli_on_a_node_talks_to_that_node(lab: Lab) -> None:
    assert lab.info("master")["cluster_state"] == "master"
    assert lab.info("spare")["cluster_state"] == "backup"


def test_a_commands_exit_code_input_output_and_directory_pass_through(lab: Lab, tmp_path: Path) -> None:
    script = "cat; pwd; echo careful >&2; exit 7"

    done = subprocess.run(
        lab.command("exec", "client", "--", "sh", "-c", script),
        input="words\n", capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip

    assert (done.returncode, done.stdout, done.stderr) == (7, f"words\n{tmp_path}\n", "careful\n")


def test_a_command_ended_by_a_signal_says_so_as_a_shell_would(lab: Lab) -> None:
    assert lab.run("exec", "client", "--", "sh", "-c", "kill -9 $$", check=False).returncode == 128 + 9


def test_a_signal_reaches_the_command(lab: Lab) -> None:
    script = "trap 'echo told; exit 5' TERM; echo ready; while :; do sleep 0.1; done"
    with lab.popen("client", "sh", "-c", script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.stdout.readline() == "told\n"
    assert process.returncode == 5


def test_a_command_does_not_outlive_a_killed_exec(lab: Lab) -> None:
    with lab.popen("client", "sleep", "4242") as process:
        eventually(lambda: lab.pids("client", "sleep 4242") != [])
        process.kill()
    eventually(lambda: lab.pids("client", "sleep 4242") == [])


@pytest.mark.parametrize("program", ["sh", "bash"])
def test_a_shell_on_a_node_has_its_terminal_and_job_control(lab: Lab, program: str) -> None:
    options = ["--norc"] if program == "bash" else []
    command, *words = lab.command("exec", "client", "--", "env", "PS1=$ ", program, *options)
    shell = pexpect.spawn(command, words, encoding="utf-8", echo=False)
    shell.expect_exact("$ ")
    shell.sendline("sleep 300")
    eventually(lambda: lab.pids("client", "sleep 300") != [])
    shell.sendintr()
    shell.expect_exact("$ ")
    shell.sendline("echo still $((40 + 2))")
    shell.expect_exact("still 42")
    shell.sendline("exit 3")
    shell.expect(pexpect.EOF)
    shell.close()

    assert "job control" not in str(shell.before)
    assert shell.exitstatus == 3


def test_a_stopped_command_goes_on_in_the_foreground(lab: Lab) -> None:
    command, *words = lab.command("exec", "client", "--", "cat")
    shell = pexpect.spawn("bash", ["--norc"], encoding="utf-8", echo=False)
    shell.sendline(" ".join([command, *words]))
    eventually(lambda: lab.pids("client", "^cat$") != [])
    shell.sendcontrol("z")
    shell.expect_exact("Stopped")
    shell.sendline("fg")
    shell.sendline("through the cat")
    shell.expect_exact("through the cat")
    shell.sendeof()
    shell.sendline("echo code $?")
    shell.expect_exact("code 0")


def test_a_node_loses_power_although_a_stopped_command_is_on_it(lab: Lab) -> None:
    command, *words = lab.command("exec", "spare", "--", "sleep", "4343")
    shell = pexpect.spawn("bash", ["--norc"], encoding="utf-8", echo=False)
    shell.sendline(" ".join([command, *words]))
    eventually(lambda: lab.pids("spare", "sleep 4343") != [])
    shell.sendcontrol("z")
    shell.expect_exact("Stopped")

    lab.kill("spare")

    assert sorted(lab.home.running().nodes) == ["client", "master", "router", "switch"]
    shell.sendline("echo still $((40 + 2))")
    shell.expect_exact("still 42")
    shell.expect_exact("Killed")


NEGLIGENT = """
import ctypes, os, sys, time
node = os.open(f"/proc/{sys.argv[1]}/ns/pid", os.O_RDONLY)
if ctypes.CDLL(None).setns(node, 0) or os.fork():
    print("in", flush=True)
time.sleep(600)
"""
"""A parent outside whose child is on the node, and who never collects its death."""


def test_a_node_that_does_not_end_is_told_and_the_lab_goes_on(lab: Lab) -> None:
    init = lab.home.running().nodes["spare"].pid
    with subprocess.Popen([sys.executable, "-c", NEGLIGENT, str(init)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"in\n"

        done = lab.run("kill", "spare", check=False)

        parent.kill()
    assert (done.returncode, done.stderr) == (
        1,
        "% Error: spare has no power, but something of it did not end within 10 s\n",
    )
    eventually(lambda: sorted(lab.home.running().nodes) == ["client", "master", "router", "switch"])


def test_a_program_that_does_not_exist_is_named(lab: Lab) -> None:
    done = lab.run("exec", "client", "--", "no-such-program", check=False)

    assert done.returncode == 127
    assert done.stderr == "% Error: no-such-program: command not found\n"


def test_processes_of_other_nodes_are_out_of_sight(lab: Lab) -> None:
    assert len(lab.pids("master", "cluster.vrrp")) == 1
    assert lab.pids("client", "cluster.vrrp") == []


# --- power, cables, status ----------------------------------------------------------------------------


def test_the_status_shows_nodes_roles_and_cables(lab: Lab) -> None:
    lab.link("master", "LAN1", "down")
    lab.kill("spare")

    assert lab.run("status").stdout == (
        "node  |power|role  |LAN1|LAN2|LAN3\n"
        "------+-----+------+----+----+----\n"
        "master|on   |master|down|up  |up\n"
        "spare |off  |      |up  |up  |up\n"
        "client|on   |      |    |up  |\n"
        "router|on   |      |up  |    |\n"
    )


def test_a_pulled_cable_is_seen_by_both_ends_and_stays_pulled_over_a_boot(lab: Lab) -> None:
    lab.link("spare", "LAN3", "down")
    lab.kill("spare")
    lab.start("spare")
    lab.await_roles("master", "backup")

    assert "NO-CARRIER" in lab.exec("spare", "ip", "link", "show", "LAN3")
    assert "NO-CARRIER" in lab.exec("master", "ip", "link", "show", "LAN3"), "a direct cable has two ends"
    assert "NO-CARRIER" not in lab.exec("master", "ip", "link", "show", "LAN2")


def test_a_node_without_power_leaves_the_hotwire_of_its_partner_without_carrier(lab: Lab) -> None:
    lab.kill("spare")

    eventually(lambda: "NO-CARRIER" in lab.exec("master", "ip", "link", "show", "LAN3"))


def host_key_of(lab: Lab, node: str) -> str:
    """The key by which SSH clients know a node, once its server serves."""
    seen: list[str] = []

    def served() -> bool:
        lines = lab.exec(node, "ssh-keyscan", "-t", "ed25519", "127.0.0.1", check=False).splitlines()
        seen[:] = [word for line in lines if not line.startswith("#") for word in line.split()]
        return len(seen) == 3

    eventually(served)
    return seen[2]


def test_configuration_survives_power_loss_and_the_run_directory_does_not(spare_name: Lab) -> None:
    variable = "application securepoint_firewall variable UPDATE_TRIGGER_DELAY"
    spare_name.up()
    host_key = host_key_of(spare_name, "spare")
    spare_name.exec("spare", "touch", "/run/mark")
    spare_name.cli("spare", f"extc value set {variable} value 5")
    spare_name.cli("spare", "system config save")
    spare_name.kill("spare")
    spare_name.start("spare")
    spare_name.await_roles("master", "backup")

    assert spare_name.exec("spare", "ls", "/run/mark", check=False) == ""
    assert spare_name.cli("spare", f"extc value get {variable}") == "value\n-----\n5\n"
    assert host_key_of(spare_name, "spare") == host_key, "SSH clients know the node again"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("start", "master"), "master is on already"),
        (("link", "client", "LAN7", "down"), "client has no interface LAN7, only LAN2"),
        (("up",), "is up already"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(lab: Lab, words: tuple[str, ...], sentence: str) -> None:
    done = lab.run(*words, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("% Error: ")
    assert sentence in done.stderr


def test_a_node_that_powers_itself_off_stays_off(lab: Lab) -> None:
    lab.cli("spare", "system poweroff")

    eventually(lambda: "spare" not in lab.home.running().nodes)
    assert "spare is off" in lab.run("exec", "spare", "--", "true", check=False).stderr


# --- building and leaving -----------------------------------------------------------------------------


def test_down_leaves_nothing_behind(spare_name: Lab) -> None:
    before = processes()
    spare_name.up()
    began = processes() - before

    spare_name.down()

    assert len(began) > 10
    assert not [line for line in processes() if spare_name.name in line]
    assert not spare_name.home.path.exists()


@pytest.mark.parametrize("survivor", ["down", "up"])
def test_a_crashed_lab_is_cleared_away(spare_name: Lab, survivor: str) -> None:
    spare_name.up()
    nodes = spare_name.home.running().nodes
    os.kill(spare_name.home.running().warden.pid, signal.SIGKILL)
    eventually(lambda: not any(node.alive for node in nodes.values()))

    spare_name.run(survivor)

    assert spare_name.home.path.exists() == (survivor == "up")


def test_two_labs_live_side_by_side(lab: Lab, spare_name: Lab) -> None:
    spare_name.up()

    spare_name.kill("master")
    eventually(lambda: spare_name.role("spare") == "master")

    assert lab.roles() == ("master", "backup")


def test_two_ups_at_once_build_one_lab(spare_name: Lab) -> None:
    ups = [subprocess.Popen(spare_name.command("up"), stdout=-1, stderr=-1, text=True) for _ in range(2)]
    said = sorted((up.wait(), up.communicate()[1]) for up in ups)

    assert [code for code, _ in said] == [0, 1]
    assert "is up already" in said[1][1]
    assert spare_name.roles() == ("master", "backup")


def test_an_interrupted_up_leaves_nothing(spare_name: Lab) -> None:
    with subprocess.Popen(spare_name.command("up"), stdout=-1, stderr=-1) as up:
        eventually((spare_name.home.path / "lab.json").exists)
        up.send_signal(signal.SIGTERM)

    assert up.returncode == 128 + signal.SIGTERM
    assert not spare_name.home.path.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_somebody_without_privileges_has_a_lab_too() -> None:
    become = ("setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups")
    become = (*become, "env", "-u", "XDG_RUNTIME_DIR")
    if subprocess.run([*become, UTMCLI, "--version"], capture_output=True, check=False).returncode:
        pytest.skip("this checkout cannot be read by other users")
    if subprocess.run([*become, "unshare", "--user", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no user namespaces to ordinary users")
    above = Path(f"/tmp/utmcli-lab-{STRANGER}")
    lab = Lab(lab_name("theirs"), prefix=become, above=above)
    lab.up()
    try:
        with lab.probe() as client:
            lab.kill("master")
            eventually(lambda: lab.info("spare")["cluster_state"] == "master")
            time.sleep(0.3)
        assert 0 < client.outage < 1.5
    finally:
        lab.down()
    assert not above.exists()


def test_example_1_dials_in_on_the_master_only() -> None:
    lab = Lab(lab_name("modem"), example=1)
    lab.up()
    try:
        assert " UP " in lab.exec("master", "ip", "-brief", "link", "show", "wan0")
        assert " DOWN " in lab.exec("spare", "ip", "-brief", "link", "show", "wan0")
        lab.kill("master")
        eventually(lambda: lab.role("spare") == "master")
        with lab.probe(target="203.0.113.1") as client:
            eventually(lambda: " UP " in lab.exec("spare", "ip", "-brief", "link", "show", "wan0"))
            time.sleep(1.0)
        assert len(client.lost) < client.sent, "the provider is reached through the spare"
    finally:
        lab.down()


@pytest.mark.parametrize("example", [1, 2])
def test_a_blank_lab_has_interfaces_and_addresses_and_no_cluster(example: int) -> None:
    lab = Lab(lab_name("blank"), example=example)
    lab.run("up", "--example", str(example), "--blank")
    try:
        for node, address in (("master", "192.168.12.141/24"), ("spare", "192.168.12.142/24")):
            assert lab.role(node) == "offline"
            assert lab.info(node)["hotwire_dev"] == ""
            assert address in lab.exec(node, "ip", "-brief", "address", "show", "LAN2")
            assert "192.168.180" not in lab.exec(node, "ip", "-brief", "address")
            assert "HA" not in lab.cli(node, "interface get")
        assert lab.run("status").stdout.splitlines()[2].startswith("master|on   |offline|up")
        assert ("wan0" in lab.cli("spare", "interface get")) == (example == 1)
    finally:
        lab.down()


# --- the shell of the master, and nothing else to type --------------------------------------------------


def test_a_script_for_make_run_reaches_the_prompt_and_the_documented_table(spare_name: Lab) -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "run"],
        input="cluster info\n", capture_output=True, text=True, check=False, timeout=120,
        cwd=Path(__file__).parents[2], env={**os.environ, "UTMCLI_LAB": spare_name.name},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "master.cluster.local> cluster info\n"
        "attribute    |value\n"
        "-------------+-----\n"
        "cluster_state|master\n"
        "sync_state   |synchronized\n"
        "hotwire_dev  |LAN3\n"
        "maintainance |false\n"
        "master.cluster.local> \n"
    )
    assert not spare_name.home.path.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_visit_that_is_ended_from_outside_takes_its_lab_with_it(spare_name: Lab, number: signal.Signals) -> None:
    visit = subprocess.Popen(
        [UTMCLI, "lab", "--name", spare_name.name],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    with visit:
        assert visit.stdin is not None
        assert visit.stdout is not None
        visit.stdin.write("cluster info\n")
        visit.stdin.flush()
        assert visit.stdout.readline().startswith("master.cluster.local> ")
        visit.send_signal(number)

    eventually(lambda: not spare_name.home.path.exists())
    # Nobody waits for the warden of a visit that was killed: it removes its directory, then itself.
    eventually(lambda: not [line for line in processes() if spare_name.name in line])


def processes() -> set[str]:
    """Command lines of this machine, with their pids, without our own."""
    listed = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True, check=True)
    return {line for line in listed.stdout.splitlines() if sys.argv[0] not in line}
