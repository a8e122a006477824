/* What was opened: an event, the events of a type or an edge, a story. Each has a link of its own. */

import * as api from "/page/api.js";
import { storyOf } from "/page/json.js";
import { clock, element, ms, short } from "/page/words.js";

const panel = document.getElementById("panel");
const title = document.getElementById("panel-title");
const body = document.getElementById("panel-body");
let opened = 0, from = null;

export function go(parameters) {
	from = document.activeElement;
	location.hash = new URLSearchParams(parameters).toString();
}

function link(text, parameters) {
	const button = element("button", { type: "button", className: "plain" }, text);

	button.addEventListener("click", () => go(parameters));
	return button;
}

function shell(command) {
	return element("p", { className: "shell" }, "The same in the shell: ", element("code", {}, command));
}

/* For a shell that runs it: nothing in it means anything there. */
function quoted(text) {
	return /^[\w.:/@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/* --- an event ----------------------------------------------------------------------------- */

function attributesOf(event) {
	const list = element("dl");

	for (const [name, value] of event.attributes) {
		const shown = name === "causationid" ? link(value, { id: value }) : short(value, 2000);

		list.append(element("dt", {}, name), element("dd", {}, shown));
	}
	return list;
}

function showEvent(event) {
	const data = event.data ?? "";
	const cut = data.length > 65536;

	title.textContent = short(event.get("type") ?? "An event", 200);
	return [
		element("p", {}, link("Its story", { story: storyOf(event) })),
		attributesOf(event),
		element("h3", {}, "Data"),
		data === "" ? element("p", { className: "note" }, "It has none.") : element("pre", { tabIndex: 0 }, cut ? data.slice(0, 65536) : data),
		cut ? element("p", { className: "note" }, `${data.length} characters, cut here.`) : "",
		shell(`tidings show ${quoted(event.get("id") ?? "")}`),
	];
}

/* --- lists -------------------------------------------------------------------------------- */

function lineOf(event) {
	const line = element("li", {}, link(short(event.get("type") ?? "", 60), { at: event.position }));

	line.append(` ${short(event.get("subject") ?? "", 60)} `, element("span", { className: "after" }, clock(event.get("recordedtime") ?? event.get("time"))));
	return line;
}

function listOf(events) {
	if (events.length === 0)
		return element("p", { className: "note" }, "None of them is here any more.");
	return element("ul", { className: "tree" }, ...events.map(lineOf));
}

async function showType(type) {
	const { events } = await api.events({ type, direction: "backward", limit: 20 });

	title.textContent = `Newest of ${short(type, 200)}`;
	return [listOf(events), shell(`tidings read --type ${quoted(type)}`)];
}

async function showEdge(positions, cause, effect) {
	const events = await Promise.all(positions.map((position) => api.eventAt(position)));

	title.textContent = `${short(cause, 100)} → ${short(effect, 100)}`;
	return [element("p", { className: "note" }, "The newest effects:"), listOf(events.filter(Boolean))];
}

/* --- a story ------------------------------------------------------------------------------ */

const DEEP = 24; /* below that it is said in digits */

const causes = {
	missing: "its cause is not here",
	elsewhere: "its cause is not on this page",
	cycle: "its causes lead in a circle",
};

function storyLine(event) {
	const line = element("li", {}, link(short(event.type, 60), { at: event.position }));
	const words = [event.after_ms === null ? clock(event.recordedtime) : `+${ms(event.after_ms)}`];

	if (causes[event.cause])
		words.push(causes[event.cause]);
	if (event.depth > DEEP)
		words.push(`${event.depth} deep`);
	line.append(` ${short(event.subject, 60)}@${event.revision} `, element("span", { className: "after" }, words.join(", ")));
	return line;
}

function treeOf(events) {
	const root = element("ul", { className: "tree" });
	const lists = []; /* of each event, that of what it caused */

	events.forEach((event, i) => {
		const line = storyLine(event);
		const parent = event.parent === null ? null : lists[event.parent];

		if (parent === null) {
			root.append(line);
		} else {
			parent.list ??= parent.line.appendChild(element("ul"));
			parent.list.append(line);
		}
		lists[i] = event.depth < DEEP ? { line } : { line, list: parent?.list ?? root };
	});
	return root;
}

async function showStory(id) {
	const story = await api.story(id);
	const parts = [element("p", { className: "note" }, `${story.count}${story.next ? " and more" : ""} events`), treeOf(story.events)];

	title.textContent = `Story ${short(id, 100)}`;
	if (story.count === 0)
		parts[1] = element("p", { className: "note" }, "Nothing is known of it.");
	if (story.next)
		parts.push(more(id, story.next));
	return [...parts, shell(`tidings story ${quoted(id)}`)];
}

function more(id, from) {
	const button = element("button", { type: "button" }, "Go on");

	button.addEventListener("click", async () => {
		const story = await api.story(id, from);
		const parts = [treeOf(story.events)];

		if (story.next)
			parts.push(more(id, story.next));
		button.replaceWith(...parts);
	});
	return button;
}

/* --- opening ------------------------------------------------------------------------------ */

async function contentOf(parameters) {
	const at = parameters.get("at"), id = parameters.get("id");

	if (parameters.has("story"))
		return showStory(parameters.get("story"));
	if (parameters.has("type"))
		return showType(parameters.get("type"));
	if (parameters.has("edge"))
		return showEdge(parameters.getAll("edge")[0].split(",").filter(Boolean), parameters.get("from") ?? "", parameters.get("to") ?? "");
	const event = at !== null ? await api.eventAt(at) : await api.eventById(id ?? "");

	if (event === undefined)
		throw new Error("This event is not here any more.");
	return showEvent(event);
}

export async function open() {
	const parameters = new URLSearchParams(location.hash.slice(1));
	const mine = ++opened;

	if (!["story", "type", "edge", "at", "id"].some((name) => parameters.has(name))) {
		panel.hidden = true;
		body.replaceChildren();
		if (from?.isConnected)
			from.focus();
		return;
	}
	let content;

	try {
		content = await contentOf(parameters);
	} catch (error) {
		content = [element("p", {}, error.message)];
		title.textContent = "Not found";
	}
	if (mine !== opened)
		return; /* another was opened meanwhile */
	body.replaceChildren(...content);
	panel.hidden = false;
	title.focus();
}

export function close() {
	history.replaceState(null, "", location.pathname);
	open();
}
