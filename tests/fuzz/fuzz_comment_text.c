/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any comment is read to something whole, and inside a quote nothing of it is a command. */
#include "bridge/hear/command.h"

#include <ctype.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_str char *quoted = xcalloc(size + 1, 2);
	char stages[COMMAND_STAGES_SIZE];
	struct command command;
	size_t used = 0;

	command_read((const char *)data, size, "!testme", &command);
	command_write_stages(&command, stages);
	assert(command.kind == COMMAND_TEST ||
	       (!*stages && !*command.from && !command.wants_extra && !command.suite_pr));
	assert(command.suite_pr >= 0 && command.suite_pr <= COMMAND_PR_MAX);
	assert((command.kind == COMMAND_MISTYPED) == (*command.why != '\0'));
	for (const char *c = command.why; *c; c++)
		assert(isprint((unsigned char)*c) && !strchr("`<>@[]*#|\\$", *c));
	assert(!strpbrk(command.from, "/\\$'\"` \n") && command.from[0] != '-');

	quoted[used++] = '>';
	for (size_t i = 0; i < size; i++) {
		quoted[used++] = (char)data[i];
		if (data[i] == '\n' || data[i] == '\r')
			quoted[used++] = '>';
	}
	command_read(quoted, used, "!testme", &command);
	assert(command.kind == COMMAND_NONE);
	return 0;
}
