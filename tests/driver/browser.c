/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * browser DOMAIN CONNECT PAGE FILE: takes a picture of that page into FILE. Prints what came of it
 * as one line of JSON.
 */
#include "runner-plugin/checks/browser.h"
#include "common/file.h"
#include "common/json.h"

int main(int count, char **words)
{
	AUTO_PTR(json) answer = json_new_object();
	AUTO(buf) picture = {0};
	struct picture_head head;
	struct err err;
	char id[64];

	if (count != 5)
		return 2;
	(void)format_text(id, sizeof(id), "driver-%ld", (long)getpid());
	const struct browser_spec spec = {.run_id = id,
	    .domain = words[1],
	    .connect_to = words[2],
	    .page = words[3],
	    .path = "/usr/bin:/bin",
	    .cancel_fd = -1};
	if (browser_take(&spec, &picture, &head, &err) < 0 ||
	    file_write_atomic(words[4], 0600, buf_text(&picture), picture.length, &err) < 0) {
		json_set_text(answer, "why_not", err.msg);
	} else {
		json_set_text(answer, "type", head.kind->type);
		json_set_int(answer, "width", head.width);
		json_set_int(answer, "height", head.height);
		json_set_int(answer, "bytes", (int64_t)picture.length);
	}
	auto_str char *line = json_print(answer);
	(void)puts(line);
	return 0;
}
