/* Numbers and names for people. */

export function ms(value) {
	if (value === null || value === undefined)
		return "";
	if (value < 1)
		return `${Math.round(value * 1000)} µs`;
	if (value < 1000)
		return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
	if (value < 120000)
		return `${(value / 1000).toFixed(value < 10000 ? 1 : 0)} s`;
	return `${Math.round(value / 60000)} min`;
}

export function percent(share) {
	if (!share)
		return "";
	return share < 0.01 ? "<1 %" : `${Math.round(share * 100)} %`;
}

export function rate(perSecond) {
	if (perSecond >= 10)
		return `${Math.round(perSecond)}/s`;
	return perSecond >= 0.1 ? `${perSecond.toFixed(1)}/s` : `${(perSecond * 60).toFixed(1)}/min`;
}

/* Controls, and what turns the direction of writing or shows nothing. */
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/* A name on one line: what is hidden is seen, and a long one loses its middle, between characters. */
export function short(text, max) {
	const line = (text.length > 20000 ? text.slice(0, 10000) + text.slice(-10000) : text).replace(HIDDEN, "\ufffd");
	const characters = Array.from(line);

	if (characters.length <= max)
		return line;
	const half = Math.floor((max - 1) / 2);

	return `${characters.slice(0, half).join("")}…${characters.slice(-half).join("")}`;
}

export function clock(iso) {
	const time = new Date(iso ?? "");

	return Number.isNaN(time.getTime()) ? "" : time.toLocaleTimeString([], { hour12: false });
}

/* An element of text: strangers' words never stand as anything else. */
export function element(name, properties = {}, ...children) {
	const made = Object.assign(document.createElement(name), properties);

	made.append(...children);
	return made;
}
