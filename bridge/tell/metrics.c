/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge/tell/metrics.h"

#include "common/clock.h"

static const char *const answer_words[] = {
    [METRICS_ANSWER_NONE] = "none",
    [METRICS_ANSWER_2XX] = "2xx",
    [METRICS_ANSWER_3XX] = "3xx",
    [METRICS_ANSWER_4XX] = "4xx",
    [METRICS_ANSWER_5XX] = "5xx",
};

enum metrics_answer metrics_answer_of(int status)
{
	if (status < 200 || status > 599)
		return METRICS_ANSWER_NONE;
	return (enum metrics_answer)(METRICS_ANSWER_2XX + status / 100 - 2);
}

/* --- lag --- */

static const struct {
	int64_t most_ns;
	const char *text;
} lag_buckets[METRICS_LAG_BUCKETS] = {
    {5 * NS_PER_MS, "0.005"},
    {25 * NS_PER_MS, "0.025"},
    {100 * NS_PER_MS, "0.1"},
    {500 * NS_PER_MS, "0.5"},
    {2500 * NS_PER_MS, "2.5"},
    {10000 * NS_PER_MS, "10"},
};

void metrics_note_lag(struct metrics_lag *lag, int64_t late_ns)
{
	size_t at = 0;

	if (late_ns < 0)
		late_ns = 0;
	while (at < METRICS_LAG_BUCKETS && late_ns > lag_buckets[at].most_ns)
		at++;
	lag->counts[at]++;
	lag->sum_ns += late_ns;
}

/* --- the text --- */

static void begin(struct buf *out, const char *name, const char *type, const char *help)
{
	(void)buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_one(
    struct buf *out, const char *name, const char *type, uint64_t value, const char *help)
{
	begin(out, name, type, help);
	(void)buf_printf(out, "%s %llu\n", name, (unsigned long long)value);
}

static void gauge(struct buf *out, const char *name, int64_t value, const char *help)
{
	add_one(out, name, "gauge", value < 0 ? 0 : (uint64_t)value, help);
}

static void counter(struct buf *out, const char *name, uint64_t value, const char *help)
{
	add_one(out, name, "counter", value, help);
}

static void labelled(
    struct buf *out, const char *name, const char *label, const char *word, uint64_t value)
{
	(void)buf_printf(out, "%s{%s=\"%s\"} %llu\n", name, label, word, (unsigned long long)value);
}

static void write_jobs(const struct metrics *facts, struct buf *out)
{
	static const char jobs[] = "ccci_jobs";
	static const char verdicts[] = "ccci_verdicts_total";

	begin(out, jobs, "gauge", "Jobs in memory, by what they wait for.");
	for (int i = 0; i < JOB_STATE_COUNT; i++) {
		if (i != JOB_ANSWERED) /* these are on their way out */
			labelled(
			    out, jobs, "state", job_state_word((enum job_state)i), facts->jobs[i]);
	}
	gauge(out, "ccci_jobs_oldest_waiting_seconds", facts->oldest_waiting_s,
	    "Age of the oldest job that has not begun to run; 0 when none waits.");
	counter(out, "ccci_commands_heard_total", facts->events.heard,
	    "Commands that became a job, whatever came of them.");
	counter(out, "ccci_commands_refused_total", facts->events.refused,
	    "Commands answered by a sentence, without a run.");
	begin(out, verdicts, "counter", "Runs that came to a verdict, by verdict.");
	for (int i = 0; i < VERDICT_COUNT; i++)
		labelled(out, verdicts, "verdict", verdict_word((enum verdict_class)i),
		    facts->events.verdicts[i]);
	counter(out, "ccci_second_tries_total", facts->events.second_tries,
	    "Builds made once more after an error of CI's own.");
}

static void write_hearing(const struct metrics *facts, struct buf *out)
{
	gauge(out, "ccci_repositories_enrolled", (int64_t)facts->repositories,
	    "Repositories that are enrolled.");
	gauge(out, "ccci_repositories_unheard", (int64_t)facts->unheard,
	    "Enrolled repositories in which no command can be heard.");
	gauge(out, "ccci_repositories_without_webhook", (int64_t)facts->without_webhook,
	    "Enrolled repositories that WEBHOOK_AUTOREGISTER finds no way to give a webhook.");
	gauge(out, "ccci_poll_last_success_timestamp_seconds", facts->polled_s,
	    "When a poll was last answered; 0 before the first.");
}

static void write_peers(const struct metrics *facts, struct buf *out)
{
	begin(out, "ccci_peer_up", "gauge", "Whether forge and CI server answer.");
	for (size_t i = 0; i < facts->peer_count; i++)
		labelled(out, "ccci_peer_up", "peer", facts->peers[i].name, facts->peers[i].is_up);
	begin(out, "ccci_peer_requests_total", "counter",
	    "Requests to forge and CI server, by status; none: no whole answer.");
	for (size_t i = 0; i < facts->peer_count; i++) {
		for (int k = 0; k < METRICS_ANSWER_COUNT; k++)
			(void)buf_printf(out,
			    "ccci_peer_requests_total{peer=\"%s\",answer=\"%s\"} %llu\n",
			    facts->peers[i].name, answer_words[k],
			    (unsigned long long)facts->peers[i].answers[k]);
	}
	begin(out, "ccci_odd_items_total", "counter",
	    "Items of lists left out because they make no sense.");
	for (size_t i = 0; i < facts->peer_count; i++)
		labelled(out, "ccci_odd_items_total", "peer", facts->peers[i].name,
		    facts->peers[i].odd_items);
}

static void write_lag(const struct metrics_lag *lag, struct buf *out)
{
	static const char name[] = "ccci_loop_lag_seconds";
	uint64_t count = 0;

	begin(out, name, "histogram", "How late the loop came to what was due.");
	for (size_t i = 0; i < METRICS_LAG_BUCKETS; i++) {
		count += lag->counts[i];
		(void)buf_printf(out, "%s_bucket{le=\"%s\"} %llu\n", name, lag_buckets[i].text,
		    (unsigned long long)count);
	}
	count += lag->counts[METRICS_LAG_BUCKETS];
	(void)buf_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %lld.%09lld\n%s_count %llu\n",
	    name, (unsigned long long)count, name, (long long)(lag->sum_ns / NS_PER_S),
	    (long long)(lag->sum_ns % NS_PER_S), name, (unsigned long long)count);
}

static void write_store(const struct metrics *facts, struct buf *out)
{
	gauge(out, "ccci_store_writable", facts->is_store_well,
	    "0 while the store cannot be written: nothing new is begun then.");
	gauge(out, "ccci_store_size_bytes", facts->store_bytes, "Size of the store's file.");
	gauge(out, "ccci_store_free_bytes", facts->store_free_bytes,
	    "Of these unused, to be given back.");
	counter(out, "ccci_jobs_forgotten_total", facts->forgotten,
	    "Jobs that left the store because they were over for long, or too many.");
}

static void write_notices(const struct metrics_notices *notices, struct buf *out)
{
	static const char name[] = "ccci_notify_tries_total";

	begin(out, name, "counter", "Times that NOTIFY_COMMAND was run.");
	labelled(out, name, "result", "told", notices->told);
	labelled(out, name, "result", "failed", notices->failed);
	counter(out, "ccci_notify_lost_total", notices->lost, "News that no try of it could tell.");
}

void metrics_write(const struct metrics *facts, struct buf *out)
{
	begin(out, "ccci_build_info", "gauge", "Always 1; which ccci-bridge this is.");
	labelled(out, "ccci_build_info", "version", facts->version, 1);
	gauge(out, "process_start_time_seconds", facts->started_s, "When it was started.");
	gauge(out, "ccci_settings_last_reload_successful", facts->are_settings_well,
	    "0 when the settings that were read last have mistakes; the ones before hold.");
	write_jobs(facts, out);
	write_hearing(facts, out);
	write_peers(facts, out);
	write_lag(&facts->lag, out);
	write_store(facts, out);
	write_notices(&facts->notices, out);
}
