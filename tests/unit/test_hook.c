/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "bridge/hook.h"

#define KEY "the secret of the lab hooks"
#define OLD_KEY "an older secret of ours"

static struct hook_keys keys_of(const char *list)
{
	struct hook_keys keys = {0};
	struct err err = {0};

	ck_assert_msg(hook_keys_read(list, &keys, &err) == 0, "%s", err.msg);
	return keys;
}

/* --- keys --- */

START_TEST(reads_keys)
{
	AUTO(hook_keys) none = keys_of("");
	AUTO(hook_keys) absent = keys_of(NULL);
	AUTO(hook_keys) two = keys_of(KEY "," OLD_KEY);

	ck_assert_uint_eq(none.count, 0);
	ck_assert_uint_eq(absent.count, 0);
	ck_assert_uint_eq(two.count, 2);
	ck_assert_str_eq(two.keys[0], KEY);
	ck_assert_str_eq(two.keys[1], OLD_KEY);
}
END_TEST

static const struct key_row {
	const char *list;
	const char *why;
} key_rows[] = {
    {"short", "less than 16"},
    {"fifteen bytes..", "less than 16"},
    {KEY ",", "empty key"},
    {"," KEY, "empty key"},
    {KEY ",," OLD_KEY, "empty key"},
    {KEY ", " OLD_KEY, "begins or ends with a blank"},
    {KEY "\n", "begins or ends with a blank"},
    {KEY "," KEY "," KEY "," KEY "," KEY "," KEY "," KEY "," KEY "," KEY, "more than 8"},
};

START_TEST(refuses_keys)
{
	struct hook_keys keys = {0};
	struct err err = {0};

	ck_assert_int_eq(hook_keys_read(key_rows[_i].list, &keys, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_msg(strstr(err.msg, key_rows[_i].why), "%s", err.msg);
	ck_assert_ptr_null(strstr(err.msg, "secret"));
	ck_assert_uint_eq(keys.count, 0);
}
END_TEST

START_TEST(refuses_long_key)
{
	auto_str char *key = xcalloc(600, 1);

	(void)memset(key, 'k', 512);
	ck_assert_ptr_null(hook_check_keys(key));
	(void)memset(key, 'k', 513);
	ck_assert_str_eq(hook_check_keys(key), "has a key of more than 512 bytes");
}
END_TEST

/* RFC 4231, test case 2. */
START_TEST(signs)
{
	char signature[HOOK_SIGNATURE_SIZE];

	hook_sign("Jefe", "what do ya want for nothing?", 28, signature);
	ck_assert_str_eq(
	    signature, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}
END_TEST

/* --- what Gitea sent --- */

struct delivery {
	struct buf text;
	struct hook_headers headers;
	const char *body;
	size_t length;
};

/* Cuts the head of a captured delivery into texts, in place. */
static struct delivery load(const char *name)
{
	struct delivery delivery = {.text = harness_data("hook", name)};
	char *line = delivery.text.data;
	char *end = strstr(line, "\r\n\r\n");
	ck_assert_ptr_nonnull(end);
	delivery.body = end + 4;
	delivery.length = delivery.text.length - (size_t)(end + 4 - line);
	end[2] = '\0';
	for (char *next = NULL; *line; line = next) {
		const struct {
			const char *name;
			const char **value;
		} wanted[] = {
		    {"Content-Type: ", &delivery.headers.content_type},
		    {"X-Gitea-Event: ", &delivery.headers.event},
		    {"X-Gitea-Event-Type: ", &delivery.headers.event_type},
		    {"X-Gitea-Signature: ", &delivery.headers.signature},
		    {"X-Hub-Signature-256: ", &delivery.headers.hub_signature},
		};

		next = strstr(line, "\r\n");
		*next = '\0';
		next += 2;
		for (size_t i = 0; i < COUNT_OF(wanted); i++) {
			if (text_starts(line, wanted[i].name))
				*wanted[i].value = line + strlen(wanted[i].name);
		}
	}
	return delivery;
}

static const struct sample {
	const char *name;
	enum hook_answer answer;
	int64_t pr, comment;
} samples[] = {
    {"pr-comment-created.http", HOOK_LOOK, 1, 19},
    {"pr-comment-fork.http", HOOK_LOOK, 3, 23},
    {"pr-comment-edited.http", HOOK_NOT_OURS, 0, 0},
    {"pr-comment-deleted.http", HOOK_NOT_OURS, 0, 0},
    {"issue-comment.http", HOOK_NOT_OURS, 0, 0},
    {"pr-comment-created-form.http", HOOK_NOT_JSON, 0, 0},
};

START_TEST(reads_sample)
{
	const struct sample *sample = &samples[_i];
	struct delivery delivery = load(sample->name);
	AUTO(hook_keys) keys = keys_of(OLD_KEY "," KEY);
	struct hook_look look = {0};

	ck_assert_int_eq(hook_read(&keys, &delivery.headers, delivery.body, delivery.length, &look),
	    sample->answer);
	ck_assert_int_eq(look.pr, sample->pr);
	ck_assert_int_eq(look.comment, sample->comment);
	if (sample->answer == HOOK_LOOK)
		ck_assert_str_eq(look.repo, "recipe-maintainers/custom-html");
	/* The other header alone does as well. */
	delivery.headers.signature = NULL;
	ck_assert_int_eq(hook_read(&keys, &delivery.headers, delivery.body, delivery.length, &look),
	    sample->answer);
	buf_release(&delivery.text);
}
END_TEST

START_TEST(finds_every_changed_byte)
{
	struct delivery delivery = load("pr-comment-created.http");
	AUTO(hook_keys) keys = keys_of(KEY);
	AUTO(hook_keys) others = keys_of(OLD_KEY);
	auto_str char *body = xcalloc(delivery.length, 1);
	char signature[HOOK_SIGNATURE_SIZE];
	struct hook_look look = {0};

	ck_assert_int_eq(
	    hook_read(&others, &delivery.headers, delivery.body, delivery.length, &look),
	    HOOK_FORGED);
	memcpy(body, delivery.body, delivery.length);
	for (size_t i = 0; i < delivery.length; i += 997) {
		body[i] ^= 1;
		ck_assert_int_eq(
		    hook_read(&keys, &delivery.headers, body, delivery.length, &look), HOOK_FORGED);
		body[i] ^= 1;
	}
	ck_assert(copy_text(signature, sizeof(signature), delivery.headers.signature));
	delivery.headers.signature = signature;
	for (size_t i = 0; i < strlen(signature); i++) {
		char was = signature[i];

		signature[i] = was == '0' ? '1' : '0';
		ck_assert_int_eq(
		    hook_read(&keys, &delivery.headers, body, delivery.length, &look), HOOK_FORGED);
		signature[i] = was;
	}
	ck_assert_int_eq(look.comment, 0);
	buf_release(&delivery.text);
}
END_TEST

/* --- every bad body, signed as if it were ours --- */

#define BODY(repo, number, comment)                                                                \
	"{\"action\":\"created\",\"is_pull\":true,\"repository\":{\"full_name\":" repo             \
	"},\"issue\":{\"number\":" number "},\"comment\":{\"id\":" comment "}}"

static const struct body_row {
	const char *body;
	enum hook_answer answer;
} body_rows[] = {
    {BODY("\"a/b\"", "3", "9"), HOOK_LOOK},
    {BODY("\"a/b\"", "999999999", "9007199254740991"), HOOK_LOOK},
    /* missing, empty */
    {"", HOOK_MALFORMED},
    {" ", HOOK_MALFORMED},
    {"{}", HOOK_MALFORMED},
    {"{\"action\":\"created\"}", HOOK_MALFORMED},
    {BODY("\"\"", "3", "9"), HOOK_MALFORMED},
    {"{\"action\":\"created\",\"is_pull\":true,\"issue\":{\"number\":3},\"comment\":{\"id\":9}}",
	HOOK_MALFORMED},
    {"{\"action\":\"created\",\"is_pull\":true,\"repository\":{\"full_name\":\"a/b\"},"
     "\"comment\":{\"id\":9}}",
	HOOK_MALFORMED},
    {"{\"action\":\"created\",\"is_pull\":true,\"repository\":{\"full_name\":\"a/b\"},"
     "\"issue\":{\"number\":3}}",
	HOOK_MALFORMED},
    {"{\"action\":\"created\",\"repository\":{\"full_name\":\"a/b\"},\"issue\":{\"number\":3},"
     "\"comment\":{\"id\":9}}",
	HOOK_MALFORMED},
    /* wrong JSON type */
    {"null", HOOK_MALFORMED},
    {"[]", HOOK_MALFORMED},
    {"7", HOOK_MALFORMED},
    {"\"created\"", HOOK_MALFORMED},
    {BODY("7", "3", "9"), HOOK_MALFORMED},
    {BODY("null", "3", "9"), HOOK_MALFORMED},
    {BODY("[\"a/b\"]", "3", "9"), HOOK_MALFORMED},
    {BODY("\"a/b\"", "\"3\"", "9"), HOOK_MALFORMED},
    {BODY("\"a/b\"", "3", "\"9\""), HOOK_MALFORMED},
    {BODY("\"a/b\"", "3", "{}"), HOOK_MALFORMED},
    {"{\"action\":7,\"is_pull\":true}", HOOK_MALFORMED},
    {"{\"action\":\"created\",\"is_pull\":\"true\",\"repository\":{\"full_name\":\"a/b\"},"
     "\"issue\":{\"number\":3},\"comment\":{\"id\":9}}",
	HOOK_MALFORMED},
    /* wrong form */
    {BODY("\"a/b\"", "0", "9"), HOOK_MALFORMED},
    {BODY("\"a/b\"", "-3", "9"), HOOK_MALFORMED},
    {BODY("\"a/b\"", "3.5", "9"), HOOK_MALFORMED},
    {BODY("\"a/b\"", "1000000000", "9"), HOOK_MALFORMED},
    {BODY("\"a/b\"", "3", "9007199254740993"), HOOK_MALFORMED},
    {BODY("\"a/b\"", "3", "1e400"), HOOK_MALFORMED},
    {BODY("\"a\"", "3", "9"), HOOK_MALFORMED},
    {BODY("\"a/b/c\"", "3", "9"), HOOK_MALFORMED},
    {BODY("\"../b\"", "3", "9"), HOOK_MALFORMED},
    {BODY("\"a/..\"", "3", "9"), HOOK_MALFORMED},
    {BODY("\"../../etc/passwd\"", "3", "9"), HOOK_MALFORMED},
    {BODY("\"-x/b\"", "3", "9"), HOOK_MALFORMED},
    {BODY("\"a/-x\"", "3", "9"), HOOK_MALFORMED},
    {BODY("\"a/${IFS}\"", "3", "9"), HOOK_MALFORMED},
    {BODY("\"a/b?x=1\"", "3", "9"), HOOK_MALFORMED},
    {BODY("\"a/b\\n\"", "3", "9"), HOOK_MALFORMED},
    {BODY("\"a/b\\u0000\"", "3", "9"), HOOK_MALFORMED},
    {BODY("\"a/b\n\"", "3", "9"), HOOK_MALFORMED},
    /* not JSON, not only JSON */
    {"{", HOOK_MALFORMED},
    {"<html>", HOOK_MALFORMED},
    {"payload=%7B%7D", HOOK_MALFORMED},
    {BODY("\"a/b\"", "3", "9") "x", HOOK_MALFORMED},
    {"\xff\xfe{}", HOOK_MALFORMED},
    {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", HOOK_MALFORMED},
};

static enum hook_answer read_signed(const void *body, size_t length, struct hook_look *look)
{
	AUTO(hook_keys) keys = keys_of(KEY);
	char signature[HOOK_SIGNATURE_SIZE];
	struct hook_headers headers = {.content_type = "application/json; charset=utf-8",
	    .event = "issue_comment",
	    .event_type = "pull_request_comment",
	    .signature = signature};

	hook_sign(KEY, body, length, signature);
	enum hook_answer answer = hook_read(&keys, &headers, body, length, look);
	const char *sentence = hook_sentence(answer);
	ck_assert_int_eq(sentence[strlen(sentence) - 1], '.');
	return answer;
}

START_TEST(reads_body)
{
	const struct body_row *row = &body_rows[_i];
	struct hook_look look = {0};
	enum hook_answer answer = read_signed(row->body, strlen(row->body), &look);

	ck_assert_msg(answer == row->answer, "%s: %d", row->body, answer);
	ck_assert_int_eq(look.comment != 0, answer == HOOK_LOOK);
}
END_TEST

START_TEST(reads_long_bodies)
{
	static const char good[] = BODY("\"a/b\"", "3", "9");
	static const size_t lengths[] = {
	    HOOK_BODY_MAX_BYTES, HOOK_BODY_MAX_BYTES + 1, 10 * 1024 * 1024};

	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		auto_str char *body = xcalloc(lengths[i], 1);
		struct hook_look look = {0};

		(void)memset(body, ' ', lengths[i]);
		memcpy(body, good, sizeof(good) - 1);
		ck_assert_int_eq(
		    read_signed(body, lengths[i], &look), i == 0 ? HOOK_LOOK : HOOK_TOO_LARGE);
		body[100] = '\0';
		if (i == 0)
			ck_assert_int_eq(read_signed(body, lengths[i], &look), HOOK_MALFORMED);
	}
}
END_TEST

/* --- headers --- */

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct header_row {
	struct hook_headers headers;
	enum hook_answer answer;
} header_rows[] = {
    {{"application/json", .signature = HEX64}, HOOK_LOOK},
    {{"application/json;charset=utf-8", .hub_signature = "sha256=" HEX64}, HOOK_LOOK},
    {{"APPLICATION/JSON", .signature = HEX64}, HOOK_LOOK},
    {{"application/json"}, HOOK_UNSIGNED},
    {{"application/json", .signature = ""}, HOOK_UNSIGNED},
    {{"application/json", .signature = "0"}, HOOK_UNSIGNED},
    {{"application/json", .signature = HEX64 "0"}, HOOK_UNSIGNED},
    {{"application/json", .signature = "sha256=" HEX64}, HOOK_UNSIGNED},
    {{"application/json",
	 .signature = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeg"},
	HOOK_UNSIGNED},
    {{"application/json", .signature = "", .hub_signature = "sha256=" HEX64}, HOOK_UNSIGNED},
    {{"application/json", .hub_signature = HEX64}, HOOK_UNSIGNED},
    {{"application/json", .hub_signature = "sha1=" HEX64}, HOOK_UNSIGNED},
    {{NULL, .signature = HEX64}, HOOK_NOT_JSON},
    {{"", .signature = HEX64}, HOOK_NOT_JSON},
    {{"text/plain", .signature = HEX64}, HOOK_NOT_JSON},
    {{"application/jsonp", .signature = HEX64}, HOOK_NOT_JSON},
    {{"application/x-www-form-urlencoded", .signature = HEX64}, HOOK_NOT_JSON},
};

START_TEST(checks_headers)
{
	const struct header_row *row = &header_rows[_i];
	AUTO(hook_keys) keys = keys_of(KEY);
	AUTO(hook_keys) none = keys_of("");

	ck_assert_int_eq(hook_check_headers(&keys, &row->headers), row->answer);
	ck_assert_int_eq(hook_check_headers(&none, &row->headers), HOOK_CLOSED);
}
END_TEST

static const struct event_row {
	const char *event, *event_type;
	enum hook_answer answer;
} event_rows[] = {
    {"issue_comment", "pull_request_comment", HOOK_LOOK},
    {"pull_request_comment", "pull_request_comment", HOOK_LOOK},
    {"issue_comment", NULL, HOOK_LOOK},
    {"issue_comment", "issue_comment", HOOK_NOT_OURS},
    {"push", "push", HOOK_NOT_OURS},
    {"pull_request", NULL, HOOK_NOT_OURS},
    {NULL, NULL, HOOK_NOT_OURS},
    {"", "", HOOK_NOT_OURS},
};

START_TEST(tells_events)
{
	static const char body[] = BODY("\"a/b\"", "3", "9");
	AUTO(hook_keys) keys = keys_of(KEY);
	char signature[HOOK_SIGNATURE_SIZE];
	struct hook_headers headers = {.content_type = "application/json",
	    .event = event_rows[_i].event,
	    .event_type = event_rows[_i].event_type,
	    .signature = signature};
	struct hook_look look;

	hook_sign(KEY, body, sizeof(body) - 1, signature);
	ck_assert_int_eq(
	    hook_read(&keys, &headers, body, sizeof(body) - 1, &look), event_rows[_i].answer);
}
END_TEST

START_TEST(answers_have_statuses)
{
	ck_assert_int_eq(hook_status(HOOK_LOOK), 202);
	ck_assert_int_eq(hook_status(HOOK_NOT_OURS), 202);
	ck_assert_int_eq(hook_status(HOOK_UNSIGNED), 401);
	ck_assert_int_eq(hook_status(HOOK_FORGED), 403);
	ck_assert_int_eq(hook_status(HOOK_NOT_JSON), 415);
	ck_assert_int_eq(hook_status(HOOK_MALFORMED), 400);
	ck_assert_int_eq(hook_status(HOOK_TOO_LARGE), 413);
	ck_assert_int_eq(hook_status(HOOK_CLOSED), 404);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("hook");
	TCase *tests = tcase_create("hook");

	tcase_set_timeout(tests, 20);
	tcase_add_test(tests, reads_keys);
	tcase_add_loop_test(tests, refuses_keys, 0, COUNT_OF(key_rows));
	tcase_add_test(tests, refuses_long_key);
	tcase_add_test(tests, signs);
	tcase_add_loop_test(tests, reads_sample, 0, COUNT_OF(samples));
	tcase_add_test(tests, finds_every_changed_byte);
	tcase_add_loop_test(tests, reads_body, 0, COUNT_OF(body_rows));
	tcase_add_test(tests, reads_long_bodies);
	tcase_add_loop_test(tests, checks_headers, 0, COUNT_OF(header_rows));
	tcase_add_loop_test(tests, tells_events, 0, COUNT_OF(event_rows));
	tcase_add_test(tests, answers_have_statuses);
	suite_add_tcase(suite, tests);
	return suite;
}

TEST_MAIN(make_suite)
