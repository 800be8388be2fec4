"""Programs that tests need are installed by root, and named to everybody else."""

import os
import pwd
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "system-packages"


def run(*pairs, user=None):
    return subprocess.run([SCRIPT, *pairs], capture_output=True, text=True, user=user, cwd="/")


def test_nothing_is_said_or_done_where_the_programs_are_there():
    done = run("bash=bash", "sed=sed")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_who_is_not_root_is_told_which_packages_are_missing():
    nobody = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
    done = run("bash=bash", "no-such-program=no-such-package", "neither=other", user=nobody)
    assert done.returncode == 1
    assert done.stderr == ("install these first: sudo apt-get install -y no-such-package other\n")


@pytest.mark.parametrize("target", ["test", "k8s-test", "test-faults"])
def test_tests_that_are_skipped_without_a_program_come_after_its_installation(target):
    steps = subprocess.run(
        ["make", "--dry-run", "--assume-old=.venv/ready", "--assume-old=build/kserve", target],
        cwd=SCRIPT.parents[1],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert steps.index("scripts/system-packages") < steps.index("pytest")
    assert "nginx=nginx-light" in steps
