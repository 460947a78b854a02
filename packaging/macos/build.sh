#!/usr/bin/env bash
# Build the macOS disk image: packaging/macos/build.sh [--out FOLDER]
#
# The app gets the hardened runtime and an ad-hoc signature, or a real one if this is set:
#   COMPANION_CODESIGN_IDENTITY   "Developer ID Application: …", in the keychain
# With a profile, Apple notarises the image, and the ticket is stapled to it:
#   COMPANION_NOTARY_PROFILE      a profile of `xcrun notarytool store-credentials`
set -euo pipefail
exec </dev/null
cd "$(dirname "$0")/../.."

out=build/packages
if [[ ${1-} == --out ]]; then out=$2; fi
mkdir -p "$out"

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' app/__init__.py)
identity=${COMPANION_CODESIGN_IDENTITY:--}
app="build/bundle/P2P Chat Companion.app"
image=$out/P2P-Chat-Companion-$version-macos-$(uname -m).dmg

python=$("${PYTHON:-python3}" packaging/build_venv.py build/venv-bundle)
"$python" packaging/build.py --out build/bundle

# PyInstaller has signed each library. Sign the app last: its signature covers its content.
stamp=(--timestamp)
if [[ $identity == - ]]; then stamp=(--timestamp=none); fi
codesign --force --options runtime "${stamp[@]}" --entitlements packaging/macos/entitlements.plist \
    --sign "$identity" "$app"
codesign --verify --deep --strict "$app"

rm -f "$image"
"$(dirname "$python")/dmgbuild" -s packaging/macos/dmg_settings.py -D app="$app" -D icon=build/bundle/icons/companion.icns \
    "P2P Chat Companion" "$image"
if [[ $identity != - ]]; then codesign "${stamp[@]}" --sign "$identity" "$image"; fi
if [[ -n ${COMPANION_NOTARY_PROFILE-} ]]; then
    xcrun notarytool submit "$image" --keychain-profile "$COMPANION_NOTARY_PROFILE" --wait
    xcrun stapler staple "$image"
    spctl --assess --type open --context context:primary-signature "$image"
else
    echo "not notarised: COMPANION_NOTARY_PROFILE is not set"
fi
ls -l "$image"
