/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/run/exit.h"

const char *exit_meaning(enum exit_code code)
{
	switch (code) {
	case EXIT_PASSED:
		return "passed";
	case EXIT_RECIPE:
		return "the recipe failed";
	case EXIT_USAGE:
		return "usage or configuration";
	case EXIT_OURS:
		return "could not judge: our side, or the host";
	case EXIT_LEFT:
		return "judged, but something was left behind";
	case EXIT_TIMED_OUT:
		return "timed out";
	case EXIT_CANCELLED:
		return "cancelled";
	}
	return "";
}

enum exit_code exit_of_verdict(enum verdict_class class, bool is_clean)
{
	switch (class) {
	case VERDICT_PASSED:
		return is_clean ? EXIT_PASSED : EXIT_LEFT;
	case VERDICT_RECIPE_FAILED:
		return is_clean ? EXIT_RECIPE : EXIT_LEFT;
	case VERDICT_CI_ERROR:
	case VERDICT_NOT_RUN:
		return EXIT_OURS;
	case VERDICT_TIMED_OUT:
		return EXIT_TIMED_OUT;
	case VERDICT_CANCELLED:
	case VERDICT_SUPERSEDED:
		return EXIT_CANCELLED;
	}
	return EXIT_OURS;
}

enum exit_code exit_of_outcome(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_PASS:
	case OUTCOME_NOT_RUN:
		return EXIT_PASSED;
	case OUTCOME_FAIL:
		return EXIT_RECIPE;
	case OUTCOME_UNVERIFIED:
	case OUTCOME_ERROR:
		return EXIT_OURS;
	}
	return EXIT_OURS;
}

enum exit_code exit_of_end(enum run_end end)
{
	switch (end) {
	case RUN_COMPLETE:
		return EXIT_PASSED;
	case RUN_TIMED_OUT:
		return EXIT_TIMED_OUT;
	case RUN_CANCELLED:
		return EXIT_CANCELLED;
	case RUN_BROKE:
		return EXIT_OURS;
	}
	return EXIT_OURS;
}

enum exit_code exit_of_err(const struct err *err)
{
	return err->code == ERR_CONFIG ? EXIT_USAGE : EXIT_OURS;
}
