# shellcheck shell=sh
export ENTRYPOINT_VERSION=v1
export BACKUP_VERSION=v1
export RUNNER_VERSION=v1
