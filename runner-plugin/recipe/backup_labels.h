/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a recipe's labels say of its backup, of both forms: paths in a container (v1), the stack's
 * volumes (v2), and the commands around them. Pure.
 *
 *   backup_plan_read(&rendered.model, &plan, err)         ERR_CONFIG: a label makes no sense
 *   plan.is_backed_up                                     some service has backupbot.backup=true
 *   plan.services[i].hooks[BACKUP_HOOK_BEFORE]            what is run in it, NULL: nothing
 *
 * A service that says backupbot.backup=false takes no part: neither its hooks nor what it alone
 * mounts. Volumes are taken as soon as a service that is backed up names no path of its own, or a
 * label names a volume: all of the stack but those that a label leaves out. Without a service that
 * is backed up nothing else is looked at: who turns backups off keeps the labels.
 *
 * Source: backup specification of Co-op Cloud (2024-04); "backupbot.backup.paths" and
 * "backupbot.restore" stand in recipes.
 */
#ifndef CCCI_BACKUP_LABELS_H
#define CCCI_BACKUP_LABELS_H

#include "common/err.h"
#include "runner-plugin/recipe/compose_model.h"

enum backup_hook {
	BACKUP_HOOK_BEFORE, /* the backup */
	BACKUP_HOOK_AFTER,
	BACKUP_HOOK_BEFORE_RESTORE,
	BACKUP_HOOK_AFTER_RESTORE,
};
#define BACKUP_HOOK_COUNT (BACKUP_HOOK_AFTER_RESTORE + 1)
const char *backup_hook_label(enum backup_hook hook); /* "backupbot.backup.pre-hook" */

struct backup_paths {
	char **items;
	size_t count;
};
struct backup_service { /* that takes part */
	char *name;
	bool is_backed_up; /* says so itself */
	char *hooks[BACKUP_HOOK_COUNT];
	struct backup_paths paths; /* in its container, absolute */
};
struct backup_volume {
	char *key; /* in the compose files */
	bool is_out;
	struct backup_paths paths; /* below its root; none: all of it */
};
struct backup_plan {
	bool is_backed_up;
	bool takes_volumes;
	struct backup_service *services; /* by name */
	size_t service_count;
	struct backup_volume *volumes; /* by key; empty unless volumes are taken */
	size_t volume_count;
};

int backup_plan_read(
    const struct compose_model *model, struct backup_plan *out, struct err *err) CHECKED;
/* Some service has a command there. */
bool backup_plan_has_hook(const struct backup_plan *plan, enum backup_hook hook);
void backup_plan_release(struct backup_plan *plan);
DEFINE_AUTO(backup_plan, backup_plan_release);

#endif
