/*
 * The stories: one subscriber that asks for everything and remembers it. Which event belongs to
 * which story its correlationid says, which one caused it its causationid; the parts wrote neither.
 *
 * It reads what anybody outside the process would read, CloudEvents JSON, and of the data only
 * what it likes to tell. Commands are no events, but what became of one is: an event of the
 * library's own, like a dead letter, that tells of the command.
 */
#include "events.h"
#include "parts.h"

#include <stdlib.h>
#include <unistd.h>

/* clang-format off */
#define ATTEMPT(FIELD, OBJECT, LIST, OBJECTS)
TD_STRUCT(attempt, ATTEMPT)

#define COMMAND(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT,     id,            REQUIRED) \
	FIELD(TEXT,     type,          REQUIRED) \
	FIELD(TIME,     time,          REQUIRED) \
	FIELD(TEXT,     causationid,   OPTIONAL)
TD_STRUCT(command, COMMAND)

#define DATA(FIELD, OBJECT, LIST, OBJECTS) \
	OBJECT(order,   order,         OPTIONAL) \
	FIELD(TEXT,     pizza,         OPTIONAL) \
	FIELD(TEXT,     reason,        OPTIONAL) \
	FIELD(TEXT,     text,          OPTIONAL) \
	FIELD(INTEGER,  points,        OPTIONAL) \
	FIELD(INTEGER,  attempt,       OPTIONAL) \
	FIELD(TEXT,     subscription,  OPTIONAL) \
	OBJECTS(attempt, attempts,     OPTIONAL) \
	OBJECT(command, command,       OPTIONAL)
TD_STRUCT(data, DATA)

#define TOLD(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT,     id,            REQUIRED) \
	FIELD(TEXT,     type,          REQUIRED) \
	FIELD(TIME,     time,          REQUIRED) \
	FIELD(TEXT,     subject,       REQUIRED) \
	FIELD(TEXT,     correlationid, REQUIRED) \
	FIELD(TEXT,     causationid,   OPTIONAL) \
	OBJECT(data,    data,          REQUIRED)
TD_STRUCT(told, TOLD)
/* clang-format on */

struct node {
	struct told *told;
	struct td_text story, id, cause, type;
	td_time time;
};

struct stories {
	struct node *nodes;
	size_t count, room;
};

/* --- listening ---------------------------------------------------------------------------- */

static bool make_room(struct stories *stories)
{
	size_t room = stories->room == 0 ? 64 : 2 * stories->room;
	struct node *nodes;

	if (stories->count < stories->room)
		return true;
	nodes = realloc(stories->nodes, room * sizeof(*nodes));
	if (nodes == NULL)
		return false;
	stories->nodes = nodes;
	stories->room = room;
	return true;
}

static int hear(const struct td_event *event, struct td_context *context, void *arg)
{
	struct stories *stories = arg;
	struct td_error err = TD_ERROR_INIT;
	struct td_bytes json = TD_BYTES_INIT;
	struct told *told = NULL;
	int code = td_event_to_json(event, &json, &err);

	if (code == 0)
		code = told_decode(td_text_of(json.at, json.len), &told, &err);
	td_bytes_fini(&json);
	if (code == 0 && !make_room(stories)) {
		td_object_free(told);
		return TD_E_NOMEM;
	}
	if (code != 0)
		return td_fail(context, TD_SKIP, "%s", err.text);

	struct node node = {
		told, told->correlationid, told->id, told->causationid, told->type, told->time};
	if (told->data.has_command) { /* it stands for the command it tells of */
		node.id = told->data.command.id;
		node.cause = told->data.command.causationid;
		node.type = told->data.command.type;
		node.time = told->data.command.time;
	}
	stories->nodes[stories->count++] = node;
	return 0;
}

int stories_open(struct stories **out, struct td *td, struct td_error *err)
{
	const char *const types[] = {
		order_placed_type.name,
		payment_received_type.name,
		payment_declined_type.name,
		payment_refunded_type.name,
		order_cancelled_type.name,
		pizza_baked_type.name,
		order_handed_over_type.name,
		order_delivered_type.name,
		points_granted_type.name,
		complaint_opened_type.name,
		mail_sent_type.name,
		TD_DEAD_LETTER,
		TD_COMMAND_DONE,
		TD_COMMAND_REFUSED,
	};
	struct td_interest interest = {
		.name = "stories",
		.types = types,
		.types_count = sizeof(types) / sizeof(types[0]),
		.order = TD_ORDER_ALL,
		.queue_max = 1 << 20,
	};
	struct stories *stories = calloc(1, sizeof(*stories));
	int code = TD_E_NOMEM;

	if (stories != NULL)
		code = td_subscribe(td, &interest, hear, stories, NULL, err);
	if (code != 0)
		free(stories);
	else
		*out = stories;
	return code;
}

void stories_free(struct stories *stories)
{
	if (stories == NULL)
		return;
	for (size_t i = 0; i < stories->count; i++)
		td_object_free(stories->nodes[i].told);
	free(stories->nodes);
	free(stories);
}

/* --- telling ------------------------------------------------------------------------------ */

static int compare_text(struct td_text a, struct td_text b)
{
	int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* A story has the id of its first event, and ids are UUIDv7: by story, and in each by time. */
static int compare(const void *left, const void *right)
{
	const struct node *a = left, *b = right;
	int order = compare_text(a->story, b->story);

	if (order == 0)
		order = (a->time > b->time) - (a->time < b->time);
	return order != 0 ? order : compare_text(a->id, b->id);
}

/* The nodes of one story, of which the first caused all others in the end. */
struct story {
	const struct node *nodes;
	size_t count;
	bool colours;
};

static const struct node *cause_of(const struct story *story, const struct node *node)
{
	for (size_t i = 0; i < story->count; i++) {
		if (td_text_equal(story->nodes[i].id, node->cause))
			return &story->nodes[i];
	}
	return node == story->nodes ? NULL : story->nodes;
}

static bool is_sad(const struct node *node)
{
	return td_text_is(node->type, payment_declined_type.name) ||
	       td_text_is(node->type, order_cancelled_type.name) ||
	       td_text_is(node->type, TD_DEAD_LETTER) ||
	       td_text_is(node->told->type, TD_COMMAND_REFUSED);
}

struct name {
	char text[64];
	int columns;
};

static struct name name_of(const struct node *node)
{
	const struct data *data = &node->told->data;
	struct name name;

	if (data->has_subscription)
		name.columns = snprintf(name.text, sizeof(name.text), "%.*s gave up",
			TD_TEXT_ARG(data->subscription));
	else
		name.columns =
			snprintf(name.text, sizeof(name.text), "%.*s", TD_TEXT_ARG(node->type));
	return name;
}

static void print_order(const struct node *node)
{
	const struct order *order = &node->told->data.order;
	bool placed = td_text_is(node->type, order_placed_type.name);

	if (placed) {
		for (size_t i = 0; i < order->pizzas.count; i++)
			printf("%d %.*s, ", (int)order->pizzas.at[i].count,
				TD_TEXT_ARG(order->pizzas.at[i].name));
	}
	if (placed || td_text_is(node->type, payment_received_type.name) ||
		td_text_is(node->type, payment_refunded_type.name))
		printf("%d.%02d", (int)order->cents / 100, (int)order->cents % 100);
	else
		printf("to %.*s", TD_TEXT_ARG(order->customer));
}

/* What of its data is worth a word. */
static void print_data(const struct node *node)
{
	const struct data *data = &node->told->data;

	if (data->has_subscription)
		printf("%zu attempts: ", data->attempts.count);
	else if (data->has_command)
		printf(data->has_reason ? "command: " : "command, done");
	else if (data->has_order && !data->has_pizza && !data->has_reason)
		print_order(node);
	printf("%.*s%.*s", TD_TEXT_ARG(data->pizza), TD_TEXT_ARG(data->reason));
	if (data->has_text)
		printf("\"%.*s\"", TD_TEXT_ARG(data->text));
	if (data->has_points)
		printf("%d", (int)data->points);
	if (data->has_attempt && data->attempt > 1)
		printf(", at attempt %d", (int)data->attempt);
	printf("\n");
}

/* --- as trees ----------------------------------------------------------------------------- */

#define TREE_COLUMNS 33

static void draw(const struct story *story, const struct node *node, const char *branch, int depth)
{
	bool sad = is_sad(node), colours = story->colours;
	struct name name = name_of(node);
	int columns = 3 * depth + (sad ? 2 : 0) + name.columns;

	printf("%s%7.2f ms  %s%s", colours ? "\033[2m" : "",
		(double)(node->time - story->nodes->time) / 1e6, branch, colours ? "\033[0m" : "");
	printf("%s%s%s%s%*s", colours && sad ? "\033[31m" : "", sad ? "✗ " : "", name.text,
		colours && sad ? "\033[0m" : "", TREE_COLUMNS - columns, "");
	print_data(node);
}

static void draw_effects(
	const struct story *story, const struct node *cause, const char *indent, int depth)
{
	const struct node *next = NULL;
	char line[512];

	for (size_t i = 0; i <= story->count; i++) {
		const struct node *node = i < story->count ? &story->nodes[i] : NULL;

		if (node != NULL && cause_of(story, node) != cause)
			continue;
		/* One behind: only at the next effect, or the end, is it known which is the last.
		 */
		if (next != NULL) {
			snprintf(line, sizeof(line), "%.500s%s", indent,
				node != NULL ? "├─ " : "└─ ");
			draw(story, next, line, depth);
			snprintf(line, sizeof(line), "%.500s%s", indent,
				node != NULL ? "│  " : "   ");
			draw_effects(story, next, line, depth + 1);
		}
		next = node;
	}
}

static void draw_story(const struct story *story)
{
	const struct told *root = story->nodes->told;

	printf("\n%s%.*s, %.*s%s\n", story->colours ? "\033[1m" : "",
		TD_TEXT_ARG(root->data.order.customer), TD_TEXT_ARG(root->subject),
		story->colours ? "\033[0m" : "");
	draw(story, story->nodes, "", 0);
	draw_effects(story, story->nodes, "", 1);
}

/* --- as lines ----------------------------------------------------------------------------- */

static void print_causes(const struct story *story, const struct node *node)
{
	const struct node *cause = cause_of(story, node);

	if (cause != NULL) {
		print_causes(story, cause);
		printf(" > ");
	}
	printf("%s", name_of(node).text);
}

static void print_story(const struct story *story)
{
	for (size_t i = 0; i < story->count; i++) {
		printf("%.*s: ", TD_TEXT_ARG(story->nodes->told->subject));
		print_causes(story, &story->nodes[i]);
		printf(": ");
		print_data(&story->nodes[i]);
	}
}

void stories_tell(struct stories *stories, bool as_trees)
{
	struct story story = {.colours = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL};

	if (stories->count > 0)
		qsort(stories->nodes, stories->count, sizeof(stories->nodes[0]), compare);
	for (size_t i = 0; i < stories->count; i += story.count) {
		story.nodes = &stories->nodes[i];
		for (story.count = 1; i + story.count < stories->count; story.count++) {
			if (!td_text_equal(story.nodes[story.count].story, story.nodes->story))
				break;
		}
		if (as_trees)
			draw_story(&story);
		else
			print_story(&story);
	}
}

size_t stories_count(const struct stories *stories, const char *type)
{
	size_t count = 0;

	for (size_t i = 0; i < stories->count; i++)
		count += td_text_is(stories->nodes[i].type, type);
	return count;
}
