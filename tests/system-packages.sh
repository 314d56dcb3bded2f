#!/bin/sh
# Brings the tests' system packages where that needs no question: Debian, as root.
# Elsewhere the tests themselves say what was left out and which command brings it.
set -eu
packages="python3-gi gir1.2-gst-rtsp-server-1.0 gir1.2-gst-plugins-base-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-tools chromium fonts-noto-color-emoji"
if [ "${1:-}" = "--list" ]; then
    echo "$packages"
    exit 0
fi
command -v dpkg-query >/dev/null 2>&1 || exit 0
missing=""
for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "ok installed" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
[ "$(id -u)" = 0 ] || exit 0
echo "Installing system packages for the tests:$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
{ apt-get -qq update && apt-get -qq install -y --no-install-recommends $missing; } >/dev/null 2>&1 || true
