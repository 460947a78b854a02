"""The files that are installed with the program: icons, style sheet, built-in fixtures and manual."""

from pathlib import Path

FOLDER = Path(__file__).parent
