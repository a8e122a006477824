/*
 * Events as text. A page that parsed them whole would round numbers above 2^53 and show something that
 * nobody said: so the members of an object are cut out of its text, and only strings are decoded.
 */

/* Behind the string that begins at i. */
function stringEnd(text, i) {
	for (i++; text[i] !== '"'; i++) {
		if (text[i] === "\\")
			i++;
	}
	return i + 1;
}

/* Behind the value that begins at i. */
function valueEnd(text, i) {
	let depth = 0;

	if (text[i] === '"')
		return stringEnd(text, i);
	for (; i < text.length; i++) {
		const c = text[i];

		if (c === '"') {
			i = stringEnd(text, i) - 1;
		} else if (c === "{" || c === "[") {
			depth++;
		} else if (c === "}" || c === "]") {
			if (depth === 0)
				return i;
			if (--depth === 0)
				return i + 1;
		} else if (depth === 0 && (c === "," || c === " " || c === "\n" || c === "\r" || c === "\t")) {
			return i;
		}
	}
	return i;
}

function skip(text, i) {
	while (text[i] === " " || text[i] === "\n" || text[i] === "\r" || text[i] === "\t" || text[i] === ",")
		i++;
	return i;
}

/* The elements of an array, as text. */
export function elements(text) {
	const found = [];
	let i = skip(text, 0) + 1;

	for (i = skip(text, i); i < text.length && text[i] !== "]"; i = skip(text, i)) {
		const end = valueEnd(text, i);

		found.push(text.slice(i, end));
		i = end;
	}
	return found;
}

/* The members of an object: name to text. */
export function members(text) {
	const found = new Map();
	let i = skip(text, 0) + 1;

	for (i = skip(text, i); i < text.length && text[i] !== "}"; i = skip(text, i)) {
		const nameEnd = stringEnd(text, i);
		const name = JSON.parse(text.slice(i, nameEnd));

		i = skip(text, nameEnd) + 1; /* the colon */
		i = skip(text, i);
		const end = valueEnd(text, i);

		found.set(name, text.slice(i, end));
		i = end;
	}
	return found;
}

/* For people: a string's value, anything else as it stands there. */
export function shown(value) {
	if (value === undefined)
		return "";
	return value[0] === '"' ? JSON.parse(value) : value;
}

/* One event, of its CloudEvents JSON. */
export function eventOf(text) {
	const all = members(text);
	const attributes = new Map();

	for (const [name, value] of all) {
		if (name !== "data" && name !== "data_base64")
			attributes.set(name, shown(value));
	}
	return {
		attributes,
		data: all.get("data") ?? all.get("data_base64"),
		get: (name) => attributes.get(name),
		position: attributes.get("tdposition"),
	};
}

/* The story an event belongs to: doc/flow.md. */
export function storyOf(event) {
	const trace = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-/.exec(event.get("traceparent") ?? "");

	return event.get("correlationid") ?? trace?.[1] ?? event.get("id");
}
