/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "harness.h"

#include "common/clock.h"
#include "common/log.h"

#include <sys/mman.h>

#include <fcntl.h>
#include <sys/stat.h>

#define LINE_MAX_BYTES 8192

static int reader = -1;
static int writer = -1;

static void open_sink(void)
{
	int ends[2];

	ck_assert_int_eq(unsetenv("JOURNAL_STREAM"), 0);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	reader = ends[0];
	writer = ends[1];
	log_init(LOG_LEVEL_INFO);
	log_set_fd(writer);
}

static void close_sink(void)
{
	log_set_fd(-1);
	log_scope_end();
	log_mask_reset();
	close_fd(&reader);
	close_fd(&writer);
}

/* All that was logged since the last call. */
static const char *logged(void)
{
	static char text[LINE_MAX_BYTES];
	ssize_t length = read(reader, text, sizeof(text) - 1);

	text[length < 0 ? 0 : length] = '\0';
	return text;
}

START_TEST(a_line_has_level_and_scope)
{
	log_info("a %d", 1);
	ck_assert_str_eq(logged(), "info: a 1\n");
	log_scope("job=%d", 7);
	log_error("b");
	log_warning("c");
	ck_assert_str_eq(logged(), "error: job=7 b\nwarning: job=7 c\n");
	log_scope_end();
	log_info("d");
	ck_assert_str_eq(logged(), "info: d\n");
}
END_TEST

START_TEST(levels_below_are_left_out)
{
	log_debug("no");
	ck_assert_str_eq(logged(), "");
	log_init(LOG_LEVEL_DEBUG);
	log_debug("yes");
	ck_assert_str_eq(logged(), "debug: yes\n");
	log_init(LOG_LEVEL_ERROR);
	log_warning("no");
	ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(the_journal_gets_priorities)
{
	struct stat status;

	ck_assert_int_eq(fstat(writer, &status), 0);
	auto_str char *own =
	    xasprintf("%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
	ck_assert_int_eq(setenv("JOURNAL_STREAM", own, 1), 0);
	log_init(LOG_LEVEL_INFO);
	log_error("a");
	log_info("b");
	ck_assert_str_eq(logged(), "<3>error: a\n<6>info: b\n");
	/* Redirected since, or not systemd's word: people read it. */
	static const char *const others[] = {"1:2", "", "journal"};
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		ck_assert_int_eq(setenv("JOURNAL_STREAM", others[i], 1), 0);
		log_init(LOG_LEVEL_INFO);
		log_error("a");
		ck_assert_str_eq(logged(), "error: a\n");
	}
	ck_assert_int_eq(unsetenv("JOURNAL_STREAM"), 0);
}
END_TEST

START_TEST(control_characters_are_escaped)
{
	log_scope("x=%s", "\n");
	log_info("a\nerror: forged\x1b[2J\t\x7f\r");
	ck_assert_str_eq(logged(), "info: x=\\x0a a\\x0aerror: forged\\x1b[2J\\x09\\x7f\\x0d\n");
	log_scope_end();
	log_info("gr\xc3\xbc\xc3\x9f");
	ck_assert_str_eq(logged(), "info: gr\xc3\xbc\xc3\x9f\n");
}
END_TEST

/* A text of length bytes of c, then tail. */
static char *long_text(size_t length, char c, const char *tail)
{
	char *text = xcalloc(length + strlen(tail) + 1, 1);

	for (size_t i = 0; i < length; i++)
		text[i] = c;
	memcpy(text + length, tail, strlen(tail));
	return text;
}

START_TEST(a_long_line_is_cut_and_still_one_line)
{
	auto_str char *plain = long_text(5000, 'x', "");
	auto_str char *escapes = long_text(5000, '\x01', "");
	const char *texts[] = {plain, escapes};

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		log_info("%s", texts[i]);
		const char *line = logged();
		size_t length = strlen(line);

		ck_assert_uint_le(length, 4100);
		ck_assert_msg(text_ends(line, "...\n"), "text %zu", i);
		ck_assert_ptr_eq(strchr(line, '\n'), line + length - 1);
	}
}
END_TEST

/* Wherever the line is cut, no half of a secret is left. */
START_TEST(a_cut_does_not_uncover_a_secret)
{
	static const char secret[] = "s3cr3t-s3cr3t-s3cr3t";

	log_mask(secret);
	for (size_t length = 4070; length < 4100; length++) {
		auto_str char *text = long_text(length, 'x', secret);

		log_info("%s", text);
		ck_assert_ptr_null(strstr(logged(), "s3"));
	}
}
END_TEST

static char *mask_whole(const char *text)
{
	AUTO(buf) out = buf_make(1000);

	ck_assert_int_eq(log_mask_text(&out, text, strlen(text)), 0);
	return buf_take(&out);
}

static const struct mask_row {
	const char *text;
	const char *masked;
} mask_rows[] = {
    {"", ""}, {"nothing here", "nothing here"}, {"token", "token"}, {"a token-12345 b", "a *** b"},
    {"token-12345", "***"}, {"token-12345token-12345", "******"},
    {"token-1234token-12345", "token-1234***"},
    {"token-12345-longer!", "***!"}, /* the longer of two that begin alike */
    {"token-12345-longe", "***-longe"}, {"xline one of a keyx", "x***x"}, {"second line", "***"},
    {"abc", "abc"}, /* too short to be registered */
};

static void register_secrets(void)
{
	log_mask("token-12345");
	log_mask("token-12345-longer");
	log_mask("token-12345");
	log_mask("abc");
	log_mask(NULL);
	log_mask_lines("line one of a key\r\nsecond line\n\nabc\n");
}

START_TEST(masks_row)
{
	const struct mask_row *row = &mask_rows[_i];

	register_secrets();
	auto_str char *masked = mask_whole(row->text);
	ck_assert_msg(text_is(masked, row->masked), "row %d \"%s\": \"%s\", not \"%s\"", _i,
	    row->text, masked, row->masked);
	log_info("%s", row->text);
	auto_str char *line = xasprintf("info: %s\n", row->masked);
	ck_assert_str_eq(logged(), line);
}
END_TEST

/* Cut into pieces of every size the stream gives what the whole gives. */
START_TEST(masks_row_in_pieces)
{
	const char *text = mask_rows[_i].text;
	size_t length = strlen(text);

	register_secrets();
	for (size_t piece = 1; piece <= length; piece++) {
		AUTO(buf) held = buf_make(1000);
		AUTO(buf) out = buf_make(1000);

		for (size_t at = 0; at < length; at += piece) {
			size_t size = length - at < piece ? length - at : piece;

			ck_assert_int_eq(buf_add(&held, text + at, size), 0);
			buf_drop_front(&held, log_mask_part(&out, buf_text(&held), held.length));
			ck_assert_uint_lt(held.length, log_mask_longest());
		}
		ck_assert_int_eq(log_mask_text(&out, buf_text(&held), held.length), 0);
		ck_assert_msg(text_is(buf_text(&out), mask_rows[_i].masked),
		    "row %d in pieces of %zu: \"%s\", not \"%s\"", _i, piece, buf_text(&out),
		    mask_rows[_i].masked);
	}
}
END_TEST

START_TEST(knows_its_longest_secret)
{
	ck_assert_uint_eq(log_mask_longest(), 0);
	register_secrets();
	ck_assert_uint_eq(log_mask_longest(), strlen("token-12345-longer"));
	log_mask_reset();
	ck_assert_uint_eq(log_mask_longest(), 0);
	auto_str char *text = mask_whole("token-12345");
	ck_assert_str_eq(text, "token-12345");
}
END_TEST

static int64_t now_ns;

static int64_t read_now(void *context)
{
	(void)context;
	return now_ns;
}

START_TEST(repeats_are_counted)
{
	struct clock_source source = {.monotonic_ns = read_now};
	struct log_limit limit = {.interval_ms = 1000};
	unsigned dropped = 99;

	now_ns = 50 * NS_PER_S;
	clock_set_source(&source);
	ck_assert(log_limit_pass(&limit, &dropped));
	ck_assert_uint_eq(dropped, 0);
	ck_assert(!log_limit_pass(&limit, &dropped));
	now_ns += 999 * NS_PER_MS;
	ck_assert(!log_limit_pass(&limit, &dropped));
	now_ns += NS_PER_MS;
	ck_assert(log_limit_pass(&limit, &dropped));
	ck_assert_uint_eq(dropped, 2);
	now_ns += 5 * NS_PER_S;
	ck_assert(log_limit_pass(&limit, &dropped));
	ck_assert_uint_eq(dropped, 0);
	clock_set_source(NULL);
}
END_TEST

START_TEST(masks_what_another_process_learnt)
{
	auto_fd int memory = memfd_create("secrets", MFD_CLOEXEC);
	AUTO(buf) out = buf_make(100);

	ck_assert_int_ge(memory, 0);
	log_mask("first-secret");
	log_mask("second\nsecret");
	log_mask_save(memory);
	log_mask_reset();
	log_mask_load(-1);
	log_mask_load(memory);
	ck_assert_int_eq(log_mask_text(&out, "a first-secret b second\nsecret", 30), 0);
	ck_assert_str_eq(buf_text(&out), "a *** b ***");
	log_mask_reset();
	log_mask_save(memory);
	log_mask_load(memory);
	ck_assert_uint_eq(log_mask_longest(), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("log");
	TCase *tc = tcase_create("log");

	tcase_add_test(tc, masks_what_another_process_learnt);
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, open_sink, close_sink);
	tcase_add_test(tc, a_line_has_level_and_scope);
	tcase_add_test(tc, levels_below_are_left_out);
	tcase_add_test(tc, the_journal_gets_priorities);
	tcase_add_test(tc, control_characters_are_escaped);
	tcase_add_test(tc, a_long_line_is_cut_and_still_one_line);
	tcase_add_test(tc, a_cut_does_not_uncover_a_secret);
	tcase_add_loop_test(tc, masks_row, 0, COUNT_OF(mask_rows));
	tcase_add_loop_test(tc, masks_row_in_pieces, 0, COUNT_OF(mask_rows));
	tcase_add_test(tc, knows_its_longest_secret);
	tcase_add_test(tc, repeats_are_counted);
	return suite;
}

TEST_MAIN(make_suite)
