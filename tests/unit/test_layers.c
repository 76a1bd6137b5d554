/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The layers and doors of docs/architecture.md as a test over the sources: who may include whom,
 * and which library or call belongs to which file. A file that is in no table may use what its
 * directory may.
 */
#include <check.h>

#include "harness.h"

#include "common/file.h"

#include <ctype.h>
#include <dirent.h>

#define SOURCE_MAX_BYTES (1024 * 1024)
#define FILES_MAX 400

/* --- the tables --- */

/* common: each includes only what stands below it; the same number may not include each other. */
static const struct rank {
	const char *module;
	int rank;
} ranks[] = {
    {"base", 0},
    {"version", 0},
    {"testpoint", 1},
    {"exec", 1},
    {"err", 1},
    {"buf", 1},
    {"nearest", 1},
    {"clock", 2},
    {"log", 3},
    {"file", 4},
    {"json", 4},
    {"http", 4},
    {"golang", 1},
    {"yaml", 4},
    {"conf", 5},
    {"verdict", 6},
    {"results", 7},
    {"since", 8},
    {"table", 9},
    {"junit", 8},
};

/* verdict stands high but is pure: this is all that it, and any other value, may include of common.
 */
static const char *const value_headers[] = {"base", "err", "buf", "clock", "golang", "json",
    "nearest", "yaml", "results", "since", "verdict", "version"};

/* Values: no descriptor, clock, log or foreign library. */
static const char *const values[] = {
    "bridge/hear/command",
    "bridge/policy",
    "bridge/job",
    "bridge/hear/night",
    "bridge/tell/notice",
    "bridge/queue",
    "bridge/tell/reply",
    "bridge/tell/markdown",
    "bridge/peers/build",
    "bridge/peers/build_read",
    "bridge/learn",
    "bridge/errand",
    "bridge/isolation",
    "bridge/standing",
    "bridge/tell/summary",
    "bridge/tell/metrics",
    "bridge/hook_plan",
    "bridge/tell/status",
    "bridge/tell/clean",
    "bridge/pages/html",
    "bridge/pages/draw",
    "bridge/pages/style",
    "bridge/pages/past",
    "bridge/pages/overview",
    "bridge/pages/frame",
    "bridge/pages/dashboard",
    "bridge/pages/recipe_page",
    "bridge/pages/run_page",
    "bridge/pages/badge",
    "bridge/pages/api",
    "runner-plugin/recipe/params",
    "runner-plugin/recipe/recipe_version",
    "runner-plugin/recipe/plan",
    "runner-plugin/recipe/tree",
    "runner-plugin/recipe/env_file",
    "runner-plugin/recipe/interpolate",
    "runner-plugin/recipe/compose",
    "runner-plugin/recipe/compose_model",
    "runner-plugin/recipe/compose_read",
    "runner-plugin/recipe/compose_merge",
    "runner-plugin/recipe/compose_short",
    "runner-plugin/recipe/compose_check",
    "runner-plugin/recipe/compose_value",
    "runner-plugin/recipe/compose_schema",
    "runner-plugin/recipe/needs",
    "runner-plugin/recipe/secrets",
    "runner-plugin/recipe/trespass",
    "runner-plugin/recipe/backup_labels",
    "runner-plugin/swarm/converge",
    "runner-plugin/swarm/view",
    "runner-plugin/swarm/holder",
    "runner-plugin/swarm/archive",
    "runner-plugin/swarm/endpoint",
    "runner-plugin/swarm/nodes",
    "runner-plugin/swarm/database",
    "runner-plugin/run/exit",
    "runner-plugin/abra/refusal",
    "runner-plugin/abra/lint_table",
    "runner-plugin/host/canary_spec",
    "runner-plugin/checks/tap",
    "runner-plugin/checks/hello",
    "runner-plugin/checks/picture_head",
    "runner-plugin/swarm/registry_auth",
    "common/verdict",
    "common/table",
    "common/junit",
    "common/since",
};

/* Values made of what an effect reads: they may include its header for the types. */
static const struct {
	const char *module, *other;
} type_headers[] = {
    {"runner-plugin/recipe/plan", "runner-plugin/recipe/suite"},
    {"runner-plugin/recipe/secrets", "runner-plugin/recipe/suite"},
    {"bridge/peers/build", "bridge/peers/peer"},
    {"bridge/standing", "bridge/peers/gitea"},
    {"bridge/hook_plan", "bridge/peers/gitea"},
    {"bridge/tell/status", "bridge/peers/gitea"},
};

/* System headers that give no more than words and numbers. */
static const char *const harmless[] = {"assert.h", "ctype.h", "errno.h", "inttypes.h", "limits.h",
    "math.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h", "strings.h"};

/* Calls no value makes: clock.h is there for its formats. */
static const char *const impure[] = {"clock_now", "clock_wall_s", "clock_elapsed_ms",
    "clock_ms_until", "log_error", "log_warning", "log_info", "log_debug", "open", "fopen", "read",
    "write", "getenv", "printf", "time"};

/* One library, one door. */
static const struct door {
	const char *library; /* how its headers begin */
	const char *files[5];
} doors[] = {
    {"curl/", {"common/http.c"}},
    {"cjson/", {"common/json.c"}},
    {"cJSON", {"common/json.c"}},
    {"yaml.h", {"common/yaml.c"}},
    {"openssl/", {"common/file.c", "bridge/hook.c"}},
    {"microhttpd", {"bridge/server.c"}},
    {"sqlite3", {"bridge/store.c"}},
    {"pthread", {NULL}},
    {"threads", {NULL}},
};

/* One call, one door. */
static const struct door call_doors[] = {
    {"fork", {"common/exec.c", "runner-plugin/run/proc.c", "runner-plugin/run/keeper.c",
		 "runner-plugin/run/worker.c", "runner-plugin/run/reap.c"}},
    {"vfork", {NULL}},
    {"clone", {NULL}},
    {"daemon", {NULL}},
    {"alloca", {NULL}},
};

/* --- sources --- */

struct source {
	char *path; /* "bridge/job.c" */
	char *text; /* without comments and what stands in quotes, but for includes */
};

static struct source sources[FILES_MAX];
static size_t source_count;

/* Comments, texts and characters become blanks; lines keep their number. */
static void blank_out(char *text)
{
	for (char *c = text; *c;) {
		char *end = c + 1;

		if (c[0] == '#') { /* a directive stays as it is */
			c += strcspn(c, "\n");
			continue;
		}
		if (c[0] == '/' && c[1] == '*') {
			end = strstr(c + 2, "*/");
			end = end ? end + 2 : c + strlen(c);
		} else if (*c == '"' || *c == '\'') {
			while (*end && *end != *c)
				end += *end == '\\' && end[1] ? 2 : 1;
			end += *end ? 1 : 0;
		} else {
			c++;
			continue;
		}
		for (; c < end; c++) {
			if (*c != '\n')
				*c = ' ';
		}
	}
}

static void add_source(const char *dir, const char *name)
{
	AUTO(buf) content = {0};
	struct err err;
	auto_str char *path = xasprintf("%s/%s/%s", TEST_SOURCE_DIR, dir, name);

	ck_assert_uint_lt(source_count, FILES_MAX);
	ck_assert_msg(file_read(path, SOURCE_MAX_BYTES, &content, &err) == 0, "%s", err.msg);
	char *text = buf_take(&content);
	blank_out(text);
	sources[source_count++] =
	    (struct source){.path = xasprintf("%s/%s", dir, name), .text = text};
}

static void read_sources(void)
{
	static const char *const dirs[] = {"common", "bridge", "bridge/hear", "bridge/peers",
	    "bridge/pages", "bridge/tell", "runner-plugin", "runner-plugin/recipe",
	    "runner-plugin/swarm", "runner-plugin/run", "runner-plugin/stages",
	    "runner-plugin/abra", "runner-plugin/checks", "runner-plugin/host"};

	for (size_t i = 0; i < COUNT_OF(dirs); i++) {
		auto_str char *path = xasprintf("%s/%s", TEST_SOURCE_DIR, dirs[i]);
		DIR *dir = opendir(path);

		for (struct dirent *entry = dir ? readdir(dir) : NULL; entry;
		     entry = readdir(dir)) {
			if (text_ends(entry->d_name, ".c") || text_ends(entry->d_name, ".h"))
				add_source(dirs[i], entry->d_name);
		}
		if (dir)
			ck_assert_int_eq(closedir(dir), 0);
	}
	ck_assert_uint_gt(source_count, 20); /* else the test looks in the wrong place */
}

static void free_sources(void)
{
	while (source_count) {
		source_count--;
		free(sources[source_count].path);
		free(sources[source_count].text);
	}
}

/* --- what is looked for --- */

/* "bridge/job" of "bridge/job.c". */
static char *module_of(const char *path)
{
	return xstrndup(path, strlen(path) - 2);
}

static bool is_listed(const char *const *list, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++) {
		if (text_is(list[i], word))
			return true;
	}
	return false;
}

static bool is_value(const char *module)
{
	return is_listed(values, COUNT_OF(values), module);
}

/* The rank of "common/err.h" or of "common/err"; -1: no part of common. */
static int rank_of(const char *path)
{
	if (!text_starts(path, "common/"))
		return -1;
	path += strlen("common/");
	for (size_t i = 0; i < COUNT_OF(ranks); i++) {
		size_t length = strlen(ranks[i].module);

		if (strncmp(path, ranks[i].module, length) == 0 &&
		    (path[length] == '.' || !path[length]))
			return ranks[i].rank;
	}
	ck_abort_msg("common/%s is in no table: give it a rank", path);
}

static bool may_pass(const struct door *door, const char *path)
{
	for (size_t i = 0; i < COUNT_OF(door->files) && door->files[i]; i++) {
		if (text_is(door->files[i], path))
			return true;
	}
	return false;
}

/* Why a file may not include one of ours; NULL: it may. */
static const char *fault_of_ours(const char *module, const char *header)
{
	auto_str char *other = module_of(header);
	int rank = rank_of(module);

	if (text_is(module, other))
		return NULL;
	if (rank >= 0 && (rank_of(header) < 0 || rank_of(header) >= rank))
		return "it stands above";
	if (text_starts(module, "bridge/") && text_starts(header, "runner-plugin/"))
		return "it belongs to the other program";
	if (text_starts(module, "runner-plugin/") && text_starts(header, "bridge/"))
		return "it belongs to the other program";
	if (!is_value(module) || is_value(other))
		return NULL;
	if (text_starts(other, "common/") &&
	    is_listed(value_headers, COUNT_OF(value_headers), other + strlen("common/")))
		return NULL;
	for (size_t i = 0; i < COUNT_OF(type_headers); i++) {
		if (text_is(module, type_headers[i].module) &&
		    text_is(other, type_headers[i].other))
			return NULL;
	}
	return "a value knows no effects";
}

static const char *fault_of_foreign(const char *path, const char *header)
{
	auto_str char *module = module_of(path);

	for (size_t i = 0; i < COUNT_OF(doors); i++) {
		if (text_starts(header, doors[i].library))
			return may_pass(&doors[i], path) ? NULL : "another file is its door";
	}
	if (is_value(module) && !is_listed(harmless, COUNT_OF(harmless), header))
		return "a value knows no effects";
	return NULL;
}

/* Copies what stands between the marks behind #include; false at the end. */
static bool next_include(const char **at, char *mark, char out[128])
{
	for (const char *line = *at; (line = strstr(line, "#include")) != NULL;) {
		line += strlen("#include");
		line += strspn(line, " \t");
		size_t length = strcspn(line + 1, "\">\n");

		*mark = *line;
		*at = line;
		ck_assert_uint_lt(length, 128);
		memcpy(out, line + 1, length);
		out[length] = '\0';
		return true;
	}
	return false;
}

START_TEST(each_includes_what_its_layer_may)
{
	for (size_t i = 0; i < source_count; i++) {
		auto_str char *module = module_of(sources[i].path);
		const char *at = sources[i].text;
		char header[128];
		char mark = 0;

		while (next_include(&at, &mark, header)) {
			const char *fault = mark == '"' ? fault_of_ours(module, header)
							: fault_of_foreign(sources[i].path, header);

			ck_assert_msg(
			    fault == NULL, "%s includes %s: %s", sources[i].path, header, fault);
		}
	}
}
END_TEST

/* --- circles --- */

/* Where no module may lead back to itself through what it includes. */
static const char *const without_circles[] = {"common/", "bridge/"};

static char *modules[FILES_MAX];
static size_t module_count;
static bool leads_to[FILES_MAX][FILES_MAX];

static size_t index_of(const char *module)
{
	for (size_t i = 0; i < module_count; i++) {
		if (text_is(modules[i], module))
			return i;
	}
	ck_assert_uint_lt(module_count, FILES_MAX);
	modules[module_count] = xstrdup(module);
	return module_count++;
}

static void note_include(const char *path, const char *header)
{
	auto_str char *from = module_of(path);
	auto_str char *to = module_of(header);

	if (!text_is(from, to))
		leads_to[index_of(from)][index_of(to)] = true;
}

/* From every step to every way. */
static void follow(void)
{
	for (size_t by = 0; by < module_count; by++) {
		for (size_t from = 0; from < module_count; from++) {
			for (size_t to = 0; leads_to[from][by] && to < module_count; to++)
				leads_to[from][to] = leads_to[from][to] || leads_to[by][to];
		}
	}
}

/* A module that leads back to itself; NULL: none. */
static const char *find_circle(const char *part)
{
	follow();
	for (size_t i = 0; i < module_count; i++) {
		if (text_starts(modules[i], part) && leads_to[i][i])
			return modules[i];
	}
	return NULL;
}

static void forget_modules(void)
{
	while (module_count)
		free(modules[--module_count]);
	(void)memset(leads_to, 0, sizeof(leads_to));
}

START_TEST(none_leads_back_to_itself)
{
	for (size_t i = 0; i < source_count; i++) {
		const char *at = sources[i].text;
		char header[128];
		char mark = 0;

		while (next_include(&at, &mark, header)) {
			if (mark == '"')
				note_include(sources[i].path, header);
		}
	}
	for (size_t i = 0; i < COUNT_OF(without_circles); i++) {
		const char *module = find_circle(without_circles[i]);

		ck_assert_msg(
		    module == NULL, "%s leads back to itself through what it includes", module);
	}
	forget_modules();
	/* It sees one that goes through a third. */
	note_include("x/a.c", "x/b.h");
	note_include("x/b.c", "x/c.h");
	ck_assert_ptr_null(find_circle("x/"));
	note_include("x/c.h", "x/a.h");
	ck_assert_ptr_nonnull(find_circle("x/"));
	forget_modules();
}
END_TEST

/* name( that is no part of a longer name. */
static bool has_call(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = text; (at = strstr(at, name)) != NULL; at += length) {
		bool is_start = at == text || !(isalnum((unsigned char)at[-1]) || at[-1] == '_' ||
						  at[-1] == '.' || at[-1] == '>');

		if (is_start && at[length] == '(')
			return true;
	}
	return false;
}

START_TEST(each_call_has_its_door)
{
	for (size_t i = 0; i < source_count; i++) {
		for (size_t j = 0; j < COUNT_OF(call_doors); j++)
			ck_assert_msg(!has_call(sources[i].text, call_doors[j].library) ||
					  may_pass(&call_doors[j], sources[i].path),
			    "%s calls %s()", sources[i].path, call_doors[j].library);
	}
}
END_TEST

START_TEST(values_are_pure)
{
	for (size_t i = 0; i < source_count; i++) {
		auto_str char *module = module_of(sources[i].path);

		for (size_t j = 0; is_value(module) && j < COUNT_OF(impure); j++)
			ck_assert_msg(!has_call(sources[i].text, impure[j]), "%s calls %s()",
			    sources[i].path, impure[j]);
	}
}
END_TEST

/* --- the picture in docs/architecture.md --- */

#define PICTURE_WORDS_MAX 200

struct picture_word {
	char part[16]; /* common, bridge or runner */
	char kind[16]; /* values, effects or whole; of common none */
	char module[32];
};

/* The words of the first code block behind "## 3."; the arrows and points between them say no more
 * than order. */
static size_t read_picture(struct picture_word out[PICTURE_WORDS_MAX])
{
	AUTO(buf) content = {0};
	struct err err;
	char part[16] = "";
	char kind[16] = "";
	size_t count = 0;
	char *rest = NULL;

	ck_assert_msg(file_read(TEST_SOURCE_DIR "/docs/architecture.md", SOURCE_MAX_BYTES, &content,
			  &err) == 0,
	    "%s", err.msg);
	char *block = strstr(buf_text(&content), "\n## 3.");
	ck_assert_ptr_nonnull(block);
	block = strstr(block, "```\n");
	ck_assert_ptr_nonnull(block);
	block += strlen("```\n");
	char *end = strstr(block, "```");
	ck_assert_ptr_nonnull(end);
	auto_str char *text = xstrndup(block, (size_t)(end - block));
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		bool begins_part = *line != ' ';
		char *words = NULL;

		for (char *word = strtok_r(line, " ;", &words); word;
		     word = strtok_r(NULL, " ;", &words)) {
			if (begins_part) {
				ck_assert(copy_text(part, sizeof(part), word));
				kind[0] = '\0';
				begins_part = false;
			} else if (text_is(word, "values") || text_is(word, "effects") ||
				   text_is(word, "whole")) {
				ck_assert(copy_text(kind, sizeof(kind), word));
			} else if (isalpha((unsigned char)*word)) {
				ck_assert_uint_lt(count, PICTURE_WORDS_MAX);
				ck_assert(
				    copy_text(out[count].part, sizeof(out[count].part), part));
				ck_assert(
				    copy_text(out[count].kind, sizeof(out[count].kind), kind));
				ck_assert_msg(
				    copy_text(out[count].module, sizeof(out[count].module), word),
				    "%s is no module", word);
				count++;
			}
		}
	}
	return count;
}

/* "common", "bridge" or "runner" of a module's path. */
static const char *part_of(const char *module)
{
	return text_starts(module, "common/")	? "common"
	       : text_starts(module, "bridge/") ? "bridge"
						: "runner";
}

static bool is_in_sources(const struct picture_word *word)
{
	for (size_t i = 0; i < source_count; i++) {
		auto_str char *module = module_of(sources[i].path);

		if (text_is(part_of(module), word->part) &&
		    text_is(strrchr(module, '/') + 1, word->module))
			return true;
	}
	return false;
}

START_TEST(each_module_stands_in_the_picture_once)
{
	struct picture_word words[PICTURE_WORDS_MAX];
	size_t count = read_picture(words);

	for (size_t i = 0; i < source_count; i++) {
		auto_str char *module = module_of(sources[i].path);
		const char *name = strrchr(module, '/') + 1;
		size_t found = 0;

		for (size_t j = 0; j < count; j++) {
			if (!text_is(words[j].part, part_of(module)) ||
			    !text_is(words[j].module, name))
				continue;
			found++;
			ck_assert_msg(text_starts(module, "common/") ||
					  text_is(words[j].kind, "values") == is_value(module),
			    "%s is a value in one of the picture and this test's table only",
			    module);
		}
		ck_assert_msg(found == 1, "%s stands %zu times in docs/architecture.md, section 3",
		    module, found);
	}
	for (size_t j = 0; j < count; j++)
		ck_assert_msg(is_in_sources(&words[j]),
		    "docs/architecture.md, section 3, has a %s of the %s", words[j].module,
		    words[j].part);
}
END_TEST

START_TEST(common_is_drawn_from_below)
{
	struct picture_word words[PICTURE_WORDS_MAX];
	size_t count = read_picture(words);
	int rank = 0;

	for (size_t j = 0; j < count && text_is(words[j].part, "common"); j++) {
		auto_str char *path = xasprintf("common/%s", words[j].module);

		ck_assert_msg(
		    rank_of(path) >= rank, "%s is drawn above what it stands below", path);
		rank = rank_of(path);
	}
}
END_TEST

/* The test sees what it is there for. */
START_TEST(faults_are_seen)
{
	char text[] = "/* fork() */ x = \"fork()\"; '\"'; a.fork(); my_fork(); \"\\\"fork()\"";
	char call[] = "int f(void) { return fork(); }";

	blank_out(text);
	blank_out(call);
	ck_assert(!has_call(text, "fork"));
	ck_assert(has_call(call, "fork"));
	ck_assert_ptr_nonnull(fault_of_ours("common/err", "common/log.h"));
	ck_assert_ptr_nonnull(fault_of_ours("common/json", "common/file.h"));
	ck_assert_ptr_nonnull(fault_of_ours("common/err", "bridge/job.h"));
	ck_assert_ptr_nonnull(fault_of_ours("bridge/job", "common/log.h"));
	ck_assert_ptr_nonnull(fault_of_ours("bridge/job", "bridge/store.h"));
	ck_assert_ptr_nonnull(fault_of_ours("bridge/store", "runner-plugin/run/proc.h"));
	ck_assert_ptr_null(fault_of_ours("bridge/tell/reply", "bridge/job.h"));
	ck_assert_ptr_null(fault_of_ours("bridge/store", "common/log.h"));
	ck_assert_ptr_nonnull(fault_of_foreign("bridge/hook.c", "curl/curl.h"));
	ck_assert_ptr_nonnull(fault_of_foreign("common/http.h", "curl/curl.h"));
	ck_assert_ptr_nonnull(fault_of_foreign("bridge/job.c", "fcntl.h"));
	ck_assert_ptr_null(fault_of_foreign("common/http.c", "curl/curl.h"));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("layers");
	TCase *tc = tcase_create("layers");

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, read_sources, free_sources);
	tcase_add_test(tc, each_includes_what_its_layer_may);
	tcase_add_test(tc, none_leads_back_to_itself);
	tcase_add_test(tc, each_call_has_its_door);
	tcase_add_test(tc, values_are_pure);
	tcase_add_test(tc, each_module_stands_in_the_picture_once);
	tcase_add_test(tc, common_is_drawn_from_below);
	tcase_add_test(tc, faults_are_seen);
	return suite;
}

TEST_MAIN(make_suite)
