#!/usr/bin/env bash
# Install the app from a disk image without interaction, or remove it:
#
#   packaging/macos/install.sh IMAGE.dmg [FOLDER]     FOLDER is ~/Applications by default
#   packaging/macos/install.sh --uninstall [FOLDER]
#
# Both quit a running companion. The removal deletes its login item, but keeps settings and chats.
set -euo pipefail
exec </dev/null

folder=${2:-$HOME/Applications}
app="$folder/P2P Chat Companion.app"
login_item=$HOME/Library/LaunchAgents/com.p2pchat.companion.plist

# It loads modules from its files while it runs, so these must not be replaced meanwhile.
quit_running() { [[ ! -x $app/Contents/MacOS/companion ]] || "$app/Contents/MacOS/companion" quit || :; }

if [[ ${1-} == --uninstall ]]; then
    quit_running
    rm -rf "$app"
    rm -f "$login_item"
    exit
fi
[[ -f ${1-} ]] || { sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
mounted=$(mktemp -d)
hdiutil attach -quiet -nobrowse -readonly -mountpoint "$mounted" "$1"
trap 'hdiutil detach -quiet "$mounted"; rmdir "$mounted"' EXIT
mkdir -p "$folder"
quit_running
rm -rf "$app"
ditto "$mounted/P2P Chat Companion.app" "$app"
echo "$app"
