"""A real ssh server on this machine, which takes the place of a device; on request with systemd for its user."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from getpass import getuser
from pathlib import Path

import pytest

SERVER = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
SYSTEMD = Path("/usr/lib/systemd/systemd")

ALONE = """\
mount -t tmpfs none /run && mkdir -p /run/systemd/system /run/sshd /run/user/0 && chmod 700 /run/user/0 &&
umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && mkdir -p /sys/fs/cgroup/$1 &&
echo $$ > /sys/fs/cgroup/$1/cgroup.procs || exit 77
export XDG_RUNTIME_DIR=/run/user/0
"$2" --user & "$3" -D -E log -f server
"""
"""Give the server namespaces and a systemd of its own."""


@contextmanager
def ssh_server(folder: Path, *, systemd: bool = False, settings: str = "") -> Iterator[Path]:
    """Start a server with its own keys in `folder`; yield the configuration of a client for the host `pi`.

    With `systemd`, the user has services; that needs root, and the namespaces that Linux gives it. `settings` are
    further lines of the server's configuration.
    """
    if SERVER is None:
        pytest.skip("no ssh server is installed")
    if systemd and (os.getuid() != 0 or not SYSTEMD.exists()):
        pytest.skip("systemd for the server needs root")
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "home").mkdir()
    (folder / "server").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\n"
        f"PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n"
        f"SetEnv XDG_CONFIG_HOME={folder}/config HOME={folder}/home\n{settings}"
    )
    (folder / "client").write_text(
        f"Host pi\n HostName 127.0.0.1\n Port {port}\n User {getuser()}\n IdentityFile {folder}/user\n"
        f" IdentitiesOnly yes\n BatchMode yes\n StrictHostKeyChecking no\n UserKnownHostsFile {folder}/known\n"
        " LogLevel ERROR\n"
    )
    command = [SERVER, "-D", "-E", folder / "log", "-f", folder / "server"]
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder / "config"), "HOME": str(folder / "home")}
    group = f"mnist-test-{os.getpid()}"
    if systemd:
        isolated = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
        command = [*isolated, "sh", "-c", ALONE, "sh", group, SYSTEMD, SERVER]
    else:
        Path("/run/sshd").mkdir(exist_ok=True)  # Debian's server needs this folder, which is created at boot elsewhere
    with (folder / "printed").open("w") as printed:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=printed, stderr=printed)
    try:
        ready = "systemctl --user show-environment" if systemd else "exit 0"
        for _ in range(100):
            words = ["ssh", "-F", folder / "client", "pi", f"export XDG_RUNTIME_DIR=/run/user/{os.getuid()}; {ready}"]
            if subprocess.run(words, check=False, capture_output=True).returncode == 0:
                break
            if server.poll() == 77:
                pytest.skip("Linux does not allow the namespaces for systemd here")
            time.sleep(0.1)
        else:
            pytest.fail((folder / "printed").read_text() + (folder / "log").read_text())
        yield folder / "client"
    finally:
        server.kill()  # unshare ignores other signals; all in its namespace end with it
        server.wait()
        if systemd:
            _remove_group(group)


def _remove_group(group: str) -> None:
    """Remove the control groups of a server when its processes have ended, which takes a moment."""
    for _ in range(100):
        places = sorted(Path("/sys/fs/cgroup").glob(f"**/{group}/**/"), reverse=True)
        if not places:
            return
        with suppress(OSError):
            for place in places:
                place.rmdir()
        time.sleep(0.1)
