#!/usr/bin/env bash
# Install the app from a disk image without interaction, or remove it:
#
#   packaging/macos/install.sh IMAGE.dmg [FOLDER]     FOLDER is ~/Applications by default
#   packaging/macos/install.sh --uninstall [FOLDER]
#
# The removal quits a running companion and deletes its login item, but keeps settings and chats.
set -euo pipefail
exec </dev/null

folder=${2:-$HOME/Applications}
app="$folder/P2P Chat Companion.app"
login_item=$HOME/Library/LaunchAgents/com.p2pchat.companion.plist

if [[ ${1-} == --uninstall ]]; then
    [[ ! -x $app/Contents/MacOS/companion ]] || "$app/Contents/MacOS/companion" quit || :
    rm -rf "$app"
    rm -f "$login_item"
    exit
fi
[[ -f ${1-} ]] || { sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
mounted=$(mktemp -d)
hdiutil attach -quiet -nobrowse -readonly -mountpoint "$mounted" "$1"
trap 'hdiutil detach -quiet "$mounted"; rmdir "$mounted"' EXIT
mkdir -p "$folder"
rm -rf "$app"
ditto "$mounted/P2P Chat Companion.app" "$app"
echo "$app"
