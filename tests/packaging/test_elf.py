"""Dependencies between libraries, and the glibc version that they need."""

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from . import PACKAGING, load

elf = load("elf")
Needs = elf.Needs

OBJDUMP_OUTPUT = """\

libxcb-cursor.so.0:     file format elf64-x86-64

Dynamic Section:
  NEEDED               libxcb.so.1
  NEEDED               libc.so.6
  SONAME               libxcb-cursor.so.0

Version References:
  required from libc.so.6:
    0x0d696914 0x00 03 GLIBC_2.4
    0x09691a75 0x00 02 GLIBC_2.2.5
    0x069691b4 0x00 04 GLIBC_2.34
  required from libstdc++.so.6:
    0x0297f869 0x00 05 GLIBCXX_3.4.29
"""


def test_the_output_of_objdump_is_parsed() -> None:
    assert elf.parse_objdump(OBJDUMP_OUTPUT) == Needs(frozenset({"libxcb.so.1", "libc.so.6"}), (2, 34))
    assert elf.parse_objdump("") == Needs(frozenset(), ())


@pytest.mark.e2e
@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("objdump"), reason="needs Linux and binutils")
def test_the_installed_objdump_is_called(tmp_path: Path) -> None:
    interpreter = Path(sys.executable).resolve()
    assert elf.is_elf(interpreter)
    assert "libc.so.6" in elf.needs_of(interpreter).libraries
    (tmp_path / "text").write_text("not a program")
    (tmp_path / "link").symlink_to(interpreter)
    assert not any(map(elf.is_elf, tmp_path.iterdir()))


def needs(**libraries: str) -> dict[Path, Any]:
    """Return the dependencies of each file. Underscores in names stand for dots."""
    dependencies = {name.replace("_", "."): frozenset(names.split()) for name, names in libraries.items()}
    return {Path("in", name): Needs(names, ()) for name, names in dependencies.items()}


def test_unused_libraries_and_their_exclusive_dependencies_are_orphans() -> None:
    files = needs(
        program="liba.so", liba_so="", libgtk_so="libcairo.so", libcairo_so="libpixman.so", libpixman_so=""
    )
    orphans = elf.orphans(files, [each for each in files if each.name.startswith("lib")])
    assert {each.name for each in orphans} == {"libgtk.so", "libcairo.so", "libpixman.so"}


def test_required_libraries_and_programs_are_not_orphans() -> None:
    files = needs(program="liba.so", liba_so="libb.so", libb_so="liba.so")
    assert elf.orphans(files, [each for each in files if each.name != "program"]) == []
    assert elf.orphans({}, []) == []


def test_a_library_that_needs_a_newer_glibc_is_reported() -> None:
    files = {Path("x/old.so"): Needs(frozenset(), (2, 35)), Path("x/new.so"): Needs(frozenset(), (2, 38))}
    assert elf.too_new(files, (2, 35)) == ["new.so needs glibc 2.38; the limit is 2.35"]
    assert elf.too_new(files, (2, 38)) == []
    assert elf.too_new({Path("x"): Needs(frozenset(), (2, 9))}, (2, 35)) == [], "9 comes before 35"


def test_the_manual_names_the_required_glibc_version() -> None:
    version = ".".join(map(str, elf.GLIBC))
    assert f"glibc {version}" in (PACKAGING.parent / "resources" / "help" / "install.md").read_text(
        encoding="utf-8"
    )
