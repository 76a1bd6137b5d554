/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lingers PIDFILE [escape] [deaf] [stay]: leaves a grandchild that holds the output open for ever.
 *
 * escape  the grandchild leaves session and group, with an empty environment
 * deaf    everybody ignores SIGTERM
 * stay    the leader does not end either
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool has_word(int count, char **arguments, const char *word)
{
	for (int i = 2; i < count; i++)
		if (strcmp(arguments[i], word) == 0)
			return true;
	return false;
}

static void note_pid(const char *path)
{
	FILE *file = fopen(path, "ae");

	if (!file || fprintf(file, "%ld\n", (long)getpid()) < 0 || fclose(file) != 0)
		_exit(98);
}

static void wait_for_ever(void)
{
	for (;;)
		(void)pause();
}

int main(int count, char **arguments)
{
	int ready[2];
	char byte = 0;

	if (count < 2 || pipe(ready) < 0)
		return 97;
	if (has_word(count, arguments, "deaf"))
		(void)signal(SIGTERM, SIG_IGN);
	note_pid(arguments[1]);
	if (fork() == 0) {
		bool escapes = has_word(count, arguments, "escape");

		if (escapes && (setsid() < 0 || fork() != 0))
			_exit(0);
		note_pid(arguments[1]);
		(void)close(ready[0]);
		(void)close(ready[1]);
		if (escapes)
			(void)execle(arguments[0], arguments[0], "/dev/null", "stay", (char *)NULL,
			    (char *[]){NULL});
		wait_for_ever();
	}
	(void)close(ready[1]);
	(void)!read(ready[0], &byte, 1); /* until the grandchild is what it shall be */
	(void)printf("ready\n");
	(void)fflush(stdout);
	if (has_word(count, arguments, "stay"))
		wait_for_ever();
	return 0;
}
