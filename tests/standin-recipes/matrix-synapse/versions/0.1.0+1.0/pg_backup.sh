#!/bin/sh
# pg_backup.sh backup | restore
set -eu
dump=/var/lib/postgresql/data/backup.sql
case $1 in
backup) pg_dump -U app site >$dump ;;
restore)
	psql -U app -d postgres -q -w -v ON_ERROR_STOP=1 -c 'DROP DATABASE site WITH (FORCE)'
	psql -U app -d postgres -q -w -v ON_ERROR_STOP=1 -c 'CREATE DATABASE site'
	psql -U app -d site -q -w -v ON_ERROR_STOP=1 -f $dump ;;
esac
