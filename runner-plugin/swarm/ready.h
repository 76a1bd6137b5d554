/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Watches one deployment until its app is ready, or until it is sure that it will not be.
 *
 *   ready = ready_open(&spec, err);                 before abra: what is there now is not of it
 *   abra_call(... .watch = ready_watch, .context = ready ...);      a crash loop ends abra's wait
 *   ready_wait(ready, &result, err);                services have settled, probes are good twice
 *   ready_confirm(ready, &result, err);             after the checks: still so?
 *
 * Engine events wake it; between them it looks once a second, because tasks make no events. Looks
 * are judged by converge.h, answers of the app by probe.h. Errors: the engine does not answer for
 * longer than READY_ENGINE_PATIENCE_MS.
 */
#ifndef CCCI_READY_H
#define CCCI_READY_H

#include "runner-plugin/swarm/converge.h"
#include "runner-plugin/swarm/engine.h"
#include "runner-plugin/swarm/probe.h"

#define READY_ENGINE_PATIENCE_MS 30000

struct ready_spec {
	struct engine *engine; /* borrowed, like all of it */
	const char *stack;
	struct converge_rules rules;
	const struct suite_probe *probes; /* count 0: probe_default */
	size_t probe_count;
	struct probe_target target;		      /* address is found out here */
	int cancel_fd;				      /* -1: none */
	void (*say)(void *context, const char *line); /* progress; NULL: none */
	void *context;
};

enum ready_end {
	READY_UP,
	READY_RED,	 /* see verdict.state */
	READY_TIMED_OUT, /* see reason: what was waited for */
	READY_NO_PROXY,	 /* our side: the proxy does not answer, or not with a good certificate */
	READY_OUT_OF_REACH, /* our side: see reason */
	READY_CANCELLED,
};
struct ready_result {
	enum ready_end end;
	struct converge_verdict verdict; /* the last one */
	char reason[CONVERGE_REASON_SIZE + 64];
	double converge_s, probe_s;
};

struct ready;
struct ready *ready_open(const struct ready_spec *spec, struct err *err) CHECKED;
void ready_close(struct ready *ready);
DEFINE_AUTO_PTR(ready, ready_close);

/* For abra_watch and proc_spec: true once it is red. Never blocks for long. */
bool ready_watch(void *ready);
int ready_wait(struct ready *ready, struct ready_result *out, struct err *err) CHECKED;
/* One look more; when something has failed since, it waits again. */
int ready_confirm(struct ready *ready, struct ready_result *out, struct err *err) CHECKED;
/* The newest view; borrowed until the next call. */
const struct view *ready_view(const struct ready *ready);
/* As last judged. */
bool ready_is_red(const struct ready *ready);
/* A fresh one, judged too. */
int ready_look(struct ready *ready, struct err *err) CHECKED;

/*
 * Runs one probe where it belongs: fills in the address of the item's service. For checks.
 */
void ready_probe(struct ready *ready, const struct suite_probe *probe, struct probe_result *out);

#endif
