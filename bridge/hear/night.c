/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/hear/night.h"

#include "common/clock.h"

static bool read_two_digits(const char *text, int64_t most, int64_t *out)
{
	const char digits[] = {text[0], text[0] ? text[1] : '\0', '\0'};

	return digits[0] >= '0' && digits[0] <= '9' && digits[1] >= '0' && digits[1] <= '9' &&
	       parse_int64(digits, 0, most, out);
}

bool night_parse(const char *text, int64_t *out_minute)
{
	int64_t hours = 0;
	int64_t minutes = 0;

	if (strlen(text) != strlen("HH:MM") || text[2] != ':' ||
	    !read_two_digits(text, 23, &hours) || !read_two_digits(text + 3, 59, &minutes))
		return false;
	*out_minute = hours * 60 + minutes;
	return true;
}

int64_t night_of(int64_t local_s, int64_t minute)
{
	return (local_s - minute * 60) / S_PER_DAY;
}

int64_t night_left_s(int64_t local_s, int64_t minute)
{
	return (night_of(local_s, minute) + 1) * S_PER_DAY + minute * 60 - local_s;
}

/* It has ended, and says something of the recipe. */
static bool is_judged(const struct night_run *run)
{
	return (run->state == JOB_JUDGED || run->state == JOB_ANSWERED) && run->has_verdict &&
	       verdict_is_of_recipe(run->verdict);
}

static bool is_red(const struct night_run *run)
{
	return is_judged(run) && run->verdict != VERDICT_PASSED;
}

/* Whether the newest that says something was red. */
static bool was_red(const struct night_run *runs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (is_judged(&runs[i]))
			return is_red(&runs[i]);
	}
	return false;
}

enum night_step night_next(const struct night_run *runs, size_t count, int64_t night)
{
	if (!count || job_night_of(runs[0].id) < night)
		return NIGHT_TEST;
	if (job_night_of(runs[0].id) > night || job_night_try(runs[0].id) == JOB_NIGHT_TRIES)
		return NIGHT_DONE;
	return is_red(&runs[0]) && !was_red(runs + 1, count - 1) ? NIGHT_TEST_AGAIN : NIGHT_DONE;
}
