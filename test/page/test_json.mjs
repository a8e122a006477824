/* The page's tokenizer, against JSON.parse on what that can say, and on what it cannot. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const source = readFileSync(new URL("../../src/server/page/json.js", import.meta.url), "utf8");
const { elements, eventOf, members, shown, storyOf } = await import(`data:text/javascript,${encodeURIComponent(source)}`);

const values = [
	"null", "true", "-1.5e+3", "9223372036854775807", '""', '"a"', '"\\""', '"\\\\"', '"a\\\\\\"b"', '"{[,:]}"', "{}", "[]",
	'{"a":{"b":[1,{"c":"}"}]}}', '[[["]"]],"\\u005d"]', '"\\ud800"', '"\u2028\ud83c\udf55"',
];

test("members and elements are cut where they end", () => {
	for (const blank of ["", " ", "\n\t\r "]) {
		const array = `[${blank}${values.join(`${blank},${blank}`)}${blank}]`;
		const object = `{${values.map((value, i) => `${blank}"m${i}"${blank}:${blank}${value}${blank}`).join(",")}}`;

		assert.deepEqual(elements(array), values);
		assert.deepEqual([...members(object).values()], values);
		assert.deepEqual([...members(object).keys()], values.map((_, i) => `m${i}`));
	}
	assert.deepEqual(elements("[]"), []);
	assert.deepEqual(elements(" [ ] "), []);
	assert.deepEqual([...members("{}")], []);
});

test("what is cut means what it meant", () => {
	let seed = 7;
	const dice = (n) => (seed = (seed * 48271) % 2147483647) % n;
	const make = (depth) => [
		() => dice(1000), () => dice(2) === 0, () => null, () => 'x"\\{}[],:'.repeat(dice(3)),
		() => Array.from({ length: dice(4) }, () => make(depth + 1)),
		() => Object.fromEntries(Array.from({ length: dice(4) }, (_, i) => [`"${i}\\`, make(depth + 1)])),
	][dice(depth > 4 ? 4 : 6)]();

	for (let i = 0; i < 2000; i++) {
		const object = { a: make(0), b: make(0), c: make(0) };
		const text = JSON.stringify(object, null, dice(3));

		for (const [name, value] of members(text))
			assert.deepEqual(JSON.parse(value), object[name]);
		assert.deepEqual(elements(JSON.stringify(Object.values(object), null, dice(3))).map((one) => JSON.parse(one)), Object.values(object));
	}
});

test("numbers keep their text, and data all of it", () => {
	const event = eventOf('{"id":"a","big":9223372036854775807,"tdposition":"7","data":{"n":1.50, "m":12345678901234567890}}');

	assert.equal(event.get("big"), "9223372036854775807");
	assert.equal(event.position, "7");
	assert.equal(event.data, '{"n":1.50, "m":12345678901234567890}');
	assert.equal(event.get("data"), undefined);
	assert.equal(shown(undefined), "");
	assert.equal(shown('"\\u00e4"'), "ä");
});

test("a story is the correlation, else the trace, else the event's own", () => {
	const trace = '"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"';

	assert.equal(storyOf(eventOf(`{"id":"a","correlationid":"s",${trace}}`)), "s");
	assert.equal(storyOf(eventOf(`{"id":"a",${trace}}`)), "0af7651916cd43dd8448eb211c80319c");
	assert.equal(storyOf(eventOf('{"id":"a","traceparent":"none"}')), "a");
});
