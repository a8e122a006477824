/*
 * The map, drawn. Types stand in layers from left to right, as far as what they cause allows; where
 * causes go round in a circle, one edge of it leads back. Layout is done again only when the set of
 * types or edges changes; else widths and words change, and nothing moves.
 */

import { ms, percent, rate, short } from "/page/words.js";

const BOX_WIDTH = 170, BOX_HEIGHT = 44, GAP_X = 120, GAP_Y = 28, EDGE = 24, SHOWN_MAX = 150, SMALLEST = 0.7;

/* --- layout ------------------------------------------------------------------------------- */

function leadsFrom(count, edges) {
	const away = Array.from({ length: count }, () => []);

	for (const edge of edges)
		away[edge.from].push(edge);
	return away;
}

/* Edges that lead back to what they came from; found without recursion, types may be many. */
function backEdges(count, away) {
	const back = new Set(), state = new Array(count).fill(0);

	for (let root = 0; root < count; root++) {
		const stack = state[root] === 0 ? [[root, 0]] : [];

		while (stack.length > 0) {
			const top = stack[stack.length - 1], edge = away[top[0]][top[1]++];

			state[top[0]] = 1;
			if (edge === undefined) {
				state[top[0]] = 2;
				stack.pop();
			} else if (state[edge.to] === 1) {
				back.add(edge);
			} else if (state[edge.to] === 0) {
				stack.push([edge.to, 0]);
			}
		}
	}
	return back;
}

/* How far to the right: behind all causes. */
function layersOf(count, edges, back) {
	const layer = new Array(count).fill(0);
	const forward = edges.filter((edge) => !back.has(edge));

	for (let changed = true, i = 0; changed && i <= count; i++) {
		changed = false;
		for (const edge of forward) {
			if (layer[edge.to] <= layer[edge.from]) {
				layer[edge.to] = layer[edge.from] + 1;
				changed = true;
			}
		}
	}
	return layer;
}

/* Within each layer next to their causes, as seen from above. */
function rowsOf(layer, edges, back) {
	const layers = [], row = [];

	layer.forEach((l, i) => (layers[l] ??= []).push(i));
	const settle = () => layers.forEach((members) => members.forEach((i, at) => (row[i] = at)));

	settle();
	for (let sweep = 0; sweep < 4; sweep++) {
		for (const members of layers) {
			const middle = new Map();

			for (const i of members) {
				const beside = edges
					.filter((edge) => !back.has(edge) && (edge.to === i || (sweep % 2 === 1 && edge.from === i)))
					.map((edge) => row[edge.to === i ? edge.from : edge.to]);

				middle.set(i, beside.length > 0 ? beside.reduce((a, b) => a + b) / beside.length : row[i]);
			}
			members.sort((a, b) => middle.get(a) - middle.get(b) || a - b);
		}
		settle();
	}
	return { row, layers };
}

function layout(types, edges) {
	const away = leadsFrom(types.length, edges), back = backEdges(types.length, away);
	const layer = layersOf(types.length, edges, back);
	const { row, layers } = rowsOf(layer, edges, back);
	const tallest = Math.max(...layers.map((members) => members.length));
	const boxes = types.map((_, i) => ({
		x: 16 + layer[i] * (BOX_WIDTH + GAP_X),
		y: 16 + (row[i] + (tallest - layers[layer[i]].length) / 2) * (BOX_HEIGHT + GAP_Y),
	}));

	return {
		boxes,
		width: 32 + layers.length * (BOX_WIDTH + GAP_X) - GAP_X,
		height: 32 + tallest * (BOX_HEIGHT + GAP_Y) - (back.size > 0 ? 0 : GAP_Y),
	};
}

/* --- drawing ------------------------------------------------------------------------------ */

function draw(name, attributes, ...children) {
	const element = document.createElementNS("http://www.w3.org/2000/svg", name);

	for (const [key, value] of Object.entries(attributes))
		element.setAttribute(key, value);
	element.append(...children);
	return element;
}

function button(attributes, open, ...children) {
	const element = draw("g", { role: "button", tabindex: "0", ...attributes }, ...children);

	element.addEventListener("click", open);
	element.addEventListener("keydown", (event) => {
		if (event.key === "Enter" || event.key === " ") {
			event.preventDefault();
			open();
		}
	});
	return element;
}

/* From the right of one box to the left of another; round below where it leads back. */
function curve(from, to) {
	const x1 = from.x + BOX_WIDTH, y1 = from.y + BOX_HEIGHT / 2;
	const x2 = to.x - 4, y2 = to.y + BOX_HEIGHT / 2;

	if (x2 > x1) {
		const bend = Math.max(40, (x2 - x1) / 2);

		return {
			path: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`,
			x: (x1 + x2) / 2,
			y: (y1 + y2) / 2,
		};
	}
	const low = Math.max(y1, y2) + BOX_HEIGHT / 2 + GAP_Y / 2;

	return {
		path: `M${x1} ${y1}C${x1 + 60} ${low + 20} ${x2 - 60} ${low + 20} ${x2} ${y2}`,
		x: (x1 + x2) / 2,
		y: low,
	};
}

function edgeWords(edge) {
	return [percent(edge.share), ms(edge.p50_ms)].filter(Boolean).join(" · ") || `${edge.count}`;
}

function edgeSentence(edge) {
	const how = edge.by === "trace" ? "is followed in its trace by" : "causes";

	return `${short(edge.from_type, 200)} ${how} ${short(edge.to_type, 200)}, ${edge.count} times: ${edgeWords(edge)}`;
}

function drawEdge(edge, boxes, open) {
	const line = curve(boxes[edge.from], boxes[edge.to]);
	const path = draw("path", { class: "line", d: line.path, "marker-end": "url(#arrow)" });
	const label = draw("rect", { class: "label", rx: 4, height: EDGE, y: line.y - EDGE / 2 });
	const text = draw("text", { class: "small", x: line.x, y: line.y + 4, "text-anchor": "middle" });
	const group = button({ class: edge.by === "trace" ? "edge traced" : "edge" }, () => open(group.edge), path, label, text);

	group.update = (now) => {
		const words = edgeWords(now), width = Math.max(EDGE, words.length * 6.2 + 10);

		group.edge = now;
		text.textContent = words;
		label.setAttribute("x", line.x - width / 2);
		label.setAttribute("width", width);
		path.setAttribute("stroke-width", Math.min(6, 1.2 + Math.log10(1 + now.count)));
		group.setAttribute("aria-label", edgeSentence(now));
	};
	group.update(edge);
	return group;
}

function drawType(type, box, open) {
	const rect = draw("rect", { class: "box", x: box.x, y: box.y, width: BOX_WIDTH, height: BOX_HEIGHT, rx: type.kind === "command" ? 22 : 6 });
	const shown = short(type.type, 22), whole = short(type.type, 1000);
	const name = draw("text", { x: box.x + 10, y: box.y + 18 }, shown);
	const words = draw("text", { class: "small", x: box.x + 10, y: box.y + 34 });
	const group = button({ class: type.kind }, () => open(group.type), rect, name, " ", words);

	group.update = (now) => {
		group.type = now;
		words.textContent = now.kind === "older" ? `${now.count} effects` : `${now.count} · ${rate(now.rate)}`;
		group.setAttribute("aria-label", `${shown} ${words.textContent}${shown === whole ? "" : `, ${whole}`}, ${now.kind}`);
	};
	group.update(type);
	return group;
}

/* Arrows go along: right from a type to its effects, left to its causes, up and down the types. */
function walk(event, nodes, lines) {
	const here = event.target.closest("[role=button]");
	const type = nodes.indexOf(here), edge = lines.indexOf(here);
	let to;

	if (type >= 0) {
		to = {
			ArrowRight: () => lines.find((line) => line.edge.from === type),
			ArrowLeft: () => lines.find((line) => line.edge.to === type),
			ArrowDown: () => nodes[type + 1],
			ArrowUp: () => nodes[type - 1],
		}[event.key]?.();
	} else if (edge >= 0) {
		to = {
			ArrowRight: () => nodes[here.edge.to],
			ArrowLeft: () => nodes[here.edge.from],
			ArrowDown: () => lines[edge + 1],
			ArrowUp: () => lines[edge - 1],
		}[event.key]?.();
	}
	if (to) {
		event.preventDefault();
		to.focus();
	}
}

export function mapIn(host, { openType, openEdge }) {
	let drawn = "", nodes = [], lines = [], svg = null, size = null;

	/* Made smaller to fit, as long as it can be read. */
	function fit() {
		if (svg === null)
			return;
		const scale = Math.min(1, Math.max(SMALLEST, host.clientWidth / size.width));

		svg.setAttribute("width", size.width * scale);
		svg.setAttribute("height", size.height * scale);
	}

	new ResizeObserver(fit).observe(host);

	return function show(map) {
		const shape = JSON.stringify([map.types.map((type) => [type.type, type.kind]), map.edges.map((edge) => [edge.from, edge.to, edge.by])]);

		if (map.types.length === 0 || map.types.length > SHOWN_MAX) {
			host.replaceChildren();
			drawn = "";
			svg = null;
			return map.types.length === 0 ? "Nothing has happened in this window." : `${map.types.length} types are too many to draw: see the table.`;
		}
		if (shape !== drawn) {
			const { boxes, width, height } = layout(map.types, map.edges);
			const arrow = draw("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, markerUnits: "userSpaceOnUse", orient: "auto" }, draw("path", { d: "M0 0 8 4 0 8z" }));

			lines = map.edges.map((edge) => drawEdge(edge, boxes, openEdge));
			nodes = map.types.map((type, i) => drawType(type, boxes[i], openType));
			svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Types of events, and which cause which" }, draw("defs", {}, arrow), ...lines, ...nodes);

			svg.addEventListener("keydown", (event) => walk(event, nodes, lines));
			size = { width, height };
			host.replaceChildren(svg);
			fit();
			drawn = shape;
		}
		map.edges.forEach((edge, i) => lines[i].update(edge));
		map.types.forEach((type, i) => nodes[i].update(type));
		return `${map.events} events, ${rate(map.rate)}, since ${new Date(map.from).toLocaleTimeString()}`;
	};
}
