/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/abra/refusal.h"

#include <strings.h>

#define LEVEL "FATA"
#define BLANKS " \t\r\n"

enum owner { OURS, RECIPES };

/*
 * In this order: what stands first is said inside what stands later. A sentence is found wherever
 * it stands, in any case: abra adds words before and behind.
 */
static const struct row {
	const char *text;
	enum owner owner;
	const char *advice; /* NULL: the sentence says it all */
} rows[] = {
    /* What the host has, or has not, though the engine calls it an invalid argument. */
    {"is already in use by service", OURS, NULL},
    {"lookup of plugin", OURS, NULL},
    {"could not be found. You need to create a swarm-scoped network", OURS, NULL},
    /* the engine */
    {"only updates to Labels are allowed", RECIPES,
	"a config changed under the same name: its version in abra.sh has to go up"},
    {"duplicate mount point", RECIPES, "mount one thing only at each target"},
    {"is not a valid repository/tag", RECIPES, "image names are in small letters"},
    {"service mode change is not allowed", RECIPES,
	"what runs already keeps its deploy.mode: give the service another name"},
    {"code = InvalidArgument", RECIPES, NULL},
    {"constraint expected one operator", RECIPES, NULL},
    {"unrecognized update failure action", RECIPES, NULL},
    {"invalid RestartCondition", RECIPES, NULL},
    {"invalid CIDR address", RECIPES, NULL},
    /* docker's loader, in abra */
    {"unable to validate recipe", RECIPES, NULL}, /* abra's own */
    {"invalid reference format", RECIPES, "image has to be a name with a tag"},
    {"no image specified", RECIPES, "every service needs an image"},
    {"additional property", RECIPES, "take it out: stack files do not know that key"},
    {"unsupported compose file version", RECIPES, "write version: \"3.8\""},
    {"contains unsupported options", RECIPES, NULL},
    {"invalid interpolation format", RECIPES, NULL},
    {"required variable", RECIPES, "give it a value in .env.sample"},
    {"does not match format", RECIPES, NULL},
    {"yaml: line", RECIPES, NULL},
    {"yaml: unmarshal", RECIPES, NULL},
    {"error(s) decoding", RECIPES, NULL},
    {"decoding failed due to", RECIPES, NULL},
    {"error decoding '", RECIPES, NULL},
    {"non-string key in", RECIPES, NULL},
    {"must be a mapping", RECIPES, NULL},
    {"must be a list", RECIPES, NULL},
    {"must be a string", RECIPES, NULL},
    {"must be a number", RECIPES, NULL},
    {"must be a integer", RECIPES, NULL},
    {"must be a boolean", RECIPES, NULL},
    {"undefined network ", RECIPES, "declare it under the top-level networks"},
    {"undefined volume ", RECIPES, "declare it under the top-level volumes"},
    {"undefined secret ", RECIPES, "declare it under the top-level secrets"},
    {"undefined config ", RECIPES, "declare it under the top-level configs"},
    {"invalid mount config for type", RECIPES, NULL},
    {"invalid tmpfs source", RECIPES, NULL},
    {"invalid spec: ", RECIPES, NULL},
    {"unknown mode: ", RECIPES, "deploy.mode is replicated, global or one of the two jobs"},
    {"replicas can only be used with", RECIPES, NULL},
    {"duplicate config target", RECIPES, NULL},
    {"duplicate secret target", RECIPES, NULL},
    {"chars when combined with", RECIPES, "Swarm takes 64: shorten it"},
};

/* --- the sentence --- */

static bool begins_word(const char *text, const char *at)
{
	return at == text || strchr(BLANKS, at[-1]);
}

/* From the last word FATA to the end, which may be lines below it; NULL: abra did not give up. */
static const char *last_fatal(const char *said)
{
	const char *found = NULL;

	for (const char *at = strstr(said, LEVEL); at; at = strstr(at + 1, LEVEL)) {
		const char *end = at + strlen(LEVEL);

		if (begins_word(said, at) && *end && strchr(BLANKS, *end))
			found = end;
	}
	return found;
}

void refusal_copy_sentence(const char *from, char out[REFUSAL_SENTENCE_SIZE])
{
	size_t used = 0;

	while (used < (REFUSAL_SENTENCE_SIZE - 1)) {
		size_t length;

		from += strspn(from, BLANKS);
		if (!*from)
			break;
		if (used)
			out[used++] = ' ';
		length = text_head(from, (REFUSAL_SENTENCE_SIZE - 1) - used);
		if (length > strcspn(from, BLANKS))
			length = strcspn(from, BLANKS);
		memcpy(out + used, from, length);
		used += length;
		if (from[length] && !strchr(BLANKS, from[length]))
			break;
		from += length;
	}
	out[used] = '\0';
}

/* --- whose it is --- */

static const struct row *find_row(const char *sentence)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (strcasestr(sentence, rows[i].text))
			return &rows[i];
	}
	return NULL;
}

/* A port of the ingress network that a service of this very stack has taken. */
static bool is_own_port(const char *sentence, const char *stack)
{
	auto_str char *own = xasprintf("is already in use by service '%s_", stack);

	return strcasestr(sentence, own);
}

static bool lacks_own_file(const char *sentence, const char *recipe_dir)
{
	auto_str char *own = xasprintf("%s/", recipe_dir);

	return strcasestr(sentence, own) && strcasestr(sentence, "no such file or directory");
}

static void blame(struct refusal *out, const char *sentence, const char *advice)
{
	const char *who = strcasestr(sentence, "response from daemon")
			      ? "Docker refuses what the recipe asks for"
			      : "abra cannot load the recipe's compose files";

	out->is_recipes = true;
	(void)snprintf(out->text, sizeof(out->text), "%s: %s%s%s%s", who, sentence,
	    advice ? " (" : "", advice ? advice : "", advice ? ")" : "");
}

void refusal_read(const struct refusal_facts *facts, const char *said, struct refusal *out)
{
	char sentence[REFUSAL_SENTENCE_SIZE];
	const char *fatal = facts->exit_code ? last_fatal(said) : NULL;

	*out = (struct refusal){0};
	if (!fatal)
		return;
	refusal_copy_sentence(fatal, sentence);
	const struct row *row = find_row(sentence);
	if (is_own_port(sentence, facts->stack))
		blame(out, sentence, "two services of the stack publish the same port");
	else if (lacks_own_file(sentence, facts->recipe_dir))
		blame(out, sentence, "the file has to be in the recipe");
	else if (row && row->owner == RECIPES)
		blame(out, sentence, row->advice);
}
