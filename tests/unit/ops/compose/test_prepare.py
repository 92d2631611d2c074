import os
import stat
from pathlib import Path

import pytest

from ops.compose.prepare import Handed, Owned, adopt, give, hand_over, main, make_password

_US = os.getuid()
_OURS = os.getgid()


class Chown:
    """Logs who was to get what; nothing changes hands."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int, int]] = []

    def __call__(self, path: str, uid: int, gid: int) -> None:
        self.calls.append((path, uid, gid))


def test_a_volume_that_is_its_user_s_already_is_not_gone_through(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    chown = Chown()
    assert give(Owned(tmp_path, _US, _OURS), chown) == 0
    assert chown.calls == []


def test_a_volume_of_another_is_given_with_all_that_is_in_it_itself_last(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").touch()
    (tmp_path / "link").symlink_to("/etc/hostname")
    chown = Chown()

    assert give(Owned(tmp_path, 4711, 4712), chown) == 4

    paths = [path for path, _, _ in chown.calls]
    assert set(paths) == {str(tmp_path), *(str(tmp_path / one) for one in ("deep", "deep/file", "link"))}
    assert paths[-1] == str(tmp_path)
    assert {(uid, gid) for _, uid, gid in chown.calls} == {(4711, 4712)}


def test_a_folder_that_docker_did_not_make_stays_a_person_s(tmp_path: Path) -> None:
    chown = Chown()
    assert (adopt(Owned(tmp_path, 4711, 4711), chown) > 0) == (_US == 0)


def test_a_password_is_made_once_and_only_its_user_reads_it(tmp_path: Path) -> None:
    file = Owned(tmp_path / "admin_password", 4711, 0)
    chown = Chown()

    assert make_password(file, chown)
    first = file.path.read_text()
    assert len(first) >= 32
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o400
    assert [(uid, gid) for _, uid, gid in chown.calls] == [(4711, 0)]
    assert [path.name for path in tmp_path.iterdir()] == ["admin_password"]

    assert not make_password(file, chown)
    assert file.path.read_text() == first


def test_what_a_crash_left_is_no_password(tmp_path: Path) -> None:
    file = Owned(tmp_path / "admin_password", _US, _OURS)
    (tmp_path / ".admin_password.new").write_text("half")
    assert make_password(file, Chown())
    assert file.path.read_text() != "half"


def _handed(tmp_path: Path) -> Handed:
    source, volume = tmp_path / "receivers", tmp_path / "volume"
    source.mkdir(parents=True)
    volume.mkdir()
    for name in ("README.md", ".gitignore", "slack_url", "webhook_url"):
        (source / name).write_text(f"content of {name}")
    return Handed(source, Owned(volume, 4711, 4712))


def test_secrets_are_handed_to_their_user_alone(tmp_path: Path) -> None:
    handed = _handed(tmp_path)
    chown = Chown()

    assert hand_over(handed, chown) == 2

    volume = handed.volume.path
    assert {path.name: path.read_text() for path in volume.iterdir()} == {
        "slack_url": "content of slack_url",
        "webhook_url": "content of webhook_url",
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in volume.iterdir()} == {0o400}
    assert {(uid, gid) for _, uid, gid in chown.calls} == {(4711, 4712)}


def test_a_secret_that_changed_or_went_away_does_so_in_the_volume(tmp_path: Path) -> None:
    handed = _handed(tmp_path)
    hand_over(handed, Chown())
    (handed.source / "slack_url").write_text("new")
    (handed.source / "webhook_url").unlink()

    assert hand_over(handed, Chown()) == 1

    assert {path.name: path.read_text() for path in handed.volume.path.iterdir()} == {"slack_url": "new"}


def test_the_command_line_does_it_all_and_says_what_it_did_but_no_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    volume, secret = tmp_path / "volume", tmp_path / "secret"
    volume.mkdir()
    secret.mkdir()
    handed = _handed(tmp_path / "more")
    words = [f"--own={volume}=4711:4711", f"--password={secret / 'word'}={_US}:{_OURS}"]
    words.append(f"--copy={handed.source}:{handed.volume.path}=1:1")

    assert main(words, Chown()) == 0

    said = capsys.readouterr().out
    assert said.splitlines() == [
        f"{volume}: 1 now of user 4711",
        f"{secret / 'word'}: made, for user {_US}",
        f"{handed.volume.path}: 2 secrets, for user 1",
    ]
    assert (secret / "word").read_text() not in said


def test_a_missing_volume_is_an_error_and_says_which(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"--own={tmp_path / 'away'}=1:1"], Chown()) == 1
    assert str(tmp_path / "away") in capsys.readouterr().err


def test_a_file_in_place_of_a_volume_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main([f"--own={tmp_path / 'file'}=1:1"], Chown()) == 1
    assert "is no folder" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["/volumes/a", "/volumes/a=1", "/volumes/a=x:1", "volumes/a=1:1", "=1:1"])
def test_what_is_not_written_as_it_should_be_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([f"--own={text}"], Chown())
    assert "is not written like" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["/a", "a:/b=1:1", "/a:/b", "/a:b=1:1"])
def test_a_copy_that_is_not_written_as_it_should_be_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([f"--copy={text}"], Chown())
    assert "is not written like" in capsys.readouterr().err
