#!/usr/bin/env bash
# Test the Windows installer under wine, in silent mode: files, shortcut and registry after each step.
#
#   packaging/windows/prove_installer.sh ICONS     output folder of packaging/icons/make.py
#
# The payload is a small replacement of the program (stand_in.nsi); the release workflow tests the real one on Windows. Needs
# makensis, wine (64 bit) and Xvfb.
set -euo pipefail
exec </dev/null
icons=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)

export PATH=$PATH:/usr/lib/wine  # the programs of Debian's package wine64, if wine itself is not installed
wine=$(type -P wine64)
export WINEPREFIX=$work/prefix WINEARCH=win64 WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml="
screen=$work/screen
Xvfb -displayfd 3 -screen 0 1024x768x24 -nolisten tcp 3>"$screen" 2>/dev/null &
xvfb=$!
trap 'wineserver -k 2>/dev/null || :; kill $xvfb 2>/dev/null || :; rm -rf "$work"' EXIT
for _ in {1..100}; do [[ -s $screen ]] && break; sleep 0.1; done
DISPLAY=:$(<"$screen")
export DISPLAY

fail() { echo "✗ $*" >&2; exit 1; }
say() { echo "  $*"; }
windows() { "$wine" "$@" 2>/dev/null; }
# quietly COMMAND…: run it and print its exit code
quietly() { local code=0; timeout 120 "$wine" "$@" >/dev/null 2>&1 || code=$?; echo "$code"; }
# value KEY NAME: print a value of the registry, or nothing
value() { windows reg query "HKCU\\$1" /v "$2" | tr -d '\r' | sed -n 's/^ *.* REG_[A-Z_]* *//p'; }
# soon COMMAND…: wait until the command succeeds, up to 10 s
soon() { for _ in {1..100}; do "$@" && return; sleep 0.1; done; return 1; }
gone() { [[ ! -e $1 ]]; }
ended() { ! kill -0 "$1" 2>/dev/null; }

mkdir -p "$work/payload/_internal/app"
makensis -V1 -WX -DOUT="$work/payload/companion.exe" "$here/stand_in.nsi"
cp "$work/payload/companion.exe" "$work/payload/P2P Chat Companion.exe"
echo one >"$work/payload/_internal/app/one.txt"
compile() {
    makensis -V1 -WX -DVERSION="$1" -DVERSION4="$1.0" -DPAYLOAD="$work/payload" -DICON="$icons/companion.ico" \
        -DWIZARD="$icons/wizard.bmp" -DOUT="$work/$1.exe" "$here/installer.nsi"
}
compile 0.1.0
mv "$work/payload/_internal/app/one.txt" "$work/payload/_internal/app/two.txt"
compile 0.2.0

windows wineboot --init
wineserver --wait
local_app=$(find "$WINEPREFIX/drive_c/users" -maxdepth 4 -type d -path '*/AppData/Local' | grep -v Public | head -1)
folder="$local_app/Programs/P2P Chat Companion"
data="$local_app/p2p-chat-companion"
current='Software\Microsoft\Windows\CurrentVersion'
ours="$current\\Uninstall\\com.p2pchat.companion"
everything() {
    (cd "$WINEPREFIX/drive_c" && find . -path './users/*/Temp*' -prune -o -type f -print | LC_ALL=C sort)
    windows reg export "HKCU\\$current" "$work/now.reg" /y >/dev/null
    iconv -f UTF-16 -t UTF-8 "$work/now.reg" | tr -d '\r'
}
# On Windows, this key always exists.
windows reg add "HKCU\\$current\\Uninstall" /f >/dev/null
everything >"$work/before"

[[ $(quietly "$work/0.1.0.exe" /S /AUTOSTART) == 0 ]] || fail "the silent installation failed"
for file in companion.exe "P2P Chat Companion.exe" uninstall.exe _internal/app/one.txt; do
    [[ -e $folder/$file ]] || fail "$file was not installed"
done
shortcut=$(find "$WINEPREFIX/drive_c/users" -name 'P2P Chat Companion.lnk' -path '*Start Menu*')
[[ -n $shortcut ]] || fail "the entry in the Start menu is missing"
strings -el "$shortcut" | grep -qF 'P2P Chat Companion.exe' || fail "the entry in the Start menu starts another program"
[[ $(value "$current\\Run" "P2P Chat Companion") == *'\P2P Chat Companion.exe" --hidden' ]] || fail "start at login is not set"
[[ $(value "$ours" DisplayVersion) == 0.1.0 ]] || fail "the list of installed programs does not have the version"
[[ $(value "$ours" QuietUninstallString) == *'uninstall.exe" /S' ]] || fail "the quiet uninstall command is missing"
say "installed: files, Start menu, start at login, list of programs"

timeout 120 "$wine" "$folder/P2P Chat Companion.exe" >/dev/null 2>&1 &
running=$!
sleep 3
ended $running && fail "the program did not keep running"
[[ $(quietly "$work/0.2.0.exe" /S) == 0 ]] || fail "the upgrade failed"
soon ended $running || fail "the running companion was not closed"
[[ $(value "$ours" DisplayVersion) == 0.2.0 ]] || fail "the list of installed programs has the old version after the upgrade"
gone "$folder/_internal/app/one.txt" || fail "files of the old version were not deleted"
[[ -e $folder/_internal/app/two.txt ]] || fail "the new version's files are missing"
say "upgraded: the running companion was closed, old files were deleted"

timeout 120 "$wine" "$folder/P2P Chat Companion.exe" >/dev/null 2>&1 &
running=$!
sleep 3
mv "$folder/companion.exe" "$work/aside.exe"
[[ $(quietly "$work/0.2.0.exe" /S) == 2 ]] || fail "the exit code should be 2 if the running companion cannot be closed"
[[ -e $folder/_internal/app/two.txt ]] || fail "files of a running companion were changed"
mv "$work/aside.exe" "$folder/companion.exe"
say "a companion that cannot be closed: exit code 2, no files changed"

mkdir -p "$data/Logs"
echo 'username = "max"' >"$data/settings.toml"
[[ $(quietly "$folder/uninstall.exe" /S) == 0 ]] || fail "the silent removal failed"
soon gone "$folder" || fail "these files were left in the program folder: $(ls -A "$folder")"
soon ended $running || fail "the running companion was not closed before the removal"
gone "$shortcut" || fail "the entry in the Start menu was not deleted"
[[ -z $(value "$current\\Run" "P2P Chat Companion") ]] || fail "start at login was not removed"
[[ -z $(value "$ours" DisplayName) ]] || fail "the entry in the list of installed programs was not deleted"
[[ -e $data/settings.toml ]] || fail "settings were deleted without /PURGE"
say "removed: settings and data were kept"

[[ $(quietly "$work/0.2.0.exe" /S) == 0 ]] || fail "the second installation failed"
[[ -z $(value "$current\\Run" "P2P Chat Companion") ]] || fail "start at login was set without /AUTOSTART"
[[ $(quietly "$folder/uninstall.exe" /S /PURGE) == 0 ]] || fail "the second removal failed"
soon gone "$folder" || fail "these files were left in the program folder: $(ls -A "$folder")"
gone "$data" || fail "/PURGE did not delete the data"
wineserver --wait
everything >"$work/after"
diff -u "$work/before" "$work/after" || fail "the removal left the changes above"
say "removed with the data: files and registry are unchanged"
