/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/queue.h"

#include <strings.h>

/* --- who is whose --- */

/* Names of the forge's do not tell case. */
static bool has_same_person(const struct queue_job *a, const struct queue_job *b)
{
	return *a->person && strcasecmp(a->person, b->person) == 0;
}

static bool has_same_repo(const struct queue_job *a, const struct queue_job *b)
{
	return strcasecmp(a->repo, b->repo) == 0;
}

static bool is_older(const struct queue_job *a, const struct queue_job *b)
{
	return a->heard_s != b->heard_s ? a->heard_s < b->heard_s : a->id < b->id;
}

/* A nightly job is in front of no person's, however old it is. */
static bool is_in_front(const struct queue_job *a, const struct queue_job *b)
{
	return a->priority != b->priority ? a->priority < b->priority : is_older(a, b);
}

/* --- places --- */

/* Here or in the line; of another person, or of another repository. */
static bool do_others_wait(
    const struct queue_job *jobs, size_t count, const struct queue_job *job, bool is_persons)
{
	for (size_t i = 0; i < count; i++) {
		bool is_own =
		    is_persons ? has_same_person(&jobs[i], job) : has_same_repo(&jobs[i], job);

		if (!is_own && jobs[i].stand != QUEUE_RUNS)
			return true;
	}
	return false;
}

static size_t count_persons(const struct queue_job *jobs, size_t count, const struct queue_job *job)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		found += has_same_person(&jobs[i], job) && is_in_front(&jobs[i], job);
	return found;
}

/*
 * Those in the CI server, also when they are younger, and those that wait in front of it for
 * nothing but their turn: what is held back for its person's sake holds up nobody else.
 */
static size_t count_repos(const struct queue_job *jobs, size_t count, const struct queue_job *job,
    const size_t *of_person)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		bool is_there = jobs[i].stand != QUEUE_WAITS && jobs[i].priority <= job->priority;
		bool is_next = is_in_front(&jobs[i], job) && of_person[i] < QUEUE_SHARE;

		if (&jobs[i] != job && has_same_repo(&jobs[i], job))
			found += is_there || is_next;
	}
	return found;
}

static struct queue_place place_of(
    const struct queue_job *jobs, size_t count, size_t at, const size_t *of_person)
{
	const struct queue_job *job = &jobs[at];
	size_t of_repo = count_repos(jobs, count, job, of_person);
	bool is_persons = of_person[at] > 0 && of_person[at] >= of_repo;

	return (struct queue_place){.may_ask = job->priority == QUEUE_PEOPLE &&
					       of_person[at] < QUEUE_SHARE && of_repo < QUEUE_SHARE,
	    .behind = is_persons ? of_person[at] : of_repo,
	    .is_persons = is_persons,
	    .do_others_wait = do_others_wait(jobs, count, job, is_persons)};
}

static size_t count_stand(const struct queue_job *jobs, size_t count, enum queue_stand stand)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		found += jobs[i].stand == stand;
	return found;
}

/* A runner that nobody has shown yet is one. */
static bool has_idle_runner(const struct queue_job *jobs, size_t count, size_t runners)
{
	return count_stand(jobs, count, QUEUE_RUNS) < (runners ? runners : 1);
}

/* Of two beyond their share. */
static bool goes_first(const struct queue_job *a, const struct queue_place *a_place,
    const struct queue_job *b, const struct queue_place *b_place)
{
	if (a->priority != b->priority)
		return a->priority < b->priority;
	return a_place->behind != b_place->behind ? a_place->behind < b_place->behind
						  : is_older(a, b);
}

/* Nothing waits but what is beyond its share: the first of that; count: there is none. */
static size_t find_first(
    const struct queue_job *jobs, size_t count, const struct queue_place *places)
{
	size_t first = count;

	for (size_t i = 0; i < count; i++) {
		if (jobs[i].stand == QUEUE_WAITS &&
		    (first == count ||
			goes_first(&jobs[i], &places[i], &jobs[first], &places[first])))
			first = i;
	}
	return first;
}

void queue_judge(
    const struct queue_job *jobs, size_t count, size_t runners, struct queue_place *out)
{
	size_t *of_person = xcalloc(count + 1, sizeof(of_person[0]));
	bool is_line_empty = count_stand(jobs, count, QUEUE_IN_LINE) == 0;

	for (size_t i = 0; i < count; i++)
		of_person[i] = count_persons(jobs, count, &jobs[i]);
	for (size_t i = 0; i < count; i++) {
		out[i] = (struct queue_place){0};
		if (jobs[i].stand != QUEUE_WAITS)
			continue;
		out[i] = place_of(jobs, count, i, of_person);
		is_line_empty = is_line_empty && !out[i].may_ask;
	}
	free(of_person);
	size_t first = is_line_empty ? find_first(jobs, count, out) : count;
	if (first < count)
		out[first].may_ask =
		    jobs[first].priority == QUEUE_PEOPLE || has_idle_runner(jobs, count, runners);
}

bool queue_has_room(const struct queue_job *jobs, size_t count, size_t runners)
{
	return count_stand(jobs, count, QUEUE_WAITS) == 0 &&
	       count_stand(jobs, count, QUEUE_IN_LINE) == 0 &&
	       has_idle_runner(jobs, count, runners);
}
