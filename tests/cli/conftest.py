"""What tests of the command line share."""

import sys

import pytest

from pmsl.cli import main


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run one command line in an empty folder; return its exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["pmsl", *map(str, words)])
        code = main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err, err
        return code, out, err

    return call
