/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a person or a step of .drone.yml or .woodpecker.yml calls. Holds nothing: it finds or makes
 * the run, asks its keeper, passes its own stdout and stderr along, and exits with the answer. Each
 * function returns the exit status (exit.h), and has said on stderr why.
 *
 * SIGINT, SIGTERM and SIGHUP become a cancel, a second one leaves at once. In a Drone step the
 * front ends with its shell, as Drone's cancel kills nothing else. A keeper that died without an
 * answer is replaced on the spot: the front takes the lease and tears down.
 */
#ifndef CCCI_FRONT_H
#define CCCI_FRONT_H

#include "runner-plugin/run/exit.h"
#include "runner-plugin/run/run.h"

struct front {
	const struct settings *settings;
	const char *const *environ;
};

enum exit_code front_prepare(const struct front *front);
enum exit_code front_stage(const struct front *front, enum stage stage);
enum exit_code front_teardown(
    const struct front *front, const char *run_id); /* NULL: of this build */
enum exit_code front_report(const struct front *front);
/* What report says when there is no run and cannot be one: why. */
enum exit_code front_report_nothing(
    const char *const *environ, const char *default_org, const char *reason);

struct front_local {
	const char *target;			    /* a recipe's directory, or its name */
	const char *src, *pr, *ref, *stages, *from; /* NULL: not given */
	bool has_extra;				    /* the stage extra too */
	const char *json, *junit; /* files to write; NULL. plan: not NULL is JSON */
	const char *keep;	  /* how long the app stays up, "30m"; NULL: not at all */
	bool is_quiet;		  /* no table: who calls reads the file */
};
enum exit_code front_run(const struct front *front, const struct front_local *local);
/* Deploys the recipe of a directory and follows its logs until Ctrl-C, then takes it down. */
enum exit_code front_dev(const struct front *front, const char *target);
enum exit_code front_plan(const struct front *front, const struct front_local *local);
#endif
