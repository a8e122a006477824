/* The public HTTP API, and nothing else. */

import { elements, eventOf } from "/page/json.js";

/* What went wrong, as a problem document says it. */
async function problemOf(answer) {
	try {
		const problem = JSON.parse(await answer.text());

		return problem.detail ?? problem.title ?? String(answer.status);
	} catch {
		return `${answer.status} ${answer.statusText}`;
	}
}

export async function get(path, headers = {}, signal = undefined) {
	const answer = await fetch(path, { headers, signal, cache: "no-store", credentials: "same-origin" });

	if (!answer.ok)
		throw new Error(await problemOf(answer));
	return answer;
}

function query(parameters) {
	const given = Object.entries(parameters).filter(([, value]) => value !== undefined);

	return new URLSearchParams(given).toString();
}

/* Events, and the position behind all that was looked at. */
export async function events(parameters) {
	const answer = await get(`/v1/events?${query(parameters)}`);

	return {
		events: elements(await answer.text()).map(eventOf),
		position: answer.headers.get("Td-Position"),
	};
}

export async function eventAt(position) {
	return (await events({ from: position, to: position, limit: 1 })).events[0];
}

export async function eventById(id) {
	return eventOf(await (await get(`/v1/events/${encodeURIComponent(id)}`)).text());
}

export async function flow(window) {
	return (await get(`/v1/flow?${query({ window })}`)).json();
}

export async function story(id, from) {
	return (await get(`/v1/stories/${encodeURIComponent(id)}?${query({ from, limit: 200 })}`)).json();
}

/* --- following ---------------------------------------------------------------------------- */

/* The events of a stream, one object each: {id, event, data}. */
async function* messages(body) {
	const reader = body.pipeThrough(new TextDecoderStream()).getReader();
	let rest = "", message = { data: [] };

	for (;;) {
		const { value, done } = await reader.read();

		if (done)
			return;
		const lines = (rest + value).split("\n");

		rest = lines.pop();
		for (let line of lines) {
			if (line.endsWith("\r"))
				line = line.slice(0, -1);
			if (line === "") {
				if (message.data.length > 0 || message.id !== undefined)
					yield { ...message, data: message.data.join("\n") };
				message = { data: [] };
				continue;
			}
			const colon = line.indexOf(":");

			if (colon === 0)
				continue; /* a comment, so that the line is not silent */
			const name = colon < 0 ? line : line.slice(0, colon);
			const text = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");

			if (name === "data")
				message.data.push(text);
			else if (name === "id" || name === "event")
				message[name] = text;
		}
	}
}

function pause(ms, signal) {
	return new Promise((resolve) => {
		const timer = setTimeout(resolve, ms);

		signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
	});
}

/*
 * Follow from behind a position, over broken connections, until the signal says stop: no event twice,
 * none left out. `told` hears each event, `state` whether it is live.
 */
export async function follow(position, { told, state, gap, signal }) {
	let wait = 500;

	while (!signal.aborted) {
		try {
			const headers = { Accept: "text/event-stream" };

			if (position)
				headers["Last-Event-ID"] = position;
			const answer = await get("/v1/events/follow", headers, signal);

			position ??= answer.headers.get("Td-Position");
			state(true);
			wait = 500;
			for await (const message of messages(answer.body)) {
				if (message.id)
					position = message.id;
				if (message.event === "gap")
					gap();
				else if (message.data)
					told(eventOf(message.data));
			}
		} catch (error) {
			if (signal.aborted)
				return;
			state(false, error.message);
		}
		state(false);
		await pause(wait, signal);
		wait = Math.min(wait * 2, 10000);
	}
}
