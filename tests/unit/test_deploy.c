/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is wrong with a stack as abra left it: services, images, and of which commit it is. */
#include "harness.h"

#include "runner-plugin/stages/deploy.h"

#define HEAD "0123456789abcdef0123456789abcdef01234567"

/* "name=image" separated by blanks; the first service's label is given apart. */
static size_t split(const char *text, char names[4][32], char images[4][64])
{
	size_t count = 0;
	int used = 0;

	while (sscanf(text, " %31[^=]=%63s%n", names[count], images[count], &used) == 2) {
		text += used;
		count++;
	}
	return count;
}

static const struct row {
	const char *wanted, *there;
	const char *label; /* of app */
	const char *earlier;
	bool has_overlays, is_partial;
	const char *says; /* NULL: nothing is wrong */
} rows[] = {
    {"app=a:1", "app=a:1", "01234567", NULL, false, false, NULL},
    {"app=a:1 db=b:1", "app=a:1 db=b:1 old=c:1", "01234567", NULL, false, false, NULL},
    /* services */
    {"app=a:1", "", "", NULL, false, false, "service app is not there"},
    {"app=a:1 db=b:1", "app=a:1", "01234567", NULL, false, false, "service db is not there"},
    {"app=a:1 db=b:1", "app=a:1", "01234567", NULL, false, true, NULL},
    {"app=a:1", "", "", NULL, false, true, NULL},
    /* images */
    {"app=a:1 db=b:2", "app=a:1 db=b:1", "01234567", NULL, false, false,
	"service db has image b:1 instead of b:2"},
    {"app=a:1", "app=a:1@sha256:00", "01234567", NULL, false, false, NULL},
    {"app=a", "app=a:latest@sha256:00", "01234567", NULL, false, false, NULL},
    {"app=docker.io/library/a:1", "app=a:1", "01234567", NULL, false, false, NULL},
    {"app=docker.io/x/a:1", "app=x/a:1@sha256:00", "01234567", NULL, false, false, NULL},
    {"app=r.example:5000/a:1", "app=r.example:5000/a:1", "01234567", NULL, false, false, NULL},
    {"app=r.example:5000/a:1", "app=a:1", "01234567", NULL, false, false, "has image a:1"},
    {"app=a:1@sha256:00", "app=a:1@sha256:00", "01234567", NULL, false, false, NULL},
    {"app=a@sha256:00", "app=a@sha256:00", "01234567", NULL, false, false, NULL},
    {"app=docker.io/a:1@sha256:00", "app=a:1@sha256:00", "01234567", NULL, false, false, NULL},
    {"app=a:1@sha256:00", "app=a:1@sha256:11", "01234567", NULL, false, false,
	"has image a:1@sha256:11"},
    {"app=a@sha256:00", "app=a@sha256:11", "01234567", NULL, false, false, "has image a@sha256:11"},
    /* commits */
    {"app=a:1", "app=a:1", "fedcba98", NULL, false, false,
	"it deployed another commit: fedcba98 instead of 01234567"},
    {"app=a:1", "app=a:1", "", NULL, false, false, "does not say of which commit"},
    {"app=a:1", "app=a:1", "01234567+U", NULL, false, false, "another commit: 01234567+U"},
    {"app=a:1", "app=a:1", "01234567+U", NULL, true, false, NULL},
    {"app=a:1", "app=a:1", "0123456", NULL, false, false, "another commit"},
    {"app=a:1", "app=a:1", "012345678", NULL, false, false, "another commit"},
    /* the one before may be there, again or still, when it is red already */
    {"app=a:1", "app=a:1", "fedcba98", "fedcba98", false, true, NULL},
    {"app=a:1", "app=a:1", "fedcba98", "fedcba98", false, false, "another commit"},
    {"app=a:1", "app=a:1", "11111111", "fedcba98", false, true, "another commit"},
    {"app=a:1", "app=a:1", "", "", false, true, "does not say of which commit"},
};

START_TEST(finds_what_is_wrong)
{
	const struct row *row = &rows[_i];
	char names[2][4][32];
	char images[2][4][64];
	struct compose_service wanted[4] = {0};
	struct view_service there[4] = {0};
	struct compose_model model = {.services = wanted};
	struct view view = {.services = there};
	static char none[] = "";

	model.service_count = split(row->wanted, names[0], images[0]);
	view.service_count = split(row->there, names[1], images[1]);
	for (size_t i = 0; i < model.service_count; i++)
		wanted[i] = (struct compose_service){.name = names[0][i], .image = images[0][i]};
	auto_str char *label = xstrdup(row->label);
	for (size_t i = 0; i < view.service_count; i++)
		there[i] = (struct view_service){.name = names[1][i],
		    .image = images[1][i],
		    .chaos_version = text_is(names[1][i], "app") ? label : none};
	struct deploy_claim claim = {
	    .model = &model,
	    .commit = HEAD,
	    .earlier = row->earlier,
	    .has_overlays = row->has_overlays,
	    .is_whole = !row->is_partial,
	};
	auto_str char *wrong = deploy_mismatch(&claim, &view);
	if (!row->says)
		ck_assert_msg(!wrong, "%s", wrong);
	else
		ck_assert_msg(wrong && strstr(wrong, row->says), "\"%s\"", wrong ? wrong : "");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("deploy");
	TCase *tc = tcase_create("deploy");

	tcase_add_loop_test(tc, finds_what_is_wrong, 0, COUNT_OF(rows));
	suite_add_tcase(suite, tc);
	return suite;
}

TEST_MAIN(make_suite)
