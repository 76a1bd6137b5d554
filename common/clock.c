/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/clock.h"

#include <limits.h>
#include <time.h>

static struct clock_source injected;

static int64_t read_clock_ns(clockid_t id)
{
	struct timespec now;

	if (clock_gettime(id, &now) != 0)
		abort();
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t clock_now(void)
{
	return injected.monotonic_ns ? injected.monotonic_ns(injected.context)
				     : read_clock_ns(CLOCK_MONOTONIC);
}

int64_t clock_wall_s(void)
{
	return injected.wall_s ? injected.wall_s(injected.context)
			       : read_clock_ns(CLOCK_REALTIME) / NS_PER_S;
}

void clock_set_source(const struct clock_source *source)
{
	injected = source ? *source : (struct clock_source){0};
}

int64_t clock_local_s(int64_t wall_s)
{
	time_t seconds = (time_t)wall_s;
	struct tm parts;

	tzset(); /* localtime_r() alone reads the zone once and for all */
	return localtime_r(&seconds, &parts) ? wall_s + parts.tm_gmtoff : wall_s;
}

int clock_ms_until(int64_t deadline_ns)
{
	int64_t left_ns = deadline_ns - clock_now();

	if (left_ns <= 0)
		return 0;
	int64_t left_ms = (left_ns - 1) / NS_PER_MS + 1;
	return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

int64_t clock_elapsed_ms(int64_t since_ns)
{
	return (clock_now() - since_ns) / NS_PER_MS;
}

void clock_format_rfc3339(int64_t wall_s, char out[CLOCK_RFC3339_SIZE])
{
	time_t seconds = (time_t)wall_s;
	struct tm parts;

	if (!gmtime_r(&seconds, &parts) ||
	    strftime(out, CLOCK_RFC3339_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		out[0] = '\0';
}

/* A digit for each 0 of form, all else as it is there; how much follows does not matter. */
static bool has_form(const char *text, const char *form)
{
	for (; *form; form++, text++) {
		if (*form == '0' ? *text < '0' || *text > '9' : *text != *form)
			return false;
	}
	return true;
}

static int two_digits(const char *text)
{
	return (text[0] - '0') * 10 + (text[1] - '0');
}

/* The offset behind a date: "Z", "+01:00"; seconds east of UTC. */
static bool parse_offset(const char *text, int64_t *out_s)
{
	if (text_is(text, "Z")) {
		*out_s = 0;
		return true;
	}
	if ((text[0] != '+' && text[0] != '-') || !has_form(text + 1, "00:00") || text[6])
		return false;
	int hours = two_digits(text + 1);
	int minutes = two_digits(text + 4);
	if (hours > 23 || minutes > 59)
		return false;
	*out_s = (text[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
	return true;
}

bool clock_parse_rfc3339(const char *text, int64_t *out_wall_s)
{
	struct tm parts = {0};
	int64_t offset_s = 0;

	/* strptime(3) alone takes blanks, short numbers and the 30th of February. */
	if (!has_form(text, "0000-00-00T00:00:00"))
		return false;
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
	if (!rest)
		return false;
	if (*rest == '.') {
		size_t digits = strspn(rest + 1, "0123456789");

		if (!digits)
			return false;
		rest += 1 + digits;
	}
	if (!parse_offset(rest, &offset_s))
		return false;
	int day = parts.tm_mday;
	time_t seconds = timegm(&parts);
	if (seconds == (time_t)-1 || parts.tm_mday != day)
		return false;
	*out_wall_s = (int64_t)seconds - offset_s;
	return true;
}

void clock_format_duration(int64_t duration_ms, char out[CLOCK_DURATION_SIZE])
{
	int64_t seconds = (duration_ms < 0 ? 0 : duration_ms + 500) / 1000;
	int64_t minutes = seconds / 60;

	if (minutes >= 60)
		(void)format_text(out, CLOCK_DURATION_SIZE, "%lld h %lld min",
		    (long long)(minutes / 60), (long long)(minutes % 60));
	else if (minutes)
		(void)format_text(out, CLOCK_DURATION_SIZE, "%lld min %lld s", (long long)minutes,
		    (long long)(seconds % 60));
	else
		(void)format_text(out, CLOCK_DURATION_SIZE, "%lld s", (long long)seconds);
}

void clock_format_age(int64_t age_s, char out[CLOCK_DURATION_SIZE])
{
	int64_t minutes = age_s / 60;
	int64_t hours = minutes / 60;
	int64_t days = hours / 24;

	if (days > 0)
		(void)format_text(out, CLOCK_DURATION_SIZE, "%lld day%s ago", (long long)days,
		    days == 1 ? "" : "s");
	else if (hours > 0)
		(void)format_text(out, CLOCK_DURATION_SIZE, "%lld h ago", (long long)hours);
	else if (minutes > 0)
		(void)format_text(out, CLOCK_DURATION_SIZE, "%lld min ago", (long long)minutes);
	else
		(void)format_text(out, CLOCK_DURATION_SIZE, "just now");
}
