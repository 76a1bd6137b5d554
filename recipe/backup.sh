#!/bin/sh
# backup.sh backup: a copy of the store as it is at one moment, backup.tar in the volume. ccci-bridge is stopped meanwhile,
# and what it had not finished then SQLite mends from its log, as after a power cut.
# backup.sh restore: has ccci-bridge begin anew with that copy (entrypoint.sh), and waits until it answers.
set -eu
cd "${STATE_DIR:-/var/lib/ccci-bridge}"
pid=
for process in /proc/[0-9]*; do
	if [ "$(cat "$process/comm" 2>/dev/null)" = ccci-bridge ]; then pid=${process#/proc/}; fi
done
case $1 in
backup)
	[ -n "$pid" ] || { echo "backup.sh: ccci-bridge does not run" >&2; exit 1; }
	trap 'kill -CONT "$pid"' EXIT
	kill -STOP "$pid"
	tar -cf backup.tar.new bridge.db*
	mv backup.tar.new backup.tar
	;;
restore)
	[ -s backup.tar ] || { echo "backup.sh: there is no backup.tar" >&2; exit 1; }
	touch restore-wanted
	[ -z "$pid" ] || kill -TERM "$pid"
	tries=60
	while [ -e restore-wanted ] || ! curl --silent --fail --output /dev/null http://127.0.0.1:8080/metrics; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || { echo "backup.sh: ccci-bridge is not back with the restored store after 30 s" >&2; exit 1; }
		sleep 0.5
	done
	;;
*)
	echo "usage: backup.sh backup | restore" >&2
	exit 2
	;;
esac
