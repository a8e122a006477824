/*
 * The live page: events as they pass, the map of who causes what, and what is opened of them. It speaks
 * the public HTTP API, like anyone else.
 */

import * as api from "/page/api.js";
import { mapIn } from "/page/map.js";
import { close, go, open } from "/page/panel.js";
import { clock, element, ms, percent, short } from "/page/words.js";

const $ = (id) => document.getElementById(id);
const KEPT = 40;

/* --- words at the top --------------------------------------------------------------------- */

function say(live, words) {
	$("state").dataset.live = live ? "yes" : "no";
	if ($("state").textContent !== words)
		$("state").textContent = words;
}

function alarm(words) {
	$("alert").hidden = words === "";
	if ($("alert").textContent !== words)
		$("alert").textContent = words;
}

/* --- events ------------------------------------------------------------------------------- */

let newest = [], waiting = 0, seen = 0, announced = 0, due = false;

function paused() {
	const table = $("rows");

	return $("pause").getAttribute("aria-pressed") === "true" || table.matches(":hover") || table.contains(document.activeElement);
}

function newRow() {
	const cells = Array.from({ length: 5 }, () => element("td"));
	const button = element("button", { type: "button", className: "plain" });
	const row = element("tr", {}, ...cells);

	button.addEventListener("click", () => go({ at: row.event.position }));
	cells[1].append(button);
	cells[4].className = "data";
	row.show = (event) => {
		row.event = event;
		cells[0].textContent = clock(event.get("recordedtime") ?? event.get("time"));
		button.textContent = short(event.get("type") ?? "", 60) || "(no type)";
		cells[2].textContent = short(event.get("subject") ?? "", 60);
		cells[3].textContent = short(event.get("source") ?? "", 40);
		cells[4].textContent = short((event.data ?? "").slice(0, 120), 120);
	};
	return row;
}

function countWords() {
	if (waiting > 0 && paused())
		return `${waiting} new, shown when you go on`;
	return seen > 0 ? `${seen} since this page was opened` : "";
}

/* Rows are used again and again, a few times a second at most, and stand still under hand and focus. */
function render() {
	due = false;
	$("count").textContent = countWords();
	if (paused())
		return;
	waiting = 0;
	$("empty").hidden = newest.length > 0;
	while ($("rows").childElementCount < newest.length)
		$("rows").append(newRow());
	newest.forEach((event, i) => $("rows").children[i].show(event));
	$("count").textContent = countWords();
}

function renderSoon() {
	if (due)
		return;
	due = true;
	setTimeout(() => requestAnimationFrame(render), 200);
}

function told(event) {
	newest.unshift(event);
	newest.length = Math.min(newest.length, KEPT);
	seen++;
	waiting++;
	renderSoon();
}

/* For who does not see the rows: a number now and then. */
function announce() {
	if (seen > announced)
		$("news").textContent = `${seen - announced} new events`;
	announced = seen;
}

/* --- the map ------------------------------------------------------------------------------ */

const showMap = mapIn($("map"), {
	openType: (type) => {
		if (type.kind !== "other" && type.kind !== "older")
			go({ type: type.type });
	},
	openEdge: (edge) => go({ edge: edge.latest.join(","), from: edge.from_type, to: edge.to_type }),
});

function tableRow(edge) {
	const button = element("button", { type: "button", className: "plain" }, short(edge.to_type, 60));

	button.addEventListener("click", () => go({ edge: edge.latest.join(","), from: edge.from_type, to: edge.to_type }));
	return element("tr", {}, element("td", {}, short(edge.from_type, 60)), element("td", {}, button), ...[edge.count, percent(edge.share), ms(edge.p50_ms), ms(edge.p99_ms)].map((value) => element("td", {}, String(value))));
}

async function look() {
	try {
		const map = await api.flow($("window").value);

		$("map-note").textContent = showMap(map);
		if (!$("map-rows").contains(document.activeElement))
			$("map-rows").replaceChildren(...map.edges.map(tableRow));
		alarm("");
	} catch (error) {
		alarm(`The map could not be had: ${error.message}`);
	}
}

/* --- begin -------------------------------------------------------------------------------- */

let stop = null, timers = [];

async function begin() {
	const mine = (stop = new AbortController());
	let position;

	while (!mine.signal.aborted) {
		try {
			const first = await api.events({ limit: KEPT, direction: "backward" });

			newest = first.events;
			position = first.position;
			break;
		} catch (error) {
			say(false, `not connected: ${error.message}`);
			await new Promise((resolve) => setTimeout(resolve, 2000));
		}
	}
	renderSoon();
	look();
	timers = [setInterval(look, 2000), setInterval(announce, 10000)];
	await api.follow(position, {
		told,
		signal: mine.signal,
		gap: () => alarm("Events came faster than this page could take them; some are not shown."),
		state: (live, why) => say(live, live ? "live" : `reconnecting${why ? `: ${why}` : ""}`),
	});
}

/* A page that nobody sees holds no connection: a browser has six. */
function end() {
	stop?.abort();
	timers.forEach(clearInterval);
	say(false, "resting while hidden");
}

$("try").textContent = `curl -H 'Content-Type: application/json' -H 'ce-type: OrderPlaced' -H 'ce-subject: order.42' -d '{"pizza":"Margherita"}' ${location.origin}/v1/events`;
$("pause").addEventListener("click", () => {
	const on = $("pause").getAttribute("aria-pressed") !== "true";

	$("pause").setAttribute("aria-pressed", String(on));
	renderSoon();
});
$("rows").addEventListener("mouseleave", renderSoon);
$("rows").addEventListener("focusout", renderSoon);
$("window").addEventListener("change", look);
$("close").addEventListener("click", close);
addEventListener("hashchange", open);
addEventListener("keydown", (event) => {
	if (event.key === "Escape" && !$("panel").hidden)
		close();
});
document.addEventListener("visibilitychange", () => (document.hidden ? end() : begin()));
open();
if (!document.hidden)
	begin();
