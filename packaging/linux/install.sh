#!/bin/sh
# Install the companion for the current user, without root. `./install.sh --uninstall` removes it again, but keeps your
# settings and chats: see the manual's page "Files and folders". Both quit a companion that is running.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
data=${XDG_DATA_HOME:-$HOME/.local/share}
config=${XDG_CONFIG_HOME:-$HOME/.config}
program=$HOME/.local/lib/p2p-chat-companion
command=$HOME/.local/bin/companion
entry=$data/applications/p2p-chat-companion.desktop

# It loads modules from its files while it runs, so these must not be replaced meanwhile.
quit_running() {
    [ ! -x "$program/companion" ] || "$program/companion" quit 2>/dev/null || :
}

uninstall() {
    quit_running
    rm -rf "$program"
    rm -f "$command" "$entry" "$config/autostart/p2p-chat-companion.desktop"
    find "$data/icons/hicolor" -name 'p2p-chat-companion.*' -delete 2>/dev/null || :
}

if [ "${1-}" = --uninstall ]; then
    uninstall
    echo "removed"
    exit
fi
[ -x "$here/companion" ] || { echo "the program is missing: run install.sh in the unpacked archive" >&2; exit 1; }
[ "$here" != "$program" ] || { echo "already installed: $program" >&2; exit 1; }
if [ -e "$command" ] && [ "$(readlink "$command")" != "$program/companion" ]; then
    echo "$command exists and belongs to another installation (pipx?): remove it first" >&2
    exit 1
fi
quit_running
rm -rf "$program"
mkdir -p "$program" "$(dirname "$command")" "$(dirname "$entry")" "$data/icons"
cp -R "$here/companion" "$here/_internal" "$here/install.sh" "$program/"
cp -R "$here/share/icons/hicolor" "$data/icons/"
ln -sf "$program/companion" "$command"
sed "s|/usr/bin/companion|$program/companion|" "$here/share/applications/p2p-chat-companion.desktop" >"$entry"
echo "installed: $command; remove it with: $program/install.sh --uninstall"
