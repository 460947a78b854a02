"""Entry point of the bundled program: the command ``companion``."""

from app.__main__ import run

if __name__ == "__main__":
    run()
