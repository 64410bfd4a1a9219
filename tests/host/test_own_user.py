"""Attacks of a program that has a user of its own on the machine of root: each is refused."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from azora.host.become import FIRST
from azora.host.own_user import OwnUser
from azora.host.sandbox import interpreter
from azora.host.strangers import NUMBER

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="root alone can give a program another user")

SECRET = "the key of the cluster's CA"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

# Each line is what is tried; the answer is what came of it.
ATTACKS = """
import ctypes, json, os, pathlib, signal, socket, subprocess, sys
state, outside = pathlib.Path(sys.argv[1]), int(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)

def ran(*argv):
    done = subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL)
    return "done" if done.returncode == 0 else "refused"

def connected(file):
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(str(file))

def joined(file):
    with file.open() as one:
        if libc.setns(one.fileno(), 0):
            raise OSError(ctypes.get_errno(), "setns")

tried = {
    "passwords of the machine": lambda: pathlib.Path("/etc/shadow").read_text(),
    "key of the CA": lambda: (state / "pki/ca.key").read_text(),
    "administrator's kubeconfig": lambda: (state / "kubeconfig").read_text(),
    "socket of the node": lambda: connected(state / "run/containerd.sock"),
    "what root's home has": lambda: os.listdir("/root/.ssh"),
    "write to what it may read": lambda: (state / "identities/new").touch(),
    "write to the system": lambda: pathlib.Path("/usr/bin/new").touch(),
    "mount it writable": lambda: ran("mount", "-o", "remount,bind,rw", str(state / "identities")),
    "mount the system writable": lambda: ran("mount", "-o", "remount,bind,rw", "/usr"),
    "remove the mount": lambda: ran("umount", str(state / "identities")),
    "disk": lambda: os.mknod("/dev/shm/disk", 0o60600, os.makedev(254, 0)),
    "mount a disk": lambda: ran("mount", "-t", "ext4", "/dev/vda", "/run"),
    "settings of the kernel": lambda: pathlib.Path("/proc/sys/kernel/hostname").write_text("mine"),
    "magic keys": lambda: pathlib.Path("/proc/sysrq-trigger").write_text("h"),
    "root folder of process 1": lambda: os.listdir("/proc/1/root"),
    "namespaces of process 1": lambda: joined(pathlib.Path("/proc/1/ns/mnt")),
    "signal to process 1": lambda: os.kill(1, 0),
    "signal to who started it": lambda: os.kill(outside, 0),
    "environment of who started it": lambda: pathlib.Path(f"/proc/{outside}/environ").read_bytes(),
    "its root folder": lambda: os.listdir(f"/proc/{outside}/root/"),
    "link of the machine's network": lambda: ran("ip", "link", "add", "mine", "type", "dummy"),
    "another number": lambda: os.setuid(65536),
    "leave the root folder": lambda: (os.chroot("/tmp"), os.chdir("../../../.."), os.listdir("var/lib/dpkg")),
    "control groups": lambda: next(pathlib.Path("/run/azora-control-groups").rglob("cgroup.procs")).write_text("0"),
}
said = {}
for name, attempt in tried.items():
    child = os.fork()  # each on its own: one leaves the root folder
    if not child:
        try:
            answer = attempt()
            os._exit(0 if answer != "refused" else 1)
        except OSError:
            os._exit(1)
        except BaseException as error:
            print(name, error, file=sys.stderr, flush=True)
            os._exit(2)
    said[name] = ("done", "refused", "not tried")[os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])]
print(json.dumps(said))
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A folder of a node: keys and sockets, what the program reads, and what it writes."""
    for name in ("pki/ca.key", "kubeconfig", "identities/staging.kubeconfig", "work/old", "run/x"):
        (tmp_path / name).parent.mkdir(exist_ok=True, mode=0o700)
        (tmp_path / name).write_text(SECRET)
        (tmp_path / name).chmod(0o600)
    return tmp_path


def of(state: Path) -> OwnUser:
    return OwnUser((*interpreter(), state / "identities", state / "never made"), (state / "work",))


def ran(user: OwnUser, *argv: str | Path, cwd: Path | None = None) -> str:
    env = {"PATH": PATH, "HOME": "/root"}
    done = subprocess.run(
        user.command(list(map(str, argv))), capture_output=True, text=True, check=False, cwd=cwd, env=env
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_attacks_on_the_machine(state: Path) -> None:
    """Nothing of the machine is read, written, mounted, signalled or joined."""
    (state / "attacks.py").write_text(ATTACKS)
    with socket.socket(socket.AF_UNIX) as node:
        node.bind(str(state / "run/containerd.sock"))
        node.listen()
        user = OwnUser((*of(state).readable, state / "attacks.py"), of(state).writable)
        said = json.loads(ran(user, sys.executable, "-I", state / "attacks.py", state, str(os.getpid())))
    assert {name for name, came in said.items() if came != "refused"} == set()
    assert len(said) > 20


def test_files_have_one_owner(state: Path) -> None:
    """A private file of root is the program's own inside, and what it writes is root's outside."""
    folder = state / "work"
    said = ran(
        of(state),
        "sh",
        "-c",
        f"cat {state}/identities/staging.kubeconfig {folder}/old; stat -c %u:%g {folder}/old; id -u; echo new >{folder}/new",
    )
    assert said == f"{SECRET}{SECRET}0:0\n0\n"
    assert ((folder / "new").read_text(), (folder / "new").stat().st_uid) == ("new\n", 0)


def test_file_that_a_variable_names(state: Path) -> None:
    """Certificates of the machine are read where they are; a variable that names nothing costs nothing."""
    user = OwnUser(named_by=("SSL_CERT_FILE", "PIP_CERT", "SSL_CERT_DIR", "NO_SUCH"))
    env = {"PATH": PATH, "SSL_CERT_FILE": f"{state}/kubeconfig", "PIP_CERT": "/never/made", "SSL_CERT_DIR": "/etc/ssl"}
    said = subprocess.run(
        user.command(["sh", "-c", 'cat "$SSL_CERT_FILE"; ls -A "$0"', str(state)]),
        capture_output=True,
        text=True,
        env=env,
        check=True,
    ).stdout
    assert said == f"{SECRET}kubeconfig\n"


def test_number_outside(state: Path) -> None:
    """Outside it is a user that nobody is, and no group of root's."""
    with subprocess.Popen(
        of(state).command(["sh", "-c", "echo up; read -r line"]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PATH": PATH},
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"up\n"
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        found = {
            name: line.split()[1:] for line in lines for name in ("Uid:", "Gid:", "Groups:") if line.startswith(name)
        }
        process.communicate(b"\n")
    assert found == {"Uid:": [str(FIRST)] * 4, "Gid:": [str(FIRST)] * 4, "Groups:": []}


def test_program_is_the_same_process(state: Path) -> None:
    """A supervisor's signals and the exit code are the program's, in the folder where it was started."""
    with subprocess.Popen(
        of(state).command(["sh", "-c", "trap 'exit 7' TERM; pwd; while :; do sleep 0.05; done"]),
        cwd=state / "work",
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": PATH},
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == f"{state / 'work'}\n"
        process.terminate()
        assert process.wait(20) == 7


def test_what_cannot_be_given(state: Path) -> None:
    """A file system without idmapped mounts is named, and nothing is started."""
    done = subprocess.run(
        OwnUser((), (Path("/proc/sys"),)).command(["touch", str(state / "work/new")]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "could not give /proc/sys to another user: Invalid argument\n")
    assert not (state / "work/new").exists()


def test_program_that_is_missing(state: Path) -> None:
    """It is named, in one sentence."""
    done = subprocess.run(of(state).command(["no-such-program"]), capture_output=True, text=True, check=False)
    assert done.stderr == "could not start 'no-such-program' as a user of its own: No such file or directory\n"


def test_sandbox_inside(state: Path) -> None:
    """A commit's tests have their sandbox there, as another user than the program."""
    script = "import os, subprocess, sys; from azora.host.sandbox import Sandbox; from pathlib import Path; folder = Path(sys.argv[1]); box = Sandbox(writable=(folder / 'export',)); sys.exit(subprocess.run(box.command(['sh', '-c', 'id -u; ls -A /root; touch ' + str(folder) + '/export/theirs; cat ' + str(folder) + '/old'], folder / 'export', os.environ['PATH'])).returncode and 0)"
    said = ran(of(state), sys.executable, "-c", script, state / "work", cwd=Path(__file__).parents[2])
    assert said == f"{NUMBER}\n"
    assert (state / "work/export/theirs").stat().st_uid == NUMBER


@pytest.mark.skipif(not shutil.which("buildah"), reason="needs buildah: `make up`")
def test_build_inside(state: Path) -> None:
    """A build has its container and its files of the machine; of a folder that a step replaced nothing comes back."""
    context = state / "work/context"
    for program in ("/bin/sh", "/bin/rm", "/bin/mkdir", "/bin/touch", "/bin/ls", "/bin/cat", "/bin/chown"):
        _copy(Path(program), context / "root")
    (context / "Dockerfile").write_text(
        "FROM scratch\nCOPY root /\nRUN mkdir -p /d/e && touch /d/old && chown 65532:65532 /d/old\n"
        f"RUN rm -rf /d && mkdir /d && touch /d/new\nRUN ls /d && ls {state} 2>/dev/null || cat /proc/1/comm\n"
    )
    volumes = ["--volume", f"{state}/work/old:/etc/pip.conf:ro", "--volume", "/etc/passwd:/etc/certificates:ro"]
    command = ["bud", "--layers", "--isolation", "oci", "--network", "host", *volumes, str(context)]
    script = f"from azora.gateways.images.buildah import buildah; print(buildah({command}, what='build', timeout_seconds=60))"
    env = {"PATH": PATH, "XDG_CACHE_HOME": str(state / "work"), "TMPDIR": str(state / "work"), "HOME": "/root"}
    done = subprocess.run(
        of(state).command([sys.executable, "-c", script]),
        capture_output=True,
        text=True,
        check=False,
        env=env,
        cwd=Path(__file__).parents[2],
    )
    assert "Completed(returncode=0" in done.stdout, done.stdout + done.stderr
    assert "new\\nsh\\n" in done.stdout


def _copy(program: Path, root: Path) -> None:
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    for file in (str(program), *(word for word in linked.split() if word.startswith("/"))):
        (root / file[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, root / file[1:])
