/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness.h"

#include "common/file.h"
#include "runner-plugin/run/journal.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

static struct journal_entry make_dir(const char *path)
{
	return (struct journal_entry){.kind = JOURNAL_DIR, .path = xstrdup(path)};
}

static struct journal_entry make_app(const char *recipe)
{
	return (struct journal_entry){.kind = JOURNAL_APP,
	    .recipe = xstrdup(recipe),
	    .domain = xstrdup("cust-9f2c1a.ci.example.org"),
	    .stack = xstrdup("cust-9f2c1a_ci_example_org"),
	    .server = xstrdup("default"),
	    .env = xstrdup("/root/.abra/servers/default/cust-9f2c1a.ci.example.org.env")};
}

static struct journal_entry make_tenant(const char *release)
{
	return (struct journal_entry){.kind = JOURNAL_TENANT,
	    .recipe = xstrdup("keycloak"),
	    .domain = xstrdup("keyc-9f2c1a.ci.example.org"),
	    .stack = xstrdup("keyc-9f2c1a_ci_example_org"),
	    .path = xstrdup(release),
	    .text = xstrdup("shared-9f2c1a")};
}

static void append(const char *path, struct journal_entry entry)
{
	struct err err;

	ck_assert_msg(journal_append(path, &entry, &err) == 0, "%s", err.msg);
	journal_entry_release(&entry);
}

static struct journal read_back(const char *path)
{
	struct journal journal;
	struct err err;

	ck_assert_msg(journal_read(path, &journal, &err) == 0, "%s", err.msg);
	return journal;
}

static char *new_path(void)
{
	auto_str char *dir = harness_dir();

	return xasprintf("%s/journal", dir);
}

START_TEST(writes_lines_people_can_read)
{
	AUTO(journal_entry) entry = {.seq = 7, .kind = JOURNAL_MARK, .text = xstrdup("100 % of\n")};
	auto_str char *line = journal_encode(&entry);

	/* an older ccci's journal is read by a newer one: the checksum is CRC-32, as zlib's */
	ck_assert_str_eq(line, "7 mark text=100%20%25%20of%0A 402f4c35\n");
}
END_TEST

static const char *const awkward[] = {
    "plain",
    "",
    " ",
    "a b\tc\nd",
    "50%",
    "%20",
    "a=b",
    "\x01\x1f\x7f",
    "gr\xc3\xbc\xc3\x9f",
    "not utf-8 \xff\xfe",
};

START_TEST(brings_every_text_back)
{
	auto_str char *path = new_path();

	append(path, make_dir(awkward[_i]));
	append(path, make_app(awkward[_i]));
	append(path, (struct journal_entry){.kind = JOURNAL_MARK, .text = xstrdup(awkward[_i])});
	append(path, make_tenant(awkward[_i]));
	AUTO(journal) journal = read_back(path);
	ck_assert_uint_eq(journal.count, 4);
	ck_assert_str_eq(journal.entries[0].path, awkward[_i]);
	ck_assert_str_eq(journal.entries[1].recipe, awkward[_i]);
	ck_assert_str_eq(journal.entries[1].stack, "cust-9f2c1a_ci_example_org");
	ck_assert_str_eq(journal.entries[2].text, awkward[_i]);
	ck_assert_int_eq(journal.entries[2].seq, 3);
	ck_assert_str_eq(journal.entries[3].path, awkward[_i]);
	ck_assert_str_eq(journal.entries[3].text, "shared-9f2c1a");
}
END_TEST

START_TEST(reads_an_absent_journal_as_empty)
{
	auto_str char *path = new_path();
	AUTO(journal) journal = read_back(path);

	ck_assert_uint_eq(journal.count, 0);
	ck_assert(!journal_is_closed(&journal));
}
END_TEST

/* Whatever a power cut leaves of the last line: the records before it count, and it is written
 * over. */
START_TEST(drops_a_torn_tail_at_every_byte)
{
	auto_str char *path = new_path();
	AUTO(buf) text = {0};
	struct err err;
	size_t first = 0;

	append(path, make_dir("/a"));
	ck_assert_int_eq(file_read(path, 1 << 20, &text, &err), 0);
	first = text.length;
	buf_release(&text);
	append(path, make_app("custom-html"));
	ck_assert_int_eq(file_read(path, 1 << 20, &text, &err), 0);
	for (size_t cut = first + 1; cut < text.length; cut++) {
		ck_assert_int_eq(file_write_atomic(path, 0600, text.data, cut, &err), 0);
		AUTO(journal) torn = read_back(path);
		ck_assert_uint_eq(torn.count, 1);
		ck_assert(torn.had_torn_tail);
		append(path, (struct journal_entry){.kind = JOURNAL_CLOSED});
		AUTO(journal) again = read_back(path);
		ck_assert_uint_eq(again.count, 2);
		ck_assert(!again.had_torn_tail);
		ck_assert_int_eq(again.entries[1].kind, JOURNAL_CLOSED);
	}
}
END_TEST

/* One changed byte: in the last line it is a torn tail, before it an error that names the line. */
START_TEST(notices_every_changed_byte)
{
	auto_str char *path = new_path();
	AUTO(buf) text = {0};
	struct err err;

	append(path, make_dir("/a"));
	append(path, make_dir("/b"));
	ck_assert_int_eq(file_read(path, 1 << 20, &text, &err), 0);
	size_t first = (size_t)(strchr(buf_text(&text), '\n') - buf_text(&text)) + 1;
	for (size_t at = 0; at < text.length; at++) {
		if (at == first - 1)
			continue; /* without its newline the first line is part of the last */
		AUTO(journal) journal = {0};
		char saved = text.data[at];

		text.data[at] = saved == '1' ? '2' : '1';
		int result = journal_decode(text.data, text.length, &journal, &err);
		text.data[at] = saved;
		if (at < first) {
			ck_assert_msg(result == -1, "byte %zu", at);
			ck_assert_int_eq(err.code, ERR_PROTOCOL);
			ck_assert_msg(strstr(err.msg, "line 1"), "%s", err.msg);
			continue;
		}
		ck_assert_int_eq(result, 0);
		ck_assert_msg(journal.count == 1 && journal.had_torn_tail, "byte %zu", at);
	}
}
END_TEST

static const struct damage_row {
	const char *what;
	const char *line; /* with a right checksum, put before a good line */
} damage_rows[] = {
    {"sequence does not begin with 1", "2 closed 5e9bc2c4\n"},
    {"empty line", "\n"},
    {"no checksum", "1 closed\n"},
};

START_TEST(refuses_damage_before_the_end)
{
	AUTO(journal) journal = {0};
	auto_str char *text = xasprintf("%s1 closed 00000000\n", damage_rows[_i].line);
	struct err err;

	ck_assert_msg(
	    journal_decode(text, strlen(text), &journal, &err) == -1, "%s", damage_rows[_i].what);
}
END_TEST

START_TEST(appends_nothing_to_a_damaged_one)
{
	static const char damaged[] = "1 closed 00000000\n2 closed 00000000\n";
	auto_str char *path = new_path();
	AUTO(journal_entry) entry = make_dir("/1");
	AUTO(buf) text = {0};
	struct err err;

	ck_assert_int_eq(file_write_atomic(path, 0600, damaged, strlen(damaged), &err), 0);
	ck_assert_int_eq(journal_append(path, &entry, &err), -1);
	ck_assert_msg(text_starts(err.msg, path), "%s", err.msg);
	ck_assert_int_eq(file_read(path, 1024, &text, &err), 0);
	ck_assert_str_eq(buf_text(&text), damaged);
}
END_TEST

START_TEST(undoes_backwards_and_once)
{
	auto_str char *path = new_path();
	size_t count = 0;

	append(path, make_dir("/1"));
	append(path, (struct journal_entry){.kind = JOURNAL_MARK, .text = xstrdup("deploy")});
	append(path, make_app("3"));
	append(path, make_dir("/4"));
	append(path, make_tenant("release"));
	append(path, (struct journal_entry){.kind = JOURNAL_UNDONE, .undone = 3});
	AUTO(journal) journal = read_back(path);
	size_t *open = journal_open_entries(&journal, &count);
	ck_assert_uint_eq(count, 3);
	ck_assert_uint_eq(open[0], 4);
	ck_assert_uint_eq(open[1], 3);
	ck_assert_uint_eq(open[2], 0);
	free(open);
}
END_TEST

START_TEST(is_open_again_when_something_is_made)
{
	auto_str char *path = new_path();

	append(path, make_dir("/1"));
	append(path, (struct journal_entry){.kind = JOURNAL_CLOSED});
	append(path, (struct journal_entry){.kind = JOURNAL_MARK, .text = xstrdup("seen")});
	AUTO(journal) closed = read_back(path);
	ck_assert(journal_is_closed(&closed));
	append(path, make_dir("/2"));
	AUTO(journal) open = read_back(path);
	ck_assert(!journal_is_closed(&open));
}
END_TEST

START_TEST(refuses_what_is_too_long)
{
	auto_str char *path = new_path();
	char *text = xcalloc(JOURNAL_FIELD_MAX + 2, 1);
	struct err err;

	memset(text, ' ', JOURNAL_FIELD_MAX + 1);
	AUTO(journal_entry) entry = {.kind = JOURNAL_DIR, .path = text};
	ck_assert_int_eq(journal_append(path, &entry, &err), -1);
	ck_assert_int_eq(err.code, ERR_LIMIT);
	ck_assert(!file_exists(path));
	text[JOURNAL_FIELD_MAX] = '\0';
	ck_assert_msg(journal_append(path, &entry, &err) == 0, "%s", err.msg);
	AUTO(journal) journal = read_back(path);
	ck_assert_uint_eq(journal.count, 1);
}
END_TEST

START_TEST(takes_back_what_a_full_disk_cut)
{
	auto_str char *path = new_path();
	struct err err = {0};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	append(path, make_dir("/a"));
	ck_assert_int_eq(sigaction(SIGXFSZ, &ignore, NULL), 0);
	struct rlimit usual;
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &usual), 0);
	struct rlimit small = {.rlim_cur = 40, .rlim_max = usual.rlim_max};
	AUTO(journal_entry) entry = make_app("custom-html");
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	int result = journal_append(path, &entry, &err);
	/* Without a process of its own for each test, Check writes to a file too. */
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &usual), 0);
	ck_assert_int_eq(result, -1);
	ck_assert_int_eq(err.code, ERR_SYS);
	ck_assert_int_eq(err.sys, EFBIG);
	AUTO(journal) journal = read_back(path);
	ck_assert_uint_eq(journal.count, 1);
	ck_assert(!journal.had_torn_tail);
}
END_TEST

/* --- between worker and keeper --- */

static void serve(int fd, const char *path)
{
	struct journal_entry entry = {0};
	struct err err;

	if (journal_receive(fd, &entry, &err) < 0)
		_exit(1);
	bool is_recorded = journal_append(path, &entry, &err) == 0;
	_exit(journal_answer(fd, is_recorded ? NULL : &err, &err) < 0);
}

START_TEST(records_before_it_answers)
{
	auto_str char *path = new_path();
	AUTO(journal_entry) entry = make_app("custom-html");
	int status = -1;
	struct err err;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	pid_t keeper = fork();
	if (keeper == 0) {
		(void)close(fds[0]);
		serve(fds[1], path);
	}
	(void)close(fds[1]);
	ck_assert_msg(journal_record(fds[0], &entry, &err) == 0, "%s", err.msg);
	AUTO(journal) journal = read_back(path);
	ck_assert_uint_eq(journal.count, 1);
	ck_assert_str_eq(journal.entries[0].domain, entry.domain);
	/* The keeper is gone now. */
	ck_assert_int_eq(journal_record(fds[0], &entry, &err), -1);
	(void)close(fds[0]);
	ck_assert_int_eq(waitpid(keeper, &status, 0), keeper);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(passes_on_why_it_could_not_record)
{
	AUTO(journal_entry) entry = make_dir("/a");
	struct err err;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	pid_t keeper = fork();
	if (keeper == 0) {
		(void)close(fds[0]);
		serve(fds[1], "/nonexistent/journal");
	}
	(void)close(fds[1]);
	ck_assert_int_eq(journal_record(fds[0], &entry, &err), -1);
	ck_assert_msg(strstr(err.msg, "/nonexistent/journal"), "%s", err.msg);
	(void)close(fds[0]);
	ck_assert_int_eq(waitpid(keeper, NULL, 0), keeper);
}
END_TEST

static const char *const bad_packets[] = {
    "x", "\n", "0 closed 00000000\n", "0 closed", "0 nonsense 12345678\n"};

START_TEST(records_nothing_for_a_bad_packet)
{
	AUTO(journal_entry) entry = {0};
	struct err err;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	ck_assert_int_gt(send(fds[0], bad_packets[_i], strlen(bad_packets[_i]), 0), 0);
	ck_assert_int_eq(journal_receive(fds[1], &entry, &err), -1);
	ck_assert_int_eq(err.code, ERR_PROTOCOL);
	(void)close(fds[0]);
	ck_assert_int_eq(journal_receive(fds[1], &entry, &err), -1);
	ck_assert_int_eq(err.code, ERR_MISSING);
	(void)close(fds[1]);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("journal");
	TCase *tc = tcase_create("journal");

	tcase_add_test(tc, writes_lines_people_can_read);
	tcase_add_loop_test(tc, brings_every_text_back, 0, COUNT_OF(awkward));
	tcase_add_test(tc, reads_an_absent_journal_as_empty);
	tcase_add_test(tc, drops_a_torn_tail_at_every_byte);
	tcase_add_test(tc, notices_every_changed_byte);
	tcase_add_loop_test(tc, refuses_damage_before_the_end, 0, COUNT_OF(damage_rows));
	tcase_add_test(tc, appends_nothing_to_a_damaged_one);
	tcase_add_test(tc, undoes_backwards_and_once);
	tcase_add_test(tc, is_open_again_when_something_is_made);
	tcase_add_test(tc, refuses_what_is_too_long);
	tcase_add_test(tc, takes_back_what_a_full_disk_cut);
	tcase_add_test(tc, records_before_it_answers);
	tcase_add_test(tc, passes_on_why_it_could_not_record);
	tcase_add_loop_test(tc, records_nothing_for_a_bad_packet, 0, COUNT_OF(bad_packets));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
