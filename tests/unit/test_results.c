/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/file.h"
#include "common/log.h"
#include "common/results.h"

/* One of everything. */
static void fill(struct results *results)
{
	struct results_stage stage;

	results_init(results);
	results_set(&results->id, "41-9f2c1a");
	results->build = 41;
	results_set(&results->recipe, "custom-html");
	results_set(&results->src, "recipe-maintainers/custom-html");
	results->pr = 3;
	results_set(&results->ref, "0123456789012345678901234567890123456789");
	results->comment = 812;
	results_set(&results->domain, "cust-9f2c1a.ci.example.org");
	results_set(&results->host, "ci1");
	results_set(&results->started, "2026-11-22T03:10:00Z");
	results->seconds = 31.4;
	results->verdict = VERDICT_RECIPE_FAILED;
	results->level = 1;
	results_set(&results->reason, "upgrade failed");
	results_set(&results->head_version, "1.2.0+2.1.0");
	results_set(&results->base_version, "1.1.0+2.0.3");
	results_set(&results->base_why, "newest published tag");
	results_add_rejected(results, "1.1.1", "not older than the head");
	results->deploys = 3;
	results_allowed_add(&results->allowed, "app", "mounts /x to read", "host-bind:/x:ro");
	results_allowed_add(&results->allowed, "app", "mounts /x twice", "host-bind:/x:ro");
	results_allowed_add(&results->allowed, "", "has a link", "host-file:/x");

	results_stage_init(&stage, STAGE_INSTALL);
	stage.outcome = OUTCOME_PASS;
	stage.seconds = 9.123;
	results_stage_add_phase(&stage, "pull", 0.2);
	results_stage_add_phase(&stage, "deploy", 2);
	results_stage_add_test(&stage, "GET /", OUTCOME_PASS, 0.01, "");
	results_take_stage(results, &stage);
	results_stage_init(&stage, STAGE_UPGRADE);
	stage.outcome = OUTCOME_FAIL;
	results_set(&stage.reason, "volume \"data\" lost its marker");
	results_stage_set_evidence(&stage, "app", "line one\nline two: gr\xc3\xbc\xc3\x9f\n");
	results_stage_add_test(&stage, "marker", OUTCOME_FAIL, 0, "gone");
	results_take_stage(results, &stage);

	results_add_left(results, "volume x_data");
	results->teardown_seconds = 3.2;
	results_set(&results->kept_url, "https://x/");
	results_set(&results->kept_until, "2026-11-22T04:00:00Z");
	results_set(&results->kept_why_not, "no");
	results_set(&results->picture_type, "image/jpeg");
	results->picture_width = 1280;
	results->picture_height = 800;
	results->picture_bytes = RESULTS_PICTURE_MAX_BYTES;
	results_set(&results->ccci, "0.1.0");
	results_set(&results->abra, "0.11.0");
	results_set(&results->suite, "tests/recipes/custom-html");
	results_set(&results->suite_ref, "2123456789012345678901234567890123456789");
	results_set(&results->suite_hash, "sha256:00");
	results_set(&results->recipe_tests_hash, "sha256:01");
	results_add_image(results, "app", "sha256:02");
	results_add_image(results, "db", "old");
	results_add_image(results, "db", "sha256:03");
	results_add_tag(results, "app", "nginx:1");
	results_add_shared(results, "keycloak", "shared-9f2c1a");
	results_set(&results->last_green_when, "2026-11-19T03:10:00Z");
	results_set(&results->last_green_commit, "1123456789012345678901234567890123456789");
	results->last_green_build = 40;
	results_add_change(results, "image app", "", "nginx:1");
}

static const char full_text[] =
    "{\"schema\":1,\"run\":{\"id\":\"41-9f2c1a\",\"recipe\":\"custom-html\","
    "\"src\":\"recipe-maintainers/custom-html\","
    "\"ref\":\"0123456789012345678901234567890123456789\","
    "\"domain\":\"cust-9f2c1a.ci.example.org\",\"host\":\"ci1\","
    "\"started\":\"2026-11-22T03:10:00Z\",\"suite\":\"tests/recipes/custom-html\","
    "\"suite_ref\":\"2123456789012345678901234567890123456789\","
    "\"build\":41,\"pr\":3,\"comment\":812,"
    "\"seconds\":31.4},\"verdict\":\"recipe_failed\",\"level\":1,\"reason\":\"upgrade failed\","
    "\"versions\":{\"head\":\"1.2.0+2.1.0\",\"base\":\"1.1.0+2.0.3\","
    "\"base_why\":\"newest published tag\",\"rejected\":[{\"version\":\"1.1.1\","
    "\"why\":\"not older than the head\"}]},\"deploys\":3,"
    "\"allowed\":[{\"service\":\"app\",\"what\":\"mounts /x to read\","
    "\"word\":\"host-bind:/x:ro\"},{\"service\":\"\",\"what\":\"has a link\","
    "\"word\":\"host-file:/x\"}],\"stages\":[{\"name\":\"install\","
    "\"outcome\":\"pass\",\"reason\":\"\",\"seconds\":9.123,\"phases\":[{\"name\":\"pull\","
    "\"seconds\":0.2},{\"name\":\"deploy\",\"seconds\":2}],\"tests\":[{\"name\":\"GET /\","
    "\"outcome\":\"pass\",\"seconds\":0.01,\"reason\":\"\"}],\"service\":\"\",\"evidence\":\"\"},"
    "{\"name\":\"upgrade\",\"outcome\":\"fail\","
    "\"reason\":\"volume \\\"data\\\" lost its marker\",\"seconds\":0,\"phases\":[],"
    "\"tests\":[{\"name\":\"marker\",\"outcome\":\"fail\",\"seconds\":0,\"reason\":\"gone\"}],"
    "\"service\":\"app\",\"evidence\":\"line one\\nline two: gr\xc3\xbc\xc3\x9f\\n\"}],"
    "\"teardown\":{\"outcome\":\"left\",\"seconds\":3.2,\"left\":[\"volume x_data\"]},"
    "\"kept\":{\"url\":\"https://x/\",\"until\":\"2026-11-22T04:00:00Z\",\"why_not\":\"no\"},"
    "\"picture\":{\"type\":\"image/jpeg\",\"why_not\":\"\",\"width\":1280,\"height\":800,"
    "\"bytes\":98304},"
    "\"last_green\":{\"when\":\"2026-11-19T03:10:00Z\","
    "\"commit\":\"1123456789012345678901234567890123456789\",\"build\":40},"
    "\"changed\":[{\"what\":\"image app\",\"was\":\"\",\"is\":\"nginx:1\"}],"
    "\"provenance\":{\"ccci\":\"0.1.0\",\"abra\":\"0.11.0\",\"suite\":\"sha256:00\","
    "\"recipe_tests\":\"sha256:01\",\"images\":{\"app\":\"sha256:02\",\"db\":\"sha256:03\"},"
    "\"tags\":{\"app\":\"nginx:1\"},\"shared\":{\"keycloak\":\"shared-9f2c1a\"}}}";

/* A document is told by its text: no field is left out of it. */
static void check_round_trip(const struct results *results)
{
	auto_str char *first = results_encode(results);
	AUTO(results) again = {0};
	struct err err;

	ck_assert_ptr_null(strchr(first, '\n'));
	ck_assert_uint_le(strlen(first), RESULTS_MAX_BYTES);
	ck_assert_msg(results_decode(first, strlen(first), &again, &err) == 0, "%s", err.msg);
	auto_str char *second = results_encode(&again);
	ck_assert_str_eq(first, second);
}

START_TEST(writes_schema_1)
{
	AUTO(results) results = {0};

	fill(&results);
	auto_str char *text = results_encode(&results);
	ck_assert_str_eq(text, full_text);
	check_round_trip(&results);
}
END_TEST

START_TEST(an_empty_document_needs_a_run)
{
	AUTO(results) results = {0};
	AUTO(results) out = {0};
	struct err err;

	results_init(&results);
	auto_str char *text = results_encode(&results);
	ck_assert_int_eq(results_decode(text, strlen(text), &out, &err), -1);
	ck_assert_str_eq(err.msg, "read results: id: missing");
	results_set(&results.id, "x");
	results_set(&results.recipe, "y");
	check_round_trip(&results);
}
END_TEST

START_TEST(unknown_keys_are_ignored)
{
	static const char text[] =
	    "{\"schema\":1,\"new\":{},\"run\":{\"id\":\"a\",\"recipe\":\"b\",\"new\":1},"
	    "\"verdict\":\"passed\",\"stages\":[{\"name\":\"install\",\"outcome\":\"pass\","
	    "\"new\":[]}],\"teardown\":{\"outcome\":\"clean\",\"new\":null}}";
	AUTO(results) results = {0};
	struct err err;

	ck_assert_msg(results_decode(text, strlen(text), &results, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(results.verdict, VERDICT_PASSED);
	ck_assert_uint_eq(results.stage_count, 1);
	ck_assert_str_eq(results.stages[0].evidence, "");
	ck_assert_str_eq(results.host, "");
	ck_assert(results.is_clean);
}
END_TEST

/* The full document with one piece replaced. */
static const struct fault_row {
	const char *old;
	const char *new;
	const char *says;
} fault_rows[] = {
    {"\"schema\":1", "\"schema\":2", "schema: not the one"},
    {"\"schema\":1", "\"schema\":\"1\"", "schema: not the one"},
    {"\"schema\":1,", "", "schema: not the one"},
    {"{\"schema\"", "[{\"schema\"", "parse JSON"},
    {"\"id\":\"41-9f2c1a\"", "\"id\":41", "id: not a text"},
    {"\"id\":\"41-9f2c1a\",", "", "id: missing"},
    {"\"recipe\":\"custom-html\",", "", "recipe: missing"},
    {"\"host\":\"ci1\"", "\"host\":null", "host: not a text"},
    {"\"build\":41", "\"build\":-1", "build: not a whole number"},
    {"\"build\":41", "\"build\":1.5", "build: not a whole number"},
    {"\"build\":41", "\"build\":\"41\"", "build: not a whole number"},
    {"\"build\":41", "\"build\":1e300", "build: not a whole number"},
    {"\"verdict\":\"recipe_failed\"", "\"verdict\":\"great\"", "verdict: no known word"},
    {"\"verdict\":\"recipe_failed\",", "", "verdict: no known word"},
    {"\"level\":1", "\"level\":6", "level: not a whole number"},
    {"\"level\":1", "\"level\":-1", "level: not a whole number"},
    {"\"seconds\":31.4", "\"seconds\":-1", "seconds: not a duration"},
    {"\"seconds\":31.4", "\"seconds\":1e9", "seconds: not a duration"},
    {"\"seconds\":31.4", "\"seconds\":1e999", "seconds: not a duration"},
    {"\"versions\":{", "\"versions\":[],\"x\":{", "versions: not an object"},
    {"\"allowed\":[{", "\"allowed\":{\"a\":1},\"x\":[{", "allowed: not a list"},
    {"\"word\":\"host-file:/x\"", "\"x\":\"\"", "allowed: without a word"},
    {"\"what\":\"has a link\"", "\"what\":1", "what: not a text"},
    {"\"rejected\":[{", "\"rejected\":{\"a\":1},\"x\":[{", "rejected: not a list"},
    {"\"version\":\"1.1.1\"", "\"x\":\"1.1.1\"", "rejected: without a version"},
    {"\"deploys\":3", "\"deploys\":-3", "deploys: not a whole number"},
    {"\"stages\":[{", "\"stages\":{\"a\":1},\"x\":[{", "stages: not a list"},
    {"\"name\":\"upgrade\"", "\"name\":\"install\"", "stages: one is there twice"},
    {"\"name\":\"upgrade\"", "\"name\":\"teardown\"", "name: no known stage"},
    {"\"name\":\"upgrade\"", "\"name\":3", "name: no known stage"},
    {"\"outcome\":\"fail\",\"reason\":\"v", "\"outcome\":\"ok\",\"reason\":\"v",
	"outcome: no known word"},
    {"\"tests\":[{\"name\":\"marker\"", "\"tests\":[7,{\"name\":\"marker\"",
	"tests: not an object"},
    {"\"phases\":[],", "\"phases\":\"\",", "phases: not a list"},
    {"\"phases\":[],", "\"phases\":[null],", "phases: not an object"},
    {"\"evidence\":\"line one",
	"\"evidence\":\"\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n"
	"\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n"
	"line one",
	"evidence: too many lines"},
    {"\"outcome\":\"left\"", "\"outcome\":\"clean\"", "teardown: clean, yet something is left"},
    {"\"outcome\":\"left\"", "\"outcome\":\"\"", "teardown: no known outcome"},
    {"\"teardown\":{", "\"x\":{", "teardown: no known outcome"},
    {"\"left\":[\"volume", "\"left\":[3,\"volume", "left: not a text"},
    {"\"picture\":{", "\"picture\":[],\"x\":{", "picture: not an object"},
    {"\"image/jpeg\"", "\"image/svg+xml\"", "picture: no known type"},
    {"\"image/jpeg\"", "\"\"", "width: not a whole number"},
    {"\"bytes\":98304", "\"bytes\":98305", "bytes: not a whole number"},
    {"\"bytes\":98304", "\"x\":98304", "bytes: not a whole number"},
    {"\"width\":1280", "\"width\":16385", "width: not a whole number"},
    {"\"height\":800", "\"height\":0", "height: not a whole number"},
    {"\"images\":{", "\"images\":[],\"x\":{", "images: not an object"},
    {"\"app\":\"sha256:02\"", "\"db\":\"sha256:02\"", "images: one is there twice"},
    {"\"app\":\"sha256:02\"", "\"app\":{}", "images: not a text"},
};

START_TEST(refuses_row)
{
	const struct fault_row *row = &fault_rows[_i];
	const char *at = strstr(full_text, row->old);
	struct results out = {.level = 4711};
	struct err err;

	ck_assert_msg(at != NULL, "row %d: \"%s\" is not there", _i, row->old);
	auto_str char *text = xasprintf(
	    "%.*s%s%s", (int)(at - full_text), full_text, row->new, at + strlen(row->old));
	ck_assert_msg(
	    results_decode(text, strlen(text), &out, &err) == -1, "row %d: %s", _i, row->new);
	ck_assert_int_eq(err.code, ERR_PROTOCOL);
	ck_assert_msg(strstr(err.msg, row->says) != NULL, "row %d: \"%s\", not \"%s\"", _i, err.msg,
	    row->says);
	ck_assert_int_eq(out.level, 4711);
}
END_TEST

START_TEST(texts_over_their_bounds_are_refused)
{
	AUTO(buf) text = buf_make(RESULTS_MAX_BYTES + 1000);
	struct results out;
	struct err err;

	(void)buf_add_text(&text, "{\"schema\":1,\"run\":{\"id\":\"");
	for (int i = 0; i <= RESULTS_TEXT_MAX; i++)
		(void)buf_add_char(&text, 'x');
	(void)buf_add_text(&text, "\",\"recipe\":\"b\"}}");
	ck_assert_int_eq(results_decode(buf_text(&text), text.length, &out, &err), -1);
	ck_assert_str_eq(err.msg, "read results: id: too long");
	while (text.length <= RESULTS_MAX_BYTES)
		(void)buf_add_char(&text, ' ');
	ck_assert_int_eq(results_decode(buf_text(&text), text.length, &out, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "larger than"));
}
END_TEST

static char *repeat(const char *piece, size_t times)
{
	AUTO(buf) text = buf_make(strlen(piece) * times + 1);

	for (size_t i = 0; i < times; i++)
		ck_assert_int_eq(buf_add_text(&text, piece), 0);
	return buf_take(&text);
}

/* Whatever is put in comes out decodable, cut where it enters. */
START_TEST(hostile_texts_are_cut_where_they_enter)
{
	auto_str char *bytes = repeat("\xff", 3000);
	auto_str char *wide = repeat("\xf0\x9f\x98\x80", 1000);
	auto_str char *lines = repeat("line\n", 100);
	auto_str char *one_line = repeat("\xc3\xbc", RESULTS_EVIDENCE_MAX_BYTES);
	const char *texts[] = {bytes, wide, lines, one_line, "\"\\\x1b[2J\r\n\t", ""};

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		AUTO(results) results = {0};
		struct results_stage stage;

		results_init(&results);
		results_set(&results.id, "x");
		results_set(&results.recipe, "y");
		results_set(&results.reason, texts[i]);
		ck_assert_uint_le(strlen(results.reason), RESULTS_TEXT_MAX);
		results_add_left(&results, texts[i]);
		results_allowed_add(&results.allowed, texts[i], texts[i], "network:x");
		results_add_image(&results, texts[i], texts[i]);
		results_stage_init(&stage, STAGE_RECIPE);
		results_stage_set_evidence(&stage, texts[i], texts[i]);
		results_stage_add_test(&stage, texts[i], OUTCOME_ERROR, 1, texts[i]);
		results_stage_add_phase(&stage, texts[i], 1);
		results_take_stage(&results, &stage);
		check_round_trip(&results);
	}
}
END_TEST

START_TEST(evidence_keeps_the_last_lines)
{
	AUTO(results_stage) stage = {0};
	AUTO(buf) text = buf_make(10000);

	for (int i = 1; i <= 100; i++)
		(void)buf_printf(&text, "line %d\n", i);
	results_stage_init(&stage, STAGE_INSTALL);
	results_stage_set_evidence(&stage, "app", buf_text(&text));
	ck_assert(text_starts(stage.evidence, "line 61\n"));
	ck_assert(text_ends(stage.evidence, "line 100\n"));
	results_stage_set_evidence(&stage, "app", "a\nb");
	ck_assert_str_eq(stage.evidence, "a\nb");
}
END_TEST

/* Too much of everything: the verdict arrives all the same. */
START_TEST(a_document_too_large_loses_its_details)
{
	AUTO(results) results = {0};
	auto_str char *line = repeat("x", RESULTS_TEXT_MAX);
	auto_str char *evidence = repeat("\x01", RESULTS_EVIDENCE_MAX_BYTES);

	results_init(&results);
	results_set(&results.id, "x");
	results_set(&results.recipe, "y");
	for (int which = STAGE_INSTALL; which < (int)STAGE_COUNT; which++) {
		struct results_stage stage;

		results_stage_init(&stage, (enum stage)which);
		stage.outcome = OUTCOME_FAIL;
		results_stage_set_evidence(&stage, "app", evidence);
		for (int i = 0; i < 2 * RESULTS_ITEMS_MAX; i++)
			results_stage_add_test(&stage, line, OUTCOME_FAIL, 1, line);
		ck_assert_uint_eq(stage.test_count, RESULTS_ITEMS_MAX);
		results_take_stage(&results, &stage);
	}
	check_round_trip(&results);

	auto_str char *text = results_encode(&results);
	AUTO(results) again = {0};
	struct err err;
	ck_assert_int_eq(results_decode(text, strlen(text), &again, &err), 0);
	ck_assert_uint_eq(again.stage_count, STAGE_COUNT);
	ck_assert_uint_eq(again.stages[0].test_count, 0);
	ck_assert_int_eq(again.stages[0].outcome, OUTCOME_FAIL);
}
END_TEST

START_TEST(secrets_do_not_reach_it)
{
	AUTO(results) results = {0};

	fill(&results);
	log_mask("s3cr3t-t0ken");
	results_set(&results.reason, "a s3cr3t-t0ken");
	results_set(&results.stages[0].reason, "b s3cr3t-t0ken");
	results_stage_add_test(&results.stages[0], "t", OUTCOME_FAIL, 0, "c s3cr3t-t0ken");
	results_stage_set_evidence(&results.stages[0], "app", "d s3cr3t-t0ken\n");
	auto_str char *text = results_encode(&results);
	AUTO_PTR(json) stage = results_stage_encode(&results.stages[0]);
	auto_str char *stage_text = json_print(stage);
	ck_assert_ptr_null(strstr(text, "s3cr3t"));
	ck_assert_ptr_null(strstr(stage_text, "s3cr3t"));
	ck_assert_ptr_nonnull(strstr(text, "\"a ***\""));
	ck_assert_ptr_nonnull(strstr(text, "\"d ***\\n\""));
	log_mask_reset();
}
END_TEST

START_TEST(a_stage_travels_by_itself)
{
	AUTO(results) results = {0};
	AUTO(results_stage) again = {0};
	struct err err;

	fill(&results);
	AUTO_PTR(json) first = results_stage_encode(&results.stages[1]);
	ck_assert_int_eq(results_stage_decode(first, &again, &err), 0);
	AUTO_PTR(json) second = results_stage_encode(&again);
	auto_str char *first_text = json_print(first);
	auto_str char *second_text = json_print(second);
	ck_assert_str_eq(first_text, second_text);
	ck_assert_int_eq(results_stage_decode(NULL, &again, &err), -1);

	/* One of the same name takes the place of the older one. */
	ck_assert_uint_eq(results.stage_count, 2);
	again.outcome = OUTCOME_PASS;
	results_take_stage(&results, &again);
	ck_assert_uint_eq(results.stage_count, 2);
	ck_assert_int_eq(results.stages[1].outcome, OUTCOME_PASS);
}
END_TEST

#define BEGIN RESULTS_BEGIN "\n"
#define END RESULTS_END "\n"
#define DOC(id)                                                                                    \
	"{\"schema\":1,\"run\":{\"id\":\"" id "\",\"recipe\":\"r\"},"                              \
	"\"verdict\":\"passed\",\"teardown\":{\"outcome\":\"clean\"}}\n"
static const struct find_row {
	const char *log;
	enum err_code code;
	const char *id;
} find_rows[] = {
    {"table\n" BEGIN DOC("a") END, ERR_NONE, "a"}, {BEGIN DOC("a") RESULTS_END, ERR_NONE, "a"},
    {RESULTS_BEGIN "\r\n" DOC("a") RESULTS_END "\r\n", ERR_NONE, "a"},
    {BEGIN DOC("a") END "noise\n" BEGIN DOC("b") END "more\n", ERR_NONE, "b"},
    {BEGIN DOC("a") END BEGIN DOC("b"), ERR_NONE, "a"}, {BEGIN BEGIN DOC("a") END, ERR_NONE, "a"},
    {BEGIN "{\"schema\":1,\"run\":{\"id\":\"a\",\"rec\nipe\":\"r\"},\r\n"
	   "\"verdict\":\"passed\",\"teardown\":{\"outcome\":\"clean\"}}\n" END,
	ERR_NONE, "a"}, /* a line that a log has broken */
    {"", ERR_MISSING, NULL}, {"table\n", ERR_MISSING, NULL}, {BEGIN DOC("a"), ERR_MISSING, NULL},
    {DOC("a") END, ERR_MISSING, NULL}, {" " BEGIN DOC("a") END, ERR_MISSING, NULL},
    {"x" RESULTS_BEGIN "\n" DOC("a") END, ERR_MISSING, NULL}, {BEGIN END, ERR_PROTOCOL, NULL},
    {BEGIN "{}\n" END, ERR_PROTOCOL, NULL},
    {BEGIN DOC("a") END BEGIN "{\n" END, ERR_PROTOCOL, NULL}, /* the last one wins */
};

START_TEST(finds_row)
{
	const struct find_row *row = &find_rows[_i];
	AUTO(results) results = {0};
	struct err err = {.code = ERR_NONE};
	int result = results_find(row->log, strlen(row->log), &results, &err);

	ck_assert_msg(result == (row->id ? 0 : -1), "row %d: %s", _i, err.msg);
	ck_assert_int_eq(err.code, row->code);
	if (row->id)
		ck_assert_str_eq(results.id, row->id);
}
END_TEST

/* --- docs/results.md --- */

static char *read_document_page(void)
{
	AUTO(buf) page = {0};
	struct err err;

	ck_assert_msg(
	    file_read(TEST_SOURCE_DIR "/docs/results.md", 100000, &page, &err) == 0, "%s", err.msg);
	return buf_take(&page);
}

/* The cell "| `word` |" begins a row of the page below its heading, before the next one. */
static bool has_row(const char *page, const char *heading, const char *word)
{
	auto_str char *title = xasprintf("\n## %s\n", heading);
	auto_str char *cell = xasprintf("\n| `%s` |", word);
	const char *from = strstr(page, title);

	ck_assert_msg(from != NULL, "no heading \"%s\"", heading);
	const char *to = strstr(from + strlen(title), "\n## ");
	const char *at = strstr(from, cell);
	return at && (!to || at < to);
}

static size_t count_rows(const char *page, const char *heading)
{
	auto_str char *title = xasprintf("\n## %s\n", heading);
	const char *from = strstr(page, title);
	size_t count = 0;

	ck_assert_msg(from != NULL, "no heading \"%s\"", heading);
	const char *to = strstr(from + strlen(title), "\n## ");
	for (const char *at = strstr(from, "\n| `"); at && (!to || at < to);
	     at = strstr(at + 1, "\n| `"))
		count++;
	return count;
}

START_TEST(the_page_has_every_word)
{
	auto_str char *page = read_document_page();

	for (int i = OUTCOME_PASS; i <= OUTCOME_ERROR; i++)
		ck_assert_msg(has_row(page, "Outcomes", outcome_word((enum outcome)i)), "%s",
		    outcome_word((enum outcome)i));
	ck_assert_uint_eq(count_rows(page, "Outcomes"), OUTCOME_ERROR + 1);
	for (int i = VERDICT_PASSED; i <= VERDICT_NOT_RUN; i++)
		ck_assert_msg(has_row(page, "Verdicts", verdict_word((enum verdict_class)i)), "%s",
		    verdict_word((enum verdict_class)i));
	ck_assert_uint_eq(count_rows(page, "Verdicts"), VERDICT_NOT_RUN + 1);
	for (int i = STAGE_INSTALL; i < (int)STAGE_COUNT; i++)
		ck_assert_msg(has_row(page, "Stages", stage_word((enum stage)i)), "%s",
		    stage_word((enum stage)i));
	ck_assert_uint_eq(count_rows(page, "Stages"), STAGE_COUNT);
}
END_TEST

/* Adds each key below json as "run.id", "stages[].name"; the images' keys are names of services. */
static void check_keys(const struct json *json, const char *path, const char *page, size_t *count)
{
	for (const struct json *item = json_first(json); item; item = json_next(item)) {
		bool is_list = json_is_array(item);
		auto_str char *below = json_key(item)
					   ? xasprintf("%s%s%s%s", path, path[0] ? "." : "",
						 json_key(item), is_list ? "[]" : "")
					   : xstrdup(path);

		if (json_key(item)) {
			ck_assert_msg(has_row(page, "Keys", below), "%s", below);
			++*count;
		}
		if (!text_is(below, "provenance.images") && !text_is(below, "provenance.tags") &&
		    !text_is(below, "provenance.shared"))
			check_keys(item, below, page, count);
		if (!json_key(item))
			break; /* one of a list speaks for all */
	}
}

START_TEST(the_page_has_every_key)
{
	auto_str char *page = read_document_page();
	AUTO(results) results = {0};
	struct err err;
	size_t count = 0;

	fill(&results);
	auto_str char *text = results_encode(&results);
	AUTO_PTR(json) json = json_parse(text, strlen(text), &err);
	check_keys(json, "", page, &count);
	ck_assert_uint_eq(count_rows(page, "Keys"), count);
}
END_TEST

/* --- the picture behind it --- */

#define SMALL_PNG "iVBORw0KGgo=" /* its first eight bytes */
#define BEFORE "x\n" RESULTS_PICTURE_BEGIN "\n"
#define AFTER "\n" RESULTS_PICTURE_END "\n"

static const struct {
	const char *type;
	int64_t bytes;
	const char *log;
	bool is_found;
} pictures[] = {
    {"image/png", 8, BEFORE SMALL_PNG AFTER, true},
    {"image/png", 8, BEFORE "iVBO\nRw0KGgo=" AFTER, true},
    {"image/png", 8, BEFORE "/9j/" AFTER BEFORE SMALL_PNG AFTER, true},
    {"image/jpeg", 3, BEFORE "/9j/" AFTER, true},
    {"", 0, BEFORE SMALL_PNG AFTER, false},
    {"image/png", 9, BEFORE SMALL_PNG AFTER, false},
    {"image/jpeg", 8, BEFORE SMALL_PNG AFTER, false},
    {"image/png", 3, BEFORE "/9j/" AFTER, false},
    {"image/png", 8, BEFORE "<svg onload=" AFTER, false},
    {"image/png", 8, BEFORE SMALL_PNG, false},
    {"image/png", 8, SMALL_PNG AFTER, false},
};

START_TEST(finds_the_picture)
{
	AUTO(results) results = {0};
	AUTO(buf) picture = {0};
	const char *log = pictures[_i].log;

	results_init(&results);
	results_set(&results.picture_type, pictures[_i].type);
	results.picture_bytes = pictures[_i].bytes;
	bool is_found = results_find_picture(&results, log, strlen(log), &picture);
	ck_assert_int_eq(is_found, pictures[_i].is_found);
	ck_assert_int_eq((int64_t)picture.length, is_found ? pictures[_i].bytes : 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("results");
	TCase *tc = tcase_create("results");

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, writes_schema_1);
	tcase_add_loop_test(tc, finds_the_picture, 0, COUNT_OF(pictures));
	tcase_add_test(tc, an_empty_document_needs_a_run);
	tcase_add_test(tc, unknown_keys_are_ignored);
	tcase_add_loop_test(tc, refuses_row, 0, COUNT_OF(fault_rows));
	tcase_add_test(tc, texts_over_their_bounds_are_refused);
	tcase_add_test(tc, hostile_texts_are_cut_where_they_enter);
	tcase_add_test(tc, evidence_keeps_the_last_lines);
	tcase_add_test(tc, a_document_too_large_loses_its_details);
	tcase_add_test(tc, secrets_do_not_reach_it);
	tcase_add_test(tc, a_stage_travels_by_itself);
	tcase_add_loop_test(tc, finds_row, 0, COUNT_OF(find_rows));
	tcase_add_test(tc, the_page_has_every_word);
	tcase_add_test(tc, the_page_has_every_key);
	return suite;
}

TEST_MAIN(make_suite)
