/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/queue.h"

#define JOBS_MAX 64

/*
 * A job is "Ar+": of person A, for repository r, and + waits here, - stands in line, = runs; "n"
 * behind it: a nightly one. Oldest first, a blank between two. A person "." is nobody.
 *
 * A place is "?" for may be asked for, "." for a job that does not wait, else "2p" for behind two
 * of the person's, "1r" of the repository's; "*" behind that: others wait.
 */
static const struct row {
	const char *jobs, *places;
	size_t runners;
} rows[] = {
    {"", "", 0},
    {"Ar+", "?", 0},
    {"Ar+n", "?", 0},
    {"Ar=", ".", 0},
    /* a share each, at once */
    {"Ar- As+", ". ?", 0},
    {"Ar+ As+", "? ?", 0},
    {"Ar= As- Bt+", ". . ?", 0},
    {"Ar= As- Bt+ Cu+ Dv+", ". . ? ? ?", 0},
    /* what is beyond the share waits: behind a line of one's own too, for that has no order */
    {"Ar= As- At+", ". . 2p", 0},
    {"Ar- As- At+", ". . 2p", 0},
    {"Ar= As- At+ Bu+", ". . 2p* ?", 0},
    {"Ar= As- At+ Bu-", ". . 2p* .", 0},
    {"Ar= As- At+ Bu=", ". . 2p .", 0},
    {"Ar= As- At+ Au+ Bv-", ". . 2p* 3p* .", 0},
    {"Ar+ As+ At+", "? ? 2p", 0},
    /* also of a repository, whoever asks, and of nobody that is known */
    {"Ar= Br- Cr+", ". . 2r", 0},
    {"Ar= Br- Cr+ Cs+", ". . 2r* ?", 0},
    {".r= .r- .r+", ". . 2r", 0},
    {".r= .s- .t+", ". . ?", 0},
    {"Ar= As- Br= Br- Ar+", ". . . . 3r*", 0},
    {"Ar= As- At- Br- Ar+", ". . . . 3p*", 0},
    /* who asked first is first of its own, also when it waits for another reason */
    {"Br= Cr- Ar+ As+ At+", ". . 2r* ? 2p*", 0},
    {"Ar= Br+ Cr+", ". ? 2r", 0},
    /* what is held back for its person's sake holds up nobody else in its repository */
    {"As= At- Ar+ Ar+ Br+", ". . 2p* 3p* ?", 0},
    {"As= At- Ar+ Ar+ Br+ Cr+ Dr+", ". . 2p* 3p* ? ? 2r*", 0},
    /* ... and is the next there when its turn has come, though younger ones were let in */
    {"At- Ar+ Br= Cr- Dr+", ". 2r* . . 3r*", 0},
    {"At- Ar+ Br= Dr+", ". ? . 2r*", 0},
    /* nothing waits: a runner must not idle; one at a time, with the fewest in front */
    {"Ar= As= At+", ". . ?", 0},
    {"Ar= As= At+ Au+", ". . ? 3p", 0},
    {"Ar= As= At= Au+ Br= Bs= Bt+", ". . . 3p* . . ?", 0},
    {"Ar= As= At+ Bu= Bv= Bw+", ". . ? . . 2p*", 0},
    {"Ar= As= At+ Bu+", ". . 2p* ?", 0},
    /* a nightly one is in front of nobody, and never counted in front */
    {"Nr= An+ Nr=n Nr+n", ". ? . 2p*", 0},
    {"Nr=n Nr-n Ar+", ". . ?", 0},
    {"Nr+n Ns+n Nt+n Nr+", "1p 2p 3p ?", 0},
    {"Ar- Ns+n", ". 0r*", 0},
    {"Ar= Ns+n", ". 0r", 1},
    {"Ar= Ns+n", ". 0r", 0},
    {"Ar= Ns+n", ". ?", 2},
    {"Ar= As= At+ Ns+n", ". . ? 1r*", 8},
    {"Nr=n Ns+n Nt+n", ". ? 2p", 2},
    {"Nr-n Ns+n", ". 1p", 2},
    /* a name is the same in any case */
    {"Ar= as- AT+", ". . 2p", 0},
};

static char texts[JOBS_MAX][2][2];

static size_t read_jobs(const char *text, struct queue_job out[JOBS_MAX])
{
	size_t count = 0;

	for (const char *at = text; *at; at += strspn(at, " ")) {
		char stand = at[2];

		texts[count][0][0] = at[0] == '.' ? '\0' : at[0];
		texts[count][1][0] = at[1];
		out[count] = (struct queue_job){.id = (int64_t)count,
		    .person = texts[count][0],
		    .repo = texts[count][1],
		    .priority = at[3] == 'n' ? QUEUE_NIGHTLY : QUEUE_PEOPLE,
		    .stand = stand == '+'   ? QUEUE_WAITS
			     : stand == '-' ? QUEUE_IN_LINE
					    : QUEUE_RUNS};
		ck_assert(strchr("+-=", stand));
		count++;
		at += strcspn(at, " ");
	}
	return count;
}

static void write_place(
    const struct queue_job *job, const struct queue_place *place, struct buf *out)
{
	if (job->stand != QUEUE_WAITS)
		(void)buf_add_char(out, '.');
	else if (place->may_ask)
		(void)buf_add_char(out, '?');
	else
		(void)buf_printf(out, "%zu%c%s", place->behind, place->is_persons ? 'p' : 'r',
		    place->do_others_wait ? "*" : "");
}

START_TEST(places_row)
{
	const struct row *row = &rows[_i];
	AUTO(buf) text = buf_make(4096);
	struct queue_job jobs[JOBS_MAX];
	struct queue_place places[JOBS_MAX];
	size_t count = read_jobs(row->jobs, jobs);

	queue_judge(jobs, count, row->runners, places);
	for (size_t i = 0; i < count; i++) {
		(void)buf_add_text(&text, i ? " " : "");
		write_place(&jobs[i], &places[i], &text);
	}
	ck_assert_msg(text_is(buf_text(&text), row->places), "row %d, %s: %s, not %s", _i,
	    row->jobs, buf_text(&text), row->places);
}
END_TEST

/* The order in which they stand in memory is no matter. */
START_TEST(order_is_age)
{
	struct queue_job jobs[JOBS_MAX];
	struct queue_place places[JOBS_MAX];
	size_t count = read_jobs("As+ At+ Ar=", jobs);

	jobs[0].heard_s = 7;
	jobs[1].heard_s = 6;
	queue_judge(jobs, count, 0, places);
	ck_assert(!places[0].may_ask);
	ck_assert(places[1].may_ask);
}
END_TEST

static const struct room_row {
	const char *jobs;
	size_t runners;
	bool has_room;
} room_rows[] = {
    {"", 0, true},
    {"Ar=", 0, false},
    {"Ar=", 2, true},
    {"Ar= Nr=n", 2, false},
    {"Ar-", 8, false},
    {"Ar+", 8, false},
};

START_TEST(has_room_row)
{
	const struct room_row *row = &room_rows[_i];
	struct queue_job jobs[JOBS_MAX];
	size_t count = read_jobs(row->jobs, jobs);

	ck_assert_int_eq(queue_has_room(jobs, count, row->runners), row->has_room);
}
END_TEST

/* --- a day in small: a line that is first in, first out, some runners, and people who ask --- */

#define STEPS 4000
#define RUNNERS 3
#define PEOPLE 5 /* the first of them asks for as much as can be */

struct day {
	struct queue_job jobs[JOBS_MAX];
	int64_t asked_at[JOBS_MAX], ends_at[JOBS_MAX], born_at[JOBS_MAX];
	size_t count;
	int64_t next_id;
	unsigned chance;
	int64_t longest; /* that anybody but the first waited */
	int64_t nightly_ended;
};

static unsigned draw(struct day *day, unsigned below)
{
	day->chance = day->chance * 1103515245U + 12345U;
	return (day->chance >> 16) % below;
}

static void be_born(struct day *day, int64_t now, size_t person, bool is_nightly)
{
	static const char *const people[PEOPLE] = {"flood", "b", "c", "d", "e"};
	static const char *const repos[] = {"o/r", "o/s", "o/t", "o/u", "o/v", "o/w"};

	if (day->count == JOBS_MAX)
		return;
	day->jobs[day->count] = (struct queue_job){.id = day->next_id++,
	    .heard_s = now,
	    .person = is_nightly ? "" : people[person],
	    .repo = repos[draw(day, COUNT_OF(repos))],
	    .priority = is_nightly ? QUEUE_NIGHTLY : QUEUE_PEOPLE};
	day->born_at[day->count++] = now;
}

static void ask(struct day *day, int64_t now)
{
	struct queue_place places[JOBS_MAX];

	queue_judge(day->jobs, day->count, RUNNERS, places);
	for (size_t i = 0; i < day->count; i++) {
		if (!places[i].may_ask)
			continue;
		day->jobs[i].stand = QUEUE_IN_LINE;
		day->asked_at[i] = now;
	}
}

static size_t count_of(const struct day *day, enum queue_stand stand)
{
	size_t found = 0;

	for (size_t i = 0; i < day->count; i++)
		found += day->jobs[i].stand == stand;
	return found;
}

/* The server's line: who was asked for first. */
static void start_next(struct day *day, int64_t now)
{
	while (count_of(day, QUEUE_RUNS) < RUNNERS && count_of(day, QUEUE_IN_LINE)) {
		size_t first = day->count;

		for (size_t i = 0; i < day->count; i++) {
			if (day->jobs[i].stand == QUEUE_IN_LINE &&
			    (first == day->count || day->asked_at[i] < day->asked_at[first]))
				first = i;
		}
		day->jobs[first].stand = QUEUE_RUNS;
		day->ends_at[first] = now + 1 + draw(day, 8);
		if (!text_is(day->jobs[first].person, "flood") &&
		    day->jobs[first].priority == QUEUE_PEOPLE &&
		    now - day->born_at[first] > day->longest)
			day->longest = now - day->born_at[first];
	}
}

static void end_some(struct day *day, int64_t now)
{
	size_t kept = 0;

	for (size_t i = 0; i < day->count; i++) {
		if (day->jobs[i].stand == QUEUE_RUNS && day->ends_at[i] <= now) {
			day->nightly_ended += day->jobs[i].priority == QUEUE_NIGHTLY;
			continue;
		}
		day->jobs[kept] = day->jobs[i];
		day->asked_at[kept] = day->asked_at[i];
		day->ends_at[kept] = day->ends_at[i];
		day->born_at[kept++] = day->born_at[i];
	}
	day->count = kept;
}

/* A nightly one in line has found a free runner at once, or others came in the same step. */
static void check_step(const struct day *day)
{
	size_t in_line = 0;

	for (size_t i = 0; i < day->count; i++) {
		if (day->jobs[i].stand == QUEUE_IN_LINE && day->jobs[i].priority == QUEUE_NIGHTLY)
			in_line++;
	}
	ck_assert_uint_eq(in_line, 0);
	/* No runner idles while somebody waits. */
	ck_assert(count_of(day, QUEUE_RUNS) == RUNNERS || !count_of(day, QUEUE_WAITS));
}

START_TEST(nobody_starves)
{
	struct day day = {.chance = (unsigned)_i + 1};

	for (int64_t now = 0; now < STEPS; now++) {
		end_some(&day, now);
		/* One wants more than there is, all the time; the others ask now and then. */
		while (day.count < 20)
			be_born(&day, now, 0, false);
		for (size_t person = 1; person < PEOPLE; person++) {
			if (draw(&day, 16) == 0)
				be_born(&day, now, person, false);
		}
		/* Each start may leave room for one more. */
		for (int i = 0; i < RUNNERS; i++) {
			ask(&day, now);
			start_next(&day, now);
		}
		check_step(&day);
	}
	ck_assert_int_lt(day.longest, 60);
	while (day.count) {
		int64_t now = STEPS + day.next_id++;

		end_some(&day, now);
		ask(&day, now);
		start_next(&day, now);
		ck_assert_int_lt(now, STEPS + 100000);
	}
}
END_TEST

START_TEST(nightly_jobs_use_what_is_left)
{
	struct day day = {.chance = (unsigned)_i + 1};

	for (int64_t now = 0; now < STEPS; now++) {
		end_some(&day, now);
		while (day.count < 10)
			be_born(&day, now, 0, true);
		if (draw(&day, 8) == 0)
			be_born(&day, now, 1, false);
		for (int i = 0; i < RUNNERS; i++) {
			ask(&day, now);
			start_next(&day, now);
		}
		check_step(&day);
	}
	ck_assert_int_gt(day.nightly_ended, STEPS / 4);
	ck_assert_int_lt(day.longest, 40);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("queue");
	TCase *tests = tcase_create("queue");

	tcase_add_loop_test(tests, places_row, 0, COUNT_OF(rows));
	tcase_add_test(tests, order_is_age);
	tcase_add_loop_test(tests, has_room_row, 0, COUNT_OF(room_rows));
	tcase_add_loop_test(tests, nobody_starves, 0, 8);
	tcase_add_loop_test(tests, nightly_jobs_use_what_is_left, 0, 4);
	suite_add_tcase(suite, tests);
	return suite;
}

TEST_MAIN(make_suite)
