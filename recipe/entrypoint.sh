#!/bin/sh
# Runs ccci-bridge, and once more from the store of a backup when one is to be restored: nothing may have the store open
# meanwhile, and the container, whose hooks do that, has to stay.
set -eu
state=${STATE_DIR:-/var/lib/ccci-bridge}
# A variable that .env leaves empty means the default.
for name in CI_BRANCH POLL_INTERVAL TRIGGER AUTH_ALLOWLIST AUTO_TEST MAX_COMMENT_AGE BUILD_TIMEOUT PAGES_PRIVATE LOG_LEVEL PUBLIC_URL; do
	eval "value=\${$name:-}"
	[ -n "$value" ] || unset "$name"
done
is_stopping=
child=
trap 'is_stopping=1; [ -z "$child" ] || kill -TERM "$child"' TERM INT
while :; do
	if [ -e "$state/restore-wanted" ]; then
		rm -f "$state"/bridge.db*
		tar -xf "$state/backup.tar" -C "$state"
		rm "$state/restore-wanted"
		echo "entrypoint: the store is that of the backup" >&2
	fi
	"$@" &
	child=$!
	status=0
	wait "$child" || status=$?
	# A signal ends the first wait and not the child.
	[ -z "$is_stopping" ] || { wait "$child" || status=$?; }
	if [ -n "$is_stopping" ] || [ ! -e "$state/restore-wanted" ]; then exit "$status"; fi
done
