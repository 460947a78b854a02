"""``python -m app`` is the console command ``companion``."""

from app.cli.main import run

run()
