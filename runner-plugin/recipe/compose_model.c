/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner-plugin/recipe/compose_model.h"

const struct compose_named *compose_find_named(
    const struct compose_named *list, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++) {
		if (text_is(list[i].key, key))
			return &list[i];
	}
	return NULL;
}

const char *compose_find_label(const struct compose_service *service, const char *key)
{
	for (size_t i = 0; i < service->deploy_label_count; i++) {
		if (text_is(service->deploy_labels[i].key, key))
			return service->deploy_labels[i].value;
	}
	return NULL;
}

void compose_mount_release(struct compose_mount *mount)
{
	free(mount->type_word);
	free(mount->source);
	free(mount->target);
}

void compose_port_release(struct compose_port *port)
{
	free(port->protocol);
}

void compose_reference_release(struct compose_reference *reference)
{
	free(reference->source);
	free(reference->target);
}

void compose_pair_release(struct compose_pair *pair)
{
	free(pair->key);
	free(pair->value);
}

static void release_pairs(struct compose_pair *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		compose_pair_release(&pairs[i]);
	free(pairs);
}

static void release_texts(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

static void release_references(struct compose_reference *references, size_t count)
{
	for (size_t i = 0; i < count; i++)
		compose_reference_release(&references[i]);
	free(references);
}

void compose_named_release(struct compose_named *named)
{
	free(named->key);
	free(named->name);
	free(named->driver);
	free(named->template_driver);
	free(named->source_file);
	release_pairs(named->driver_opts, named->driver_opt_count);
}

static void release_list(struct compose_named *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		compose_named_release(&list[i]);
	free(list);
}

void compose_service_release(struct compose_service *service)
{
	free(service->name);
	free(service->image);
	free(service->file);
	free(service->check);
	free(service->mode_word);
	free(service->restart);
	free(service->log_driver);
	free(service->credential_spec);
	free(service->update_order);
	free(service->cpu_limit);
	free(service->cpu_reservation);
	for (size_t i = 0; i < service->mount_count; i++)
		compose_mount_release(&service->mounts[i]);
	free(service->mounts);
	for (size_t i = 0; i < service->port_count; i++)
		compose_port_release(&service->ports[i]);
	free(service->ports);
	release_references(service->secrets, service->secret_count);
	release_references(service->configs, service->config_count);
	release_texts(service->networks, service->network_count);
	release_texts(service->env_files, service->env_file_count);
	release_texts(service->cap_add, service->cap_add_count);
	release_texts(service->constraints, service->constraint_count);
	release_texts(service->ignored, service->ignored_count);
	release_pairs(service->deploy_labels, service->deploy_label_count);
	release_pairs(service->extensions, service->extension_count);
}

void compose_model_release(struct compose_model *model)
{
	for (size_t i = 0; i < model->service_count; i++)
		compose_service_release(&model->services[i]);
	free(model->services);
	release_list(model->secrets, model->secret_count);
	release_list(model->configs, model->config_count);
	release_list(model->volumes, model->volume_count);
	release_list(model->networks, model->network_count);
	free(model->version);
	free(model->timeout);
	*model = (struct compose_model){0};
}
