#!/usr/bin/env bash
# Run a command with its temporary files in memory, where the machine has that to spare: hundreds of
# databases are made and thrown away, and on a disk it is the making of files that takes the time.
set -euo pipefail
NEEDED_KB=$((8 * 1024 * 1024))

has_room() {
    [ -w /dev/shm ] && [ -r /proc/meminfo ] || return 1
    # some containers let nothing be executed there, and some tests execute
    ! grep -q '^[^ ]* /dev/shm .*noexec' /proc/mounts || return 1
    [ "$(df -Pk /dev/shm | awk 'END {print $4}')" -ge "$NEEDED_KB" ] || return 1
    [ "$(awk '/^MemAvailable/ {print $2}' /proc/meminfo)" -ge "$NEEDED_KB" ]
}

has_room || exec "$@"
TMPDIR=$(mktemp -d /dev/shm/nobs-tests-XXXXXX)
export TMPDIR
trap 'rm -rf --one-file-system "$TMPDIR"' EXIT
"$@"
