"""What cannot be is said clearly, with the right exit code, and nothing is lost."""

import os
import pathlib
import socket
import subprocess

import pytest

from network import LIVE, PROGRAM, Network, eventually, orrery, unprivileged


def test_a_second_up_on_one_home_is_refused(tmp_path):
    with Network(tmp_path / "home") as net:
        text = orrery("up", LIVE, "--home", net.home, expect=3)
        assert "a network lives there" in text
        text = orrery("supervise", "--home", net.home, expect=3)
        assert "runs this network already" in text
        assert all(n["state"] == "up" for n in net.status())


def test_a_taken_port_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 26657))
        taken.listen()
        text = orrery("up", LIVE, "--home", tmp_path / "home", "--ports", "fixed", expect=3)
    assert "boot-0" in text and "26657" in text and "taken" in text


def test_a_home_of_another_version_is_left_alone(tmp_path):
    with Network(tmp_path / "home") as net:
        pass
    path = pathlib.Path(net.home, "config", "network.json")
    given = path.read_text()
    path.write_text(given.replace('"version": 1', '"version": 9'))
    for verb in ("start", "status", "down"):
        text = orrery(verb, "--home", net.home, expect=3)
        assert "version 9" in text, verb
    assert pathlib.Path(net.home, "data").exists()


def test_what_is_no_home_is_never_removed(tmp_path):
    (tmp_path / "precious").write_text("x")
    text = orrery("down", "--home", tmp_path, expect=2)
    assert "no live network lives here" in text
    assert (tmp_path / "precious").exists()


def test_a_folder_without_rights_is_named(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    # Root may write anywhere, so there it is tried as nobody.
    done = unprivileged("up", LIVE, "--home", closed / "home",
                        open_folders=[tmp_path, *tmp_path.parents][:3])
    if done is None:
        pytest.skip("nobody may not run the program here")
    assert done.returncode == 3, done.stderr
    assert "ermission" in done.stderr and "closed" in done.stderr


def test_a_home_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    text = orrery("up", LIVE, "--home", tmp_path / "file" / "home", expect=3)
    assert "file" in text


def test_a_full_disk_ends_the_node_with_a_word_and_loses_nothing(tmp_path):
    """Where a small filesystem can be mounted: the node says why it ends and comes back later."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(small)],
                             capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("no privilege to mount a small filesystem")
    try:
        with Network(small / "home") as net:
            final = net.call("users-0", "getChainInfo")
            ballast = os.open(small / "ballast", os.O_WRONLY | os.O_CREAT)
            try:
                while os.write(ballast, bytes(65536)) > 0:
                    pass
            except OSError:
                pass  # full
            finally:
                os.close(ballast)
            eventually("a node says that the disk is full", lambda: any(
                "space" in log.read_text(errors="replace")
                for log in pathlib.Path(net.home, "logs").glob("*.log")), timeout=60)
            (small / "ballast").unlink()
            net.command("start")
            eventually("all come back", lambda: all(
                n["state"] == "up" for n in net.status()), timeout=60)
            block = net.call("users-0", "getBlock", [final["finalized_height"]])
            assert block["height"] == final["finalized_height"]
    finally:
        subprocess.run(["umount", "-l", str(small)], check=False)


def test_the_program_says_what_it_needs_when_used_wrongly(tmp_path):
    done = subprocess.run([str(PROGRAM), "status", "--home", str(tmp_path)], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 2 and "no live network lives here" in done.stderr
