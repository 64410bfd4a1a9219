"""Only what was committed is built, and a ref means what the repository says now."""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from azora.errors import BadInput, Failed, Unreachable
from azora.gateways.git import repository as source
from azora.gateways.git.export import export
from azora.host.content_hash import covered, digest_of
from tests.support.repositories import Repository, at


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZORA_STATE", str(tmp_path / "state"))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def test_ref_of_a_branch(repository: Repository) -> None:
    """A branch is its newest commit at each look."""
    first = repository.commit("a", "1", 'First | of "all"')
    assert source.resolve("main", at(repository)).sha == first

    second = repository.commit("a", "2", "Second")
    found = source.resolve("main", at(repository))
    assert (found.sha, found.short, found.subject) == (second, second[:7], "Second")
    assert (found.author_name, found.author_email) == ("Ada", "ada@shop.example")


@pytest.mark.parametrize("ref", ["v1", "feature/x", "short", "full"])
def test_ref_of_each_kind(repository: Repository, ref: str) -> None:
    """Tags, branches, and short and long commit ids are refs."""
    sha = repository.commit("a", "1")
    repository.git("tag", "-a", "v1", "-m", "one")
    repository.git("branch", "feature/x")
    repository.commit("a", "2")

    assert source.resolve({"short": sha[:8], "full": sha}.get(ref, ref), at(repository)).sha == sha


def test_ref_of_branch_and_tag(repository: Repository) -> None:
    """A branch has priority over a tag of its name."""
    repository.commit("a", "1")
    repository.git("tag", "main")
    newest = repository.commit("a", "2")

    assert source.resolve("main", at(repository)).sha == newest


@pytest.mark.parametrize(
    "ref", ["nope", "", "HEAD", "--all", "main^{tree}", "0" * 40, "a b", "main:a", "a\0b", "a\ud83d", "a\nb"]
)
def test_ref_that_is_unknown(repository: Repository, ref: str) -> None:
    """The error has the ref and the repository."""
    repository.commit("a", "1")

    with pytest.raises(BadInput) as refused:
        source.resolve(ref, at(repository))
    assert repr(ref) in refused.value.message
    assert repr(str(repository)) in refused.value.message


def test_ref_of_a_deleted_branch(repository: Repository) -> None:
    """A deleted branch is unknown; its commit stays."""
    repository.commit("a", "1")
    repository.git("checkout", "--quiet", "-b", "gone")
    sha = repository.commit("a", "2")
    assert source.resolve("gone", at(repository)).sha == sha
    repository.git("checkout", "--quiet", "main")
    repository.git("branch", "-D", "gone")

    with pytest.raises(BadInput, match="no branch, tag or commit"):
        source.resolve("gone", at(repository))
    assert source.resolve(sha, at(repository)).sha == sha


def test_repository_by_url(repository: Repository) -> None:
    """A repository is found by URL as well as by path."""
    sha = repository.commit("a", "1")

    assert source.resolve("main", at(f"file://{repository}")).sha == sha


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://ghp_secret@127.0.0.1:9/o/r.git", id="token as the user"),
        pytest.param("https://ghp_s%40@127.0.0.1:9/o/r.git", id="written with an escape"),
    ],
)
def test_repository_with_a_user(url: str) -> None:
    """A user in the URL may be a token: no error shows it, whoever writes the text."""
    with pytest.raises(Unreachable, match=r"could not fetch 'https://\*\*\*@127.0.0.1:9/o/r.git'") as refused:
        source.resolve("main", at(url))
    assert "ghp_" not in str(refused.value)
    with pytest.raises(Unreachable) as refused:
        source.resolve("0" * 40, at(url))
    assert "ghp_" not in str(refused.value)


def test_repository_on_a_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`host:path` is a host of SSH, as for Git, unless a folder is called so."""
    monkeypatch.setenv("GIT_SSH_COMMAND", "echo could not resolve >&2; false")
    with pytest.raises(Unreachable, match="could not fetch 'shop"):
        source.resolve("main", at("shop.invalid:team/shop.git"))
    monkeypatch.chdir(tmp_path)
    sha = Repository(tmp_path / "shop:here").commit("a", "1")
    assert source.resolve("main", at("shop:here")).sha == sha


def test_repository_that_is_a_partial_clone(repository: Repository, tmp_path: Path) -> None:
    """A clone without contents is refused by this name."""
    for content in ("1", "2"):
        repository.commit("a", content)
    repository.git("config", "uploadpack.allowFilter", "true")
    repository.git(
        "clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{repository}", str(tmp_path / "partial")
    )
    with pytest.raises(BadInput, match="it is a partial clone, which lacks contents of its commits"):
        source.resolve("main", at(tmp_path / "partial"))


def test_repository_that_fails(tmp_path: Path) -> None:
    """A missing repository, no network and a password in the URL are different errors."""
    with pytest.raises(BadInput, match="no such folder"):
        source.resolve("main", at(tmp_path / "nothing"))
    with pytest.raises(BadInput, match="does not appear to be a git repository"):
        source.resolve("main", at(tmp_path))
    with pytest.raises(Unreachable, match="Failed to connect"):
        source.resolve("main", at("http://127.0.0.1:9/shop.git"))
    with pytest.raises(BadInput) as refused:
        source.resolve("main", at("https://ada:s3cret@shop.example/shop.git"))
    assert "s3cret" not in str(refused.value)


def test_export(repository: Repository, tmp_path: Path) -> None:
    """An export has the committed files with their modes, and nothing else."""
    repository.commit("run.sh", "#!/bin/sh\n")
    (repository.folder / "run.sh").chmod(0o755)
    sha = repository.commit("run.sh", "#!/bin/sh\necho hi\n")
    (repository.folder / "uncommitted").write_text("secret")
    (repository.folder / "run.sh").write_text("changed since")
    source.resolve("main", at(repository))

    folder = export(sha, tmp_path / "out", at(repository))

    assert sorted(path.name for path in folder.rglob("*")) == ["run.sh"]
    assert (folder / "run.sh").read_text() == "#!/bin/sh\necho hi\n"
    assert (folder / "run.sh").stat().st_mode & 0o100
    assert [path.name for path in (tmp_path / "out").iterdir()] == [sha]


def test_export_of_a_new_commit(repository: Repository, tmp_path: Path) -> None:
    """A commit that the mirror does not have is fetched."""
    source.resolve(repository.commit("a", "1"), at(repository))
    assert (export(repository.commit("a", "2"), tmp_path / "into", at(repository)) / "a").read_text() == "2"


def test_export_of_a_branchless_commit(repository: Repository, tmp_path: Path) -> None:
    """A commit without a branch is fetched by its id."""
    released = repository.commit("a", "released")
    repository.git("commit", "--quiet", "--amend", "-m", "Rewritten")
    assert (export(released, tmp_path / "exports", at(repository)) / "a").read_text() == "released"


def test_export_of_a_lost_commit(repository: Repository, tmp_path: Path) -> None:
    """The error names the commit that the repository no longer has."""
    repository.commit("a", "1")
    with pytest.raises(BadInput, match=f"could not fetch commit {'1' * 40}, which no branch or tag has"):
        export("1" * 40, tmp_path / "exports", at(repository))


def test_export_with_a_link_outside(repository: Repository, tmp_path: Path) -> None:
    """A link out of the repository is left out, and named among the entries; one inside stays."""
    (repository.folder / "out").symlink_to("/etc/shadow")
    (repository.folder / "up").symlink_to("../../x")
    (repository.folder / "in").symlink_to("a")
    repository.git("add", "out", "up", "in")
    sha = repository.commit("a", "1")
    source.resolve(sha, at(repository))

    folder = export(sha, tmp_path / "out", at(repository))

    assert sorted(path.name for path in folder.iterdir()) == ["a", "in"]
    assert [one.path for one in source.entries(sha, at(repository)) if one.is_link] == ["in", "out", "up"]


def test_export_with_a_chain_of_links(repository: Repository, tmp_path: Path) -> None:
    """A link that leads out by way of another one is left out, whichever was unpacked first; a circle, too."""
    folder = repository.folder / "values"
    folder.mkdir()
    (folder / "common.yaml").symlink_to("p/p/p/p/../../../../../secret")
    (folder / "p").symlink_to(".")
    (folder / "round").symlink_to("about")
    (folder / "about").symlink_to("round")
    (folder / "to").symlink_to("p/p/../a")
    repository.git("add", "--all")
    sha = repository.commit("a", "1")
    (tmp_path / "secret").write_text("token")
    exported = export(sha, tmp_path / "exports", at(repository)) / "values"
    assert sorted(path.name for path in exported.iterdir()) == ["p", "to"]


ATTRIBUTES = """\
secret.txt export-ignore
version.txt export-subst
*.txt text eol=crlf
*.id ident
*.big filter=lfs diff=lfs merge=lfs -text
*.wide working-tree-encoding=UTF-16
"""
CONTENT = {
    "secret.txt": "kept\n",
    "version.txt": "$Format:%H$\n",
    "unix.txt": "a\nb\n",
    "a.id": "$Id$\n",
    "b.big": "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n",
    "c.wide": "wide\n",
    "run.sh": "#!/bin/sh\n",
}
CONFIGURATION = """\
[core]
  autocrlf = true
  eol = crlf
  hooksPath = {folder}/hooks
  attributesFile = {folder}/attributes
[tar]
  umask = 0777
[transfer]
  fsckObjects = true
[fetch]
  fsckObjects = true
  prune = false
  recurseSubmodules = true
[log]
  showSignature = true
  date = human
  follow = true
[filter "lfs"]
  smudge = false
  required = true
[i18n]
  logOutputEncoding = UTF-16
[color]
  ui = always
[core]
  quotePath = true
"""


@pytest.fixture
def odd_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user whose Git configuration changes all that it can."""
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks/reference-transaction").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "hooks/reference-transaction").chmod(0o755)
    (tmp_path / "attributes").write_text("* export-ignore\n")
    (tmp_path / "gitconfig").write_text(CONFIGURATION.format(folder=tmp_path))
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text((tmp_path / "gitconfig").read_text())
    monkeypatch.setenv("HOME", str(home))
    for name, value in {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "tar.umask", "GIT_CONFIG_VALUE_0": "0777"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GIT_DIR", "/nowhere")


def test_export_byte_by_byte(repository: Repository, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Neither the repository's attributes nor the user's configuration change what is exported, or hide it."""
    for name, content in CONTENT.items():
        (repository.folder / name).write_text(content)
    (repository.folder / "run.sh").chmod(0o755)
    repository.git("add", *CONTENT)
    sha = repository.commit(".gitattributes", ATTRIBUTES, "Attributes")
    request.getfixturevalue("odd_configuration")
    assert source.resolve("main", at(repository)).subject == "Attributes"

    folder = export(sha, tmp_path / "out", at(repository))

    assert {name: (folder / name).read_bytes() for name in CONTENT} == {k: v.encode() for k, v in CONTENT.items()}
    assert (folder / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (folder / "a.id").stat().st_mode & 0o777 == 0o644


def test_history_that_fsck_refuses(repository: Repository, request: pytest.FixtureRequest) -> None:
    """An old commit that a new one may not be like is fetched and listed, whatever the user's configuration asks of a fetch."""
    repository.commit("a", "1")
    old = written(repository, b"author A <a@x> 1300000000 +051800\ncommitter A <a@x> 1300000000 +051800", b"Old")
    new = repository.git("commit-tree", f"{old}^{{tree}}", "-p", old, "-m", "New")
    repository.git("update-ref", "refs/heads/main", new)
    request.getfixturevalue("odd_configuration")
    assert source.resolve("main", at(repository)).sha == new
    assert [one.subject for one in source.commits_between(None, new, at(repository))] == ["New", "Old"]


def test_shallow_clone(repository: Repository, tmp_path: Path) -> None:
    """A repository that is itself a clone of depth one, as CI makes them, is read as far as it goes."""
    repository.commit("a", "1", "One")
    sha = repository.commit("a", "2", "Two")
    subprocess.run(
        ["git", "clone", "--quiet", "--depth=1", f"file://{repository}", str(tmp_path / "shallow")], check=True
    )
    clone = at(tmp_path / "shallow")
    assert source.resolve("main", clone).sha == sha
    assert [one.subject for one in source.commits_between(None, sha, clone)] == ["Two"]
    assert (export(sha, tmp_path / "out", clone) / "a").read_text() == "2"


@pytest.mark.parametrize("ref", ["origin/main", "refs/remotes/origin/main", "refs/heads/main", "heads/main"])
def test_ref_as_a_clone_has_it(repository: Repository, ref: str) -> None:
    """The names that somebody's own clone has for a branch are known."""
    sha = repository.commit("a", "1")
    assert source.resolve(ref, at(repository)).sha == sha


@pytest.mark.parametrize("ref", ["pull/7/head", "refs/pull/7/head", "refs/pull/7/merge"])
def test_ref_of_a_pull_request(repository: Repository, ref: str) -> None:
    """A ref outside branches and tags is fetched by its name, again at each look."""
    for content in ("1", "2"):
        sha = repository.commit("a", content)
        repository.git("update-ref", "refs/pull/7/head", sha)
        repository.git("update-ref", "refs/pull/7/merge", sha)
        repository.git("update-ref", "-d", "refs/heads/main")
        assert source.resolve(ref, at(repository)).sha == sha


def test_time_limits(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits of a fetch and of other commands are settings, which the error names."""
    sha = repository.commit("a", "1")
    source.resolve("main", at(repository))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "bin/git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with pytest.raises(Failed, match="raise AZORA_GIT_FETCH_TIMEOUT_SECONDS"):
        source.resolve("main", at(repository, git_fetch_timeout_seconds=0.1))
    with pytest.raises(Failed, match="raise AZORA_GIT_TIMEOUT_SECONDS"):
        source.resolve(sha, at(repository, git_timeout_seconds=0.1))


def test_export_by_many_at_once(repository: Repository, tmp_path: Path) -> None:
    """Parallel exports of a commit are one folder."""
    sha = repository.commit("a", "1")

    def both(_: int) -> tuple[str, Path]:
        return source.resolve("main", at(repository)).sha, export(sha, tmp_path / "out", at(repository))

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(both, range(8))) == {(sha, tmp_path / "out" / sha)}


def written(repository: Repository, head: bytes, message: bytes) -> str:
    """A commit with these very bytes, which no `git commit` would make, on `main`."""
    tree = repository.git("rev-parse", "HEAD^{tree}").encode()
    made = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin", "--literally"],
        cwd=repository.folder, input=b"tree %s\n%s\n\n%s" % (tree, head, message), check=True, capture_output=True,
    )  # fmt: skip
    sha = made.stdout.decode().strip()
    repository.git("update-ref", "refs/heads/main", sha)
    return sha


AT = b"1700000000 +0000"
ADA = b"author Ada <a@x> " + AT
COMMITTER = b"\ncommitter Ada <a@x> " + AT


@pytest.mark.parametrize(
    ("head", "message", "subject", "author"),
    [
        pytest.param(ADA + COMMITTER, b"Caf\xe9\n", "Caf\ufffd", "Ada", id="subject in Latin-1, and nothing says so"),
        pytest.param(ADA + COMMITTER + b"\nencoding ISO-8859-1", b"Caf\xe9\n", "Caf\xe9", "Ada", id="Latin-1, as it says"),
        pytest.param(ADA + COMMITTER + b"\nencoding none", b"Caf\xe9\n", "Caf\ufffd", "Ada", id="an unknown encoding"),
        pytest.param(b"author \xe9l\xe9 <\xff> " + AT + COMMITTER, b"x", "x", "\ufffdl\ufffd", id="author in Latin-1"),
        pytest.param(b"author <> " + AT + COMMITTER, b"x", "x", "", id="no author's name"),
        pytest.param(b"author nobody\ncommitter nobody", b"x", "x", "", id="no author and no date"),
        pytest.param(ADA + b"\ncommitter Ada <a@x> 99999999999999 +9999", b"x", "x", "Ada", id="a year without a calendar"),
        pytest.param(ADA + COMMITTER, b"a\x1eb\x1b[31m\rc", "a\x1eb\x1b[31m\rc", "Ada", id="control characters"),
        pytest.param(ADA + COMMITTER, b"one\ntwo\n\nbody", "one two", "Ada", id="a subject of two lines"),
        pytest.param(ADA + COMMITTER, b"", "", "Ada", id="no subject"),
        pytest.param(ADA + COMMITTER, b"x" * 10_000, "x" * 500, "Ada", id="a long subject"),
    ],
)  # fmt: skip
def test_commits_with_odd_bytes(repository: Repository, head: bytes, message: bytes, subject: str, author: str) -> None:
    """Commits with any bytes are found and listed with their neighbours."""
    repository.commit("a", "1")
    sha = written(repository, head, message)
    found = source.resolve("main", at(repository))
    assert (found.sha, found.subject, found.author_name) == (sha, subject, author)
    after = repository.git("commit-tree", f"{sha}^{{tree}}", "-p", sha, "-m", "After")
    repository.git("update-ref", "refs/heads/main", after)
    source.resolve("main", at(repository))
    assert [one.sha for one in source.commits_between(None, after, at(repository))] == [after, sha]


@pytest.mark.parametrize(
    "ref", ["bücher/購物車", "a\u202eb", "<b>|x", "`a`", "$(a)", "-a", "a;b", "x" * 200, "@all", "\udce9"]
)
def test_refs_with_odd_bytes(repository: Repository, ref: str) -> None:
    """Each name that git accepts is found, also where it is no UTF-8."""
    sha = repository.commit("a", "1")
    repository.git("update-ref", f"refs/heads/{ref}", sha)
    repository.commit("a", "2")
    assert source.resolve(ref, at(repository)).sha == sha


def test_commits_between(repository: Repository) -> None:
    """The commits that the old one lacks are listed, newest first."""
    old = repository.commit("a", "1", "One")
    repository.commit("a", "2", "Two")
    new = repository.commit("a", "3", "Three")
    source.resolve("main", at(repository))

    def subjects(since: str | None, until: str) -> list[str]:
        return [commit.subject for commit in source.commits_between(since, until, at(repository))]

    assert subjects(old, new) == ["Three", "Two"]
    assert subjects(new, new) == subjects(new, old) == []
    assert subjects(None, new) == subjects("f" * 40, new) == ["Three", "Two", "One"]


def test_authors_of_commits(repository: Repository) -> None:
    """Authors and co-authors of the range are listed; of the last fifty without one; of all where the old one is unknown."""
    first = repository.commit("a", "0", "Zero")
    for number in range(source.FIRST_COMMITS):
        subject = "Pair\n\nco-authored-by: Bob B <bob@shop.example>\nCo-authored-by: nobody" if number == 0 else "More"
        repository.commit("a", str(number + 1), subject)
        if number == 1:
            repository.git("commit", "--amend", "--quiet", "--no-edit", "--author=Eve <eve@shop.example>")
    new = repository.git("rev-parse", "HEAD")
    source.resolve("main", at(repository))
    ada, bob, eve = (f"{name}@shop.example" for name in ("ada", "bob", "eve"))
    assert source.authors_between(first, new, at(repository)) == (ada, bob, eve)
    assert source.authors_between(None, new, at(repository)) == (ada, bob, eve)
    assert source.authors_between(f"{new}~1", new, at(repository)) == (ada,)
    assert source.authors_between(new, first, at(repository)) == ()
    repository.git("commit", "--allow-empty", "--quiet", "-m", "Newest")
    newest = source.resolve("main", at(repository)).sha
    assert bob not in source.authors_between(None, newest, at(repository))
    assert bob in source.authors_between("f" * 40, newest, at(repository))


def tree(folder: Path, **files: str) -> Path:
    for name, content in files.items():
        file = folder / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return folder


def test_digest_of_a_folder(tmp_path: Path) -> None:
    """The digest changes with content, names and modes, and with nothing else."""
    one = tree(tmp_path / "one", web__app="x", web__sub__b="y", api="z", other="1")
    digest = digest_of(one, ["web", "api"])

    same = tree(tmp_path / "same", api="z", web__sub__b="y", web__app="x", other="2")
    os.utime(same / "api", (1, 1))
    (same / "web/__pycache__").mkdir()
    (same / "web/__pycache__/app.pyc").write_text("compiled")
    assert digest_of(same, ["api", "web", "web/app"]) == digest

    for name, change in {
        "content": {"web__app": "X"},
        "name": {"web__c": ""},
        "moved": {"web__sub__b": "", "web__sub__c": "y"},
    }.items():
        other = tree(tmp_path / name, **{"web__app": "x", "web__sub__b": "y", "api": "z"} | change)
        assert digest_of(other, ["web", "api"]) != digest, name
    (same / "web/app").chmod(0o755)
    assert digest_of(same, ["web", "api"]) != digest


@pytest.mark.parametrize(
    ("link", "target"),
    [
        pytest.param("web/link", "../shared/file", id="file"),
        pytest.param("web/link", "../shared", id="folder"),
        pytest.param("web/link", "../other", id="link to a link"),
        pytest.param("web/link", "..", id="folder around it"),
        pytest.param("web", "shared", id="the path itself"),
    ],
)
def test_digest_through_links(tmp_path: Path, link: str, target: str) -> None:
    """A digest that follows links changes with what they lead to; one that does not stays."""
    folder = tree(tmp_path / "one", shared__file="x", **({"web__app": "x"} if link != "web" else {}))
    (folder / "other").symlink_to("shared/file")
    (folder / link).symlink_to(target)
    plain, follows = digest_of(folder, ["web"]), digest_of(folder, ["web"], follow=True)

    (folder / "shared/file").write_text("y")
    assert digest_of(folder, ["web"]) == plain
    assert digest_of(folder, ["web"], follow=True) != follows


@pytest.mark.parametrize(
    ("path", "links"),
    [
        pytest.param("web", {"web/link": "../other", "other": "shared/file"}, id="link to a link"),
        pytest.param("web", {"web/link": "../other/file", "other": "shared"}, id="through a folder"),
        pytest.param("other/web", {"other": ".", "web/link": "../shared"}, id="the path leads through one"),
    ],
)
def test_digest_of_links_on_the_way(tmp_path: Path, path: str, links: dict[str, str]) -> None:
    """A link that is led elsewhere changes the digest, also where all contents stay; what is listed is enough to read them."""
    folder = tree(tmp_path / "one", web__app="x", shared__file="x", same__file="x")
    for name, target in links.items():
        (folder / name).symlink_to(target)
    whole = digest_of(folder, [path, "shared", "same"], follow=True)
    for name in covered(folder, [path], follow=True):
        (tmp_path / "two" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(folder / name, tmp_path / "two" / name, follow_symlinks=False)
    assert digest_of(tmp_path / "two", [path], follow=True) == digest_of(folder, [path], follow=True)

    if path == "web":
        (folder / "other").unlink()
        (folder / "other").symlink_to(links["other"].replace("shared", "same"))
        assert digest_of(folder, [path, "shared", "same"], follow=True) != whole


@pytest.mark.parametrize("target", ["nowhere", "/etc", "../../..", "link"])
def test_digest_of_links_that_lead_out(tmp_path: Path, target: str) -> None:
    """A link that leads nowhere in the folder is no more than its text."""
    folder = tree(tmp_path / "one", web__app="x")
    (folder / "web/link").symlink_to(target)
    assert digest_of(folder, ["web"], follow=True) == digest_of(folder, ["web"])


def test_digest_of_a_missing_path(tmp_path: Path) -> None:
    """The error names the missing path."""
    with pytest.raises(BadInput, match="could not read 'web': it is not in this commit"):
        digest_of(tmp_path, ["web"])
