"""``python -m pmsl``."""

from pmsl.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
