#include "server/settings_inside.h"

void td_settings_origin(
	const struct td_settings *settings, enum td_setting_id id, struct td_buf *buf)
{
	const struct td_setting_value *value = &settings->values[id];
	char name[TD_SETTING_NAME_BYTES];

	switch (value->origin) {
	case TD_FROM_DEFAULT:
		td_buf_add_string(buf, "default");
		return;
	case TD_FROM_FILE:
		td_buf_printf(buf, "%s:%zu", settings->file_name, value->line);
		return;
	case TD_FROM_ENVIRONMENT:
		td_buf_add_string(buf, td_setting_environment(&td_setting_table[id], name));
		return;
	case TD_FROM_FLAG:
		td_buf_printf(buf, "--%s", td_setting_table[id].name);
		return;
	}
}

static void write_value(
	const struct td_setting *setting, const struct td_setting_value *value, struct td_buf *buf)
{
	if (!value->set)
		td_buf_add_string(buf, "# ");
	td_buf_printf(buf, "%s =", setting->name);
	if (value->set && value->text.len > 0) {
		td_buf_add_char(buf, ' ');
		td_buf_add_text(buf, value->text);
	}
	td_buf_add_char(buf, '\n');
}

static void write_log(const struct td_log_section *log, struct td_buf *buf)
{
	td_buf_printf(buf, "\n[log %.*s]\n", TD_TEXT_ARG(log->name));
	for (size_t i = 0; i < TD_LOG_SETTINGS; i++)
		write_value(&td_log_setting_table[i], &log->values[i], buf);
}

void td_settings_write(const struct td_settings *settings, bool origins, struct td_buf *buf)
{
	for (size_t i = 0; i < TD_SETTINGS; i++) {
		const struct td_setting *setting = &td_setting_table[i];

		if (setting->when == TD_SETTING_START)
			continue;
		if (origins && settings->values[i].set) {
			td_buf_add_string(buf, "# ");
			td_settings_origin(settings, (enum td_setting_id)i, buf);
			td_buf_add_char(buf, '\n');
		}
		write_value(setting, &settings->values[i], buf);
	}
	for (size_t i = 0; i < settings->logs_count; i++)
		write_log(&settings->logs[i], buf);
}

/* --- rules between settings --------------------------------------------------------------- */

static int refuse(struct td_error *err, const char *what)
{
	return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "%s", what);
}

static bool is_set(const struct td_settings *settings, enum td_setting_id id)
{
	return settings->values[id].set;
}

int td_settings_check_at(const struct td_settings *settings, const struct td_net_address *address,
	struct td_error *err)
{
	char text[TD_NET_ADDRESS_BYTES];

	if (td_net_address_is_loopback(address))
		return 0;
	if (!is_set(settings, TD_SET_USERS))
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"--http %s: others than this machine can reach it, and everybody may do "
			"everything: give --users FILE, or listen on 127.0.0.1",
			td_net_address_format(address, text));
	if (!is_set(settings, TD_SET_TLS_CERT) && !td_settings_switch(settings, TD_SET_INSECURE))
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"--http %s: passwords and tokens would cross the network in the clear: "
			"give "
			"--tls-cert FILE and --tls-key FILE, or --insecure behind a proxy that "
			"does TLS",
			td_net_address_format(address, text));
	return 0;
}

int td_settings_check(const struct td_settings *settings, struct td_error *err)
{
	struct td_net_address http = td_settings_address(settings, TD_SET_HTTP);

	if (is_set(settings, TD_SET_TLS_CERT) != is_set(settings, TD_SET_TLS_KEY))
		return refuse(
			err, is_set(settings, TD_SET_TLS_CERT)
				     ? "tls-cert: it takes its key, too: --tls-key FILE"
				     : "tls-key: it takes its certificate, too: --tls-cert FILE");
	if (is_set(settings, TD_SET_TLS_CLIENT_CA) && !is_set(settings, TD_SET_TLS_CERT))
		return refuse(err, "tls-client-ca: it takes TLS: --tls-cert FILE, --tls-key FILE");
	if (td_settings_switch(settings, TD_SET_TLS_CLIENT_REQUIRED) &&
		!is_set(settings, TD_SET_TLS_CLIENT_CA))
		return refuse(err, "tls-client-required: it takes --tls-client-ca FILE");
	if (td_settings_number(settings, TD_SET_SEGMENT_BYTES_MAX) % TD_DISK_ALIGN != 0)
		return refuse(err, "segment-bytes-max: it takes a multiple of 4KiB");
	return td_settings_check_at(settings, &http, err);
}

/* --- two of them -------------------------------------------------------------------------- */

static bool same_value(const struct td_setting_value *a, const struct td_setting_value *b)
{
	return a->set == b->set && (!a->set || td_text_equal(a->text, b->text));
}

static bool same_log(const struct td_log_section *a, const struct td_log_section *b)
{
	if (!td_text_equal(a->name, b->name))
		return false;
	for (size_t i = 0; i < TD_LOG_SETTINGS; i++) {
		if (!same_value(&a->values[i], &b->values[i]))
			return false;
	}
	return true;
}

static const struct td_log_section *find_log(
	const struct td_settings *settings, struct td_text name)
{
	for (size_t i = 0; i < settings->logs_count; i++) {
		if (td_text_equal(settings->logs[i].name, name))
			return &settings->logs[i];
	}
	return NULL;
}

static size_t compare_logs(const struct td_settings *old, const struct td_settings *now)
{
	size_t differ = 0;

	for (size_t i = 0; i < now->logs_count; i++) {
		const struct td_log_section *was = find_log(old, now->logs[i].name);

		differ += was == NULL || !same_log(was, &now->logs[i]);
	}
	for (size_t i = 0; i < old->logs_count; i++)
		differ += find_log(now, old->logs[i].name) == NULL;
	return differ;
}

size_t td_settings_compare(
	const struct td_settings *old, const struct td_settings *now, struct td_buf *restart)
{
	size_t differ = 0;

	for (size_t i = 0; i < TD_SETTINGS; i++) {
		if (td_setting_table[i].when == TD_SETTING_START ||
			same_value(&old->values[i], &now->values[i]))
			continue;
		differ++;
		if (td_setting_table[i].when == TD_SETTING_RESTART)
			td_buf_printf(restart, "%s%s", restart->len > 0 ? ", " : "",
				td_setting_table[i].name);
	}
	return differ + compare_logs(old, now);
}
