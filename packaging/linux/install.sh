#!/bin/sh
# Installs the companion for you alone, without root; `./install.sh --uninstall` takes it away again.
# Your settings and chats stay: the manual's page "Files and folders" says where.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
data=${XDG_DATA_HOME:-$HOME/.local/share}
config=${XDG_CONFIG_HOME:-$HOME/.config}
program=$HOME/.local/lib/p2p-chat-companion
command=$HOME/.local/bin/companion
entry=$data/applications/p2p-chat-companion.desktop

uninstall() {
    [ ! -x "$program/companion" ] || "$program/companion" quit 2>/dev/null || :
    rm -rf "$program"
    rm -f "$command" "$entry" "$config/autostart/p2p-chat-companion.desktop"
    find "$data/icons/hicolor" -name 'p2p-chat-companion.*' -delete 2>/dev/null || :
}

if [ "${1-}" = --uninstall ]; then
    uninstall
    echo "removed"
    exit
fi
[ -x "$here/companion" ] || { echo "run the install.sh of the unpacked archive" >&2; exit 1; }
[ "$here" != "$program" ] || { echo "it is installed already: $program" >&2; exit 1; }
if [ -e "$command" ] && [ "$(readlink "$command")" != "$program/companion" ]; then
    echo "$command is there already and not from here (pipx?): remove that first" >&2
    exit 1
fi
rm -rf "$program"
mkdir -p "$program" "$(dirname "$command")" "$(dirname "$entry")" "$data/icons"
cp -R "$here/companion" "$here/_internal" "$here/install.sh" "$program/"
cp -R "$here/share/icons/hicolor" "$data/icons/"
ln -sf "$program/companion" "$command"
sed "s|/usr/bin/companion|$program/companion|" "$here/share/applications/p2p-chat-companion.desktop" >"$entry"
echo "installed: $command; to remove it: $program/install.sh --uninstall"
