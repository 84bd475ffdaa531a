"""``python -m pmsl``."""

from pmsl.cli import console

if __name__ == "__main__":
    console()
