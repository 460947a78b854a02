#!/usr/bin/env bash
# Runs the Windows installer under wine, silently, and looks at what it leaves: files, shortcut, registry.
#
#   packaging/windows/prove_installer.sh ICONS     the folder that packaging/icons/make.py filled
#
# The payload is a stand-in (stand_in.nsi): the real program is proven on Windows by the release workflow. Needs makensis,
# wine (64 bit) and Xvfb.
set -euo pipefail
exec </dev/null
icons=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)

export PATH=$PATH:/usr/lib/wine  # where Debian's wine64 keeps its programs when nothing more of wine is there
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
# quietly COMMAND…: prints its exit code
quietly() { local code=0; timeout 120 "$wine" "$@" >/dev/null 2>&1 || code=$?; echo "$code"; }
# value KEY NAME: a value of the registry, or nothing
value() { windows reg query "HKCU\\$1" /v "$2" | tr -d '\r' | sed -n 's/^ *.* REG_[A-Z_]* *//p'; }
# soon COMMAND…: waits until it holds
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
# On Windows this key is always there.
windows reg add "HKCU\\$current\\Uninstall" /f >/dev/null
everything >"$work/before"

[[ $(quietly "$work/0.1.0.exe" /S /AUTOSTART) == 0 ]] || fail "the silent installation failed"
for file in companion.exe "P2P Chat Companion.exe" uninstall.exe _internal/app/one.txt; do
    [[ -e $folder/$file ]] || fail "$file was not installed"
done
shortcut=$(find "$WINEPREFIX/drive_c/users" -name 'P2P Chat Companion.lnk' -path '*Start Menu*')
[[ -n $shortcut ]] || fail "there is no entry in the Start menu"
strings -el "$shortcut" | grep -qF 'P2P Chat Companion.exe' || fail "the entry in the Start menu leads elsewhere"
[[ $(value "$current\\Run" "P2P Chat Companion") == *'\P2P Chat Companion.exe" --hidden' ]] || fail "no autostart"
[[ $(value "$ours" DisplayVersion) == 0.1.0 ]] || fail "Windows' list of programs does not know the version"
[[ $(value "$ours" QuietUninstallString) == *'uninstall.exe" /S' ]] || fail "no quiet way to uninstall"
say "installed: files, Start menu, autostart, list of programs"

timeout 120 "$wine" "$folder/P2P Chat Companion.exe" >/dev/null 2>&1 &
running=$!
sleep 3
ended $running && fail "the stand-in did not run"
[[ $(quietly "$work/0.2.0.exe" /S) == 0 ]] || fail "the upgrade failed"
soon ended $running || fail "the running companion was not closed"
[[ $(value "$ours" DisplayVersion) == 0.2.0 ]] || fail "the upgrade did not tell its version"
gone "$folder/_internal/app/one.txt" || fail "the old version's files stayed"
[[ -e $folder/_internal/app/two.txt ]] || fail "the new version's files are missing"
say "upgraded: the running companion was asked to quit, old files are gone"

timeout 120 "$wine" "$folder/P2P Chat Companion.exe" >/dev/null 2>&1 &
running=$!
sleep 3
mv "$folder/companion.exe" "$work/aside.exe"
[[ $(quietly "$work/0.2.0.exe" /S) == 2 ]] || fail "it should say that the running companion cannot be closed"
[[ -e $folder/_internal/app/two.txt ]] || fail "it touched a running companion's files"
mv "$work/aside.exe" "$folder/companion.exe"
say "a companion that does not end: exit code 2, nothing touched"

mkdir -p "$data/Logs"
echo 'username = "max"' >"$data/settings.toml"
[[ $(quietly "$folder/uninstall.exe" /S) == 0 ]] || fail "the silent removal failed"
soon gone "$folder" || fail "left in the program's folder: $(ls -A "$folder")"
soon ended $running || fail "the running companion was not closed before the removal"
gone "$shortcut" || fail "the entry in the Start menu stayed"
[[ -z $(value "$current\\Run" "P2P Chat Companion") ]] || fail "the autostart stayed"
[[ -z $(value "$ours" DisplayName) ]] || fail "the list of programs still has it"
[[ -e $data/settings.toml ]] || fail "settings were removed without being asked"
say "removed; the person's data stayed"

[[ $(quietly "$work/0.2.0.exe" /S) == 0 ]] || fail "the second installation failed"
[[ -z $(value "$current\\Run" "P2P Chat Companion") ]] || fail "autostart was not asked for"
[[ $(quietly "$folder/uninstall.exe" /S /PURGE) == 0 ]] || fail "the second removal failed"
soon gone "$folder" || fail "left in the program's folder: $(ls -A "$folder")"
gone "$data" || fail "/PURGE left the data"
wineserver --wait
everything >"$work/after"
diff -u "$work/before" "$work/after" || fail "something was left behind (see above)"
say "removed with the data: files and registry are as they were"
