"""Attacks of a commit's tests on the pipeline that runs them: all end at the sandbox."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from azora.errors import BadInput, Failed, TestsFailed
from azora.gateways.suites.pytest_runner import run_suite, run_unit_tests
from azora.host import sandbox
from azora.host.sandbox import Sandbox, kind
from azora.host.strangers import NUMBER
from tests.support.other_user import with_other_user
from tests.support.suites import outcomes, suite

SECRET = "the token of production"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The pipeline's own files, with the rights that it gives them, and one that it forgot to protect."""
    folder = tmp_path / "state"
    for name in ("identities/production.kubeconfig", "kubeconfig", "prefect.env", "open/to-all"):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(SECRET)
        file.chmod(0o644 if name == "open/to-all" else 0o600)
    return folder


def export_of(folder: Path, program: str) -> Path:
    export = folder / "exports/commit"
    export.mkdir(parents=True)
    (export / "attack.py").write_text(program)
    return export


def attacked(state: Path, program: str, *, seconds: float = 60) -> str:
    """Run the unit tests *program* of a commit, and return their log.

    `STATE` is the pipeline's folder.
    """
    export, log = export_of(state, program.replace("STATE", repr(str(state)))), state / "runs/log"
    box = Sandbox(cache=state / "caches/shop")
    run_unit_tests("shop", ["python3", "attack.py"], export, log=log, timeout_seconds=seconds, sandbox=box)
    return log.read_text()


READS = """
import os, pathlib
wanted = {"production.kubeconfig", "kubeconfig", "prefect.env", "to-all", ".netrc", "id_rsa", "known_hosts", ".docker", ".kube"}
found = []
for top in (STATE, "/root", "/home", "/run", "/var/run", "/tmp", "/srv", "/opt", "/mnt", "/var/lib", os.path.expanduser("~")):
    for parent, folders, files in os.walk(top):
        found += [f"{parent}/{name}" for name in (*folders, *files) if name in wanted]
for name in ("identities/production.kubeconfig", "kubeconfig", "prefect.env", "open/to-all"):
    if pathlib.Path(STATE, name).exists():
        found.append(name)
print("found", found)
"""


@pytest.mark.attack("tests of a commit read the accounts, kubeconfigs and passwords of the pipeline", by="the sandbox")
def test_files_of_the_pipeline(state: Path) -> None:
    """No file of it is there to be read: neither accounts nor passwords, nor one that it forgot to protect."""
    assert "found []" in attacked(state, READS)


@pytest.mark.attack(
    "tests of a commit read the environment of the pipeline's processes, or signal them", by="the sandbox"
)
def test_processes_of_the_pipeline(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No environment but its own can be read, and no process of others be signalled."""
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", SECRET)
    said = attacked(
        state,
        f"""
import os, pathlib
for process in pathlib.Path("/proc").glob("[0-9]*"):
    try:
        print(process.name, b"PREFECT_API_AUTH_STRING" in (process / "environ").read_bytes())
    except OSError as error:
        print(process.name, type(error).__name__)
try:
    os.kill({os.getpid()}, 9)
except OSError as error:
    print("kill", type(error).__name__)
""",
    )
    assert "True" not in said
    assert "kill ProcessLookupError" in said


@pytest.mark.attack("tests of a commit become another user, by sudo and other programs with rights", by="the sandbox")
def test_rights(state: Path) -> None:
    """It is a user of its own without capabilities, and `sudo` and its like give it none."""
    said = attacked(
        state,
        """
import os, pathlib, subprocess
status = pathlib.Path("/proc/self/status").read_text()
print([line for line in status.splitlines() if line.startswith(("CapEff", "CapBnd", "NoNewPrivs"))])
print("user", os.getuid())
print("mount", subprocess.run(["mount", "-t", "tmpfs", "x", "/usr"], capture_output=True).returncode)
print("su", subprocess.run(["su", "-c", "id"], capture_output=True, stdin=subprocess.DEVNULL).returncode)
""",
    )
    assert "'CapEff:\\t0000000000000000', 'CapBnd:\\t0000000000000000', 'NoNewPrivs:\\t1'" in said
    assert "mount 0" not in said
    assert "su 0" not in said
    assert f"user {os.getuid() or NUMBER}\n" in said


@pytest.mark.attack("tests of a commit write the pipeline's code, state or the system", by="the sandbox")
def test_writes(state: Path) -> None:
    """The export and the cache alone can be written; nothing of the system, of the pipeline's code or of its state."""
    said = attacked(
        state,
        f"""
import pathlib
for place in ({str(Path(sys.prefix) / "own.pth")!r}, {str(Path(sandbox.__file__))!r}, STATE + "/identities/own", "/etc/own", "/usr/own", "/run/own"):
    try:
        pathlib.Path(place).write_text("ours")
        print("wrote", place)
    except OSError as error:
        print(type(error).__name__)
pathlib.Path("own").write_text("ours")
(pathlib.Path.home() / ".cache/own").write_text("ours")
""",
    )
    assert "wrote" not in said
    assert (state / "exports/commit/own").exists()
    assert (state / "caches/shop/own").exists()


@pytest.mark.attack("tests of a commit connect to a socket of the machine", by="the sandbox")
def test_socket_files(state: Path) -> None:
    """A socket of the machine, such as containerd's, is not there."""
    path = state / "containerd.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        path.chmod(0o666)
        said = attacked(
            state,
            f"""
import socket
try:
    socket.socket(socket.AF_UNIX).connect({str(path)!r})
    print("connected")
except OSError as error:
    print(type(error).__name__)
""",
        )
    assert said.strip() == "FileNotFoundError"


@pytest.mark.attack("tests of a commit leave processes behind", by="the sandbox")
def test_what_is_left_running(state: Path) -> None:
    """Processes that tests started are gone when they end, after success as after failure."""
    mark = f"{time.time_ns()}"
    for code in (0, 1):
        started = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "{mark}"], start_new_session=True)
sys.exit({code})
"""
        export = export_of(state / str(code), started)
        try:
            run_unit_tests("shop", ["python3", "attack.py"], export, log=state / "log", sandbox=Sandbox())
        except TestsFailed:
            assert code
        assert not running(mark)


def test_time_limit(state: Path) -> None:
    """Tests that ignore every signal end at their limit, with what they started."""
    mark = f"{time.time_ns()}"
    deaf = f"""
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "{mark}"], start_new_session=True)
time.sleep(600)
"""
    with pytest.raises(Failed, match="did not end within 2 s"):
        attacked(state, deaf, seconds=2)
    until(lambda: not running(mark))


WORKER = """
import sys, threading
from pathlib import Path
from azora.gateways.suites.pytest_runner import run_unit_tests
from azora.host.sandbox import Sandbox
export = Path(sys.argv[1])
given = {"log": export.parent / "log", "sandbox": Sandbox()}
threading.Thread(target=run_unit_tests, args=("shop", ["python3", "attack.py"], export), kwargs=given).start()
"""


def test_killed_worker(tmp_path: Path) -> None:
    """Tests that a thread of the worker started end when the worker is killed, with what they started."""
    mark = f"{time.time_ns()}"
    export = export_of(
        tmp_path,
        f"""
import pathlib, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "{mark}"], start_new_session=True)
time.sleep(1)
pathlib.Path("ready").touch()
time.sleep(600)
""",
    )
    with subprocess.Popen([sys.executable, "-c", WORKER, str(export)]) as worker:
        until((export / "ready").exists)
        assert running(mark)
        worker.send_signal(signal.SIGKILL)
    until(lambda: not running(mark))


def test_start_without_its_worker() -> None:
    """A program whose worker ended before it could be watched does not start."""
    command = Sandbox().command(["true"], Path("/"), os.environ["PATH"])
    other = [str(os.getppid()) if part == str(os.getpid()) else part for part in command]
    done = subprocess.run(other, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "could not start in the sandbox: the worker has ended\n")


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert holds()


def running(mark: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "cmdline").read_bytes():
                found.append(process.name)
        except OSError:
            continue
    return found


@pytest.mark.attack("a suite leaves a link to another file in its report", by="the removal of links")
def test_links_in_a_report(tmp_path: Path) -> None:
    """A link that a suite leaves where its report is served is removed, and not followed by what comes after it."""
    (tmp_path / "kubeconfig").write_text(SECRET)
    folder = suite(
        tmp_path / "export/smoke",
        f"""
        import os, pathlib
        def test_report(request):
            report = pathlib.Path(request.config.getoption("--junitxml")).parent
            os.symlink({str(tmp_path / "kubeconfig")!r}, report / "report.json")
            os.symlink("/etc", report / "etc")
            os.mkfifo(report / "fifo")
            (report / "page.html").write_text("fine")
        """,
    )
    report = tmp_path / "report"
    box = Sandbox(readable=(tmp_path / "export",))
    result = run_suite(folder, url="http://shop.example", report_folder=report, sandbox=box)
    assert outcomes(result) == {"test_report": "passed"}
    assert (tmp_path / "kubeconfig").read_text() == SECRET
    found = {path.name for path in report.rglob("*") if path.is_symlink() or not (path.is_file() or path.is_dir())}
    assert found == set()
    assert (report / "page.html").read_text() == "fine"
    assert {path.stat().st_uid for path in (report, *report.rglob("*"))} == {os.geteuid()}


def test_suite_in_the_sandbox(tmp_path: Path) -> None:
    """A suite reads the export around it, writes its reports, and changes neither; two processes share the cases."""
    folder = suite(
        tmp_path / "export/tests/smoke",
        """
        import pathlib, pytest
        def test_helpers(): assert (pathlib.Path(__file__).parent.parent / "helpers.py").read_text() == "here"
        def test_own_files():
            with pytest.raises(OSError):
                pathlib.Path(__file__).write_text("other cases")
        def test_browser(page):
            page.set_content("<h1>fine</h1>")
            assert page.inner_text("h1") == "fine"
        def test_bad(page):
            page.set_content("<h1>bad</h1>")
            assert page.inner_text("h1") == "fine"
        """,
    )
    (folder.parent / "helpers.py").write_text("here")
    box = Sandbox(readable=(tmp_path / "export",), cache=tmp_path / "cache")
    result = run_suite(
        folder, url="http://shop.example", report_folder=tmp_path / "report", workers=2, sandbox=box, second_try=True
    )
    assert outcomes(result) == {
        "test_helpers": "passed",
        "test_own_files": "passed",
        "test_browser[chromium]": "passed",
        "test_bad[chromium]": "failed",
    }
    (bad,) = (case for case in result.cases if case.outcome == "failed")
    assert bad.screenshot
    assert bad.trace


def test_two_tests_in_one_export(tmp_path: Path) -> None:
    """Services' tests run beside each other in one export, which is handed over to them once."""
    export = export_of(tmp_path, "import pathlib; pathlib.Path('own').mkdir(exist_ok=True)")
    for number in range(300):
        (export / f"{number}").mkdir()
        (export / f"{number}/file").touch()
    threads = [
        threading.Thread(
            target=run_unit_tests,
            args=("shop", ["python3", "attack.py"], export),
            kwargs={"log": tmp_path / f"{number}.log", "sandbox": Sandbox()},
        )
        for number in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if os.geteuid() == 0:
        assert {path.stat().st_uid for path in (export, *export.rglob("*"))} == {NUMBER}


def test_machine_without_means(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the package, and the setting that gives it up."""
    monkeypatch.setattr(sandbox, "_found", lambda _: None)
    with pytest.raises(BadInput, match="no bubblewrap") as caught:
        kind()
    assert "AZORA_SANDBOX=off" in caught.value.advice


def test_two_tests_that_lock(tmp_path: Path) -> None:
    """Tests of two services wait for each other at a lock in the folder for temporary files, as uv's do."""
    program = """
import fcntl, os, pathlib, tempfile, time
with open(os.path.join(tempfile.gettempdir(), "lock"), "a") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    pathlib.Path("busy").mkdir()
    time.sleep(0.5)
    pathlib.Path("busy").rmdir()
"""
    export = export_of(tmp_path, program)
    with ThreadPoolExecutor(2) as both:
        given = {"log": tmp_path / "log", "sandbox": Sandbox()}
        ends = [both.submit(run_unit_tests, "shop", ["python3", "attack.py"], export, **given) for _ in range(2)]
        for end in ends:
            end.result()


@pytest.mark.attack("tests of a commit read the kernel's keys", by="the sandbox")
def test_keys(state: Path) -> None:
    """The kernel's keys are out of reach: neither read nor left for the tests of another application."""
    said = attacked(
        state,
        """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
add, request, control = {"x86_64": (248, 249, 250), "aarch64": (217, 218, 219)}[os.uname().machine]
ours = ctypes.c_int(-4)
for call in ((add, b"user", b"left", b"behind", 6, ours), (request, b"user", b"left", None, ours), (control, 0, ours, 0)):
    print(libc.syscall(*call), os.strerror(ctypes.get_errno()))
""",
    )
    assert said.splitlines() == ["-1 Function not implemented"] * 3


@pytest.mark.attack("tests of a commit open devices and terminals", by="the sandbox")
def test_devices(state: Path) -> None:
    """No device of the machine is there, and no terminal of others."""
    ours = pty.openpty()
    said = attacked(
        state,
        """
import os, pty
devices = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm", "fd", "stdin", "stdout", "stderr", "core"}
print(set(os.listdir("/dev")) - devices, os.ttyname(pty.openpty()[1]), sorted(os.listdir("/dev/pts")))
open("/dev/shm/own", "w").close()
open("/dev/null", "w").write("fine")
""",
    )
    for end in ours:
        os.close(end)
    assert said.strip() == "set() /dev/pts/0 ['0', 'ptmx']"


def test_memory(state: Path) -> None:
    """Files in memory have a limit each, and where memory is short the tests end before the worker."""
    said = attacked(
        state,
        """
import os, pathlib
machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
for folder in ("/tmp", "/var/tmp", "/dev/shm", os.path.expanduser("~")):
    found = os.statvfs(folder)
    print(round(4 * found.f_blocks * found.f_frsize / machine))
print(pathlib.Path("/proc/self/oom_score_adj").read_text())
""",
    )
    assert said.split() == ["1", "1", "1", "1", "1000"]


@pytest.mark.attack("a commit brings a program of the name that the worker starts", by="the sandbox")
def test_programs_of_a_commit(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that a commit calls `setpriv` is not the one that the worker starts, whatever its PATH."""
    planted = state / "exports/commit"
    monkeypatch.setenv("PATH", f".:{planted}:{os.environ['PATH']}:")
    program = "import os; print(os.getuid(), '.' in os.environ['PATH'].split(':'))"
    export = export_of(state, program)
    for name in ("unshare", "setpriv", "bwrap", "mount", "mkdir", "chmod", "umount", "pivot_root"):
        (export / name).write_text("#!/bin/sh\necho planted; id; exit 1\n")
        (export / name).chmod(0o755)
    run_unit_tests("shop", ["python3", "attack.py"], export, log=state / "log", sandbox=Sandbox())
    assert (state / "log").read_text() == f"{os.getuid() or NUMBER} False\n"


def test_path() -> None:
    """Relative folders of the worker's PATH are left out: they, and an empty one, would be the commit's."""
    assert Sandbox().environment({"PATH": ".:/usr/bin::bin:/bin:"})["PATH"] == "/usr/bin:/bin"


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("bwrap"), reason="root alone can be another user")
def test_worker_without_rights(tmp_path: Path) -> None:
    """All of this holds in bubblewrap, for a worker that is not root."""
    tests = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-cov", str(Path(__file__))]
    done = subprocess.run(with_other_user(tests, tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
