/*
 * The live page in headless Chromium, on a real server: events appear, the map is drawn, an edge, an event
 * and a story open, by hand and by keys; hostile words stay words; a server that comes again is followed on;
 * no console error, and axe finds nothing, in light and in dark.
 *
 *	node test_page.mjs TIDINGS [--screenshot FILE]      says TAP; skips with a word what cannot be
 */

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PATIENCE = Number(process.env.TD_PATIENCE_MS ?? 60000); /* ms: of everything; nothing here is expected to take long */
const here = dirname(fileURLToPath(import.meta.url));
const [program] = process.argv.slice(2);
const screenshot = process.argv.includes("--screenshot") ? process.argv[process.argv.indexOf("--screenshot") + 1] : null;

/* --- what is needed ------------------------------------------------------------------------- */

function skip(why) {
	console.log(`1..0 # SKIP ${why}`);
	process.exit(0);
}

function browserPath() {
	for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
		const found = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" });

		if (found.status === 0)
			return found.stdout.trim();
	}
	return skip("no Chromium here");
}

/* tools/fetch-page-test brings them. */
async function libraries() {
	try {
		return [await import("playwright-core"), readFileSync(join(here, "node_modules/axe-core/axe.min.js"), "utf8")];
	} catch {
		return skip("no playwright-core and axe-core here");
	}
}

/* Its sandbox takes rights that a container may not give; what it shows here is our own page. */
async function launch(chromium, executablePath) {
	for (const args of [[], ["--no-sandbox"]]) {
		try {
			return await chromium.launch({ executablePath, args, timeout: PATIENCE });
		} catch (error) {
			console.log(`# ${executablePath} ${args.join(" ")}: ${String(error.message).split("\n")[0]}`);
		}
	}
	return skip("Chromium does not start here");
}

/* --- the server ----------------------------------------------------------------------------- */

const servers = new Set();

function serve(data, address) {
	const child = spawn(program, ["serve", "--data", data, "--http", address, "--ready-fd", "3"], { stdio: ["ignore", "ignore", "inherit", "pipe"] });

	servers.add(child);
	return new Promise((resolve, reject) => {
		let words = "";

		child.on("exit", (code) => reject(new Error(`the server ended with ${code} before it was ready`)));
		child.stdio[3].on("data", (piece) => {
			words += piece;
			if (words.includes("\n"))
				resolve({ child, http: JSON.parse(words).http });
		});
	});
}

function kill(child, signal) {
	return new Promise((resolve) => {
		child.removeAllListeners("exit");
		child.on("exit", () => (servers.delete(child), resolve()));
		child.kill(signal);
	});
}

/* --- checks --------------------------------------------------------------------------------- */

let number = 0, failed = 0;

function ok(is, what) {
	console.log(`${is ? "ok" : "not ok"} ${++number} - ${what}`);
	failed += is ? 0 : 1;
}

/* The body answers true, or nothing; a text says what is wrong. */
async function check(what, body) {
	try {
		const said = await body();

		ok(said === undefined || said === true, what);
		if (typeof said === "string")
			console.log(`# ${said.replaceAll("\n", "\n# ")}`);
	} catch (error) {
		ok(false, what);
		console.log(`# ${String(error.stack).replaceAll("\n", "\n# ")}`);
	}
}

/* --- events --------------------------------------------------------------------------------- */

let origin, count = 0;

/* `data` is JSON text, so that numbers go as they stand. */
function eventText({ data = "{}", ...attributes }) {
	const words = { specversion: "1.0", id: `e${++count}`, source: "/pizzeria", ...attributes };

	return `${JSON.stringify(words).slice(0, -1)},"data":${data}}`;
}

async function publish(...events) {
	const answer = await fetch(`${origin}/v1/events`, {
		method: "POST",
		headers: { "Content-Type": "application/cloudevents-batch+json" },
		body: `[${events.map(eventText).join(",")}]`,
	});

	if (!answer.ok)
		throw new Error(`publish: ${answer.status} ${await answer.text()}`);
}

/* One evening's order: what it causes is caused by it, and all is one story. */
async function order(n, fails) {
	const id = `order-${n}`, story = { correlationid: id };
	const said = (type, name, cause, subject, data) => publish({ type, id: `${id}-${name}`, causationid: cause, subject, data, ...story });

	await publish({ type: "OrderPlaced", id, subject: `order.${n}`, data: `{"pizza":"Margherita","total":1250}` });
	if (fails) {
		await said("PaymentFailed", "failed", id, `payment.${n}`, `{"reason":"gateway timeout"}`);
		await said("CustomerTold", "told", `${id}-failed`, `mail.${n}`);
		return;
	}
	await said("PaymentTaken", "paid", id, `payment.${n}`, `{"amount":1250}`);
	await said("PizzaBaked", "baked", `${id}-paid`, `kitchen.${n}`);
	await said("PointsEarned", "points", `${id}-paid`, `loyalty.${n}`, `{"points":12}`);
	await said("PizzaDelivered", "delivered", `${id}-baked`, `delivery.${n}`);
}

const hostile = [
	"<img src=x onerror=\"window.evil=1\">",
	"</script><script>window.evil=1</script>",
	"\u202Eright to left",
	"javascript:window.evil=1",
	"x".repeat(900),
	"zero\u200bwidth",
	"{{7*7}}${7*7}",
];

/* --- the page ------------------------------------------------------------------------------- */

async function axe(page, source, when) {
	await check(`axe finds nothing, ${when}`, async () => {
		await page.evaluate(source);
		const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));

		return violations.length === 0 || violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html.slice(0, 200)).join(" | ")}`).join("\n");
	});
}

function typeIn(page, name) {
	return page.locator(`svg [role=button]:has(> rect.box)`, { hasText: name }).first();
}

function edgeIn(page, from, to) {
	return page.locator(`svg [role=button][aria-label^="${from} causes ${to}"]`);
}

async function walkThrough(page, source) {
	const rows = page.locator("#rows tr"), title = page.locator("#panel-title");

	await check("a store without events says how the first is published", async () => {
		await page.locator("#empty").waitFor();
		await page.locator("#state", { hasText: "live" }).waitFor();
		return (await page.locator("#try").textContent()).includes(`${origin}/v1/events`);
	});
	await axe(page, source, "without events");
	for (let n = 1; n <= 12; n++)
		await order(n, n % 4 === 0);
	await check("events appear, the newest first", async () => {
		await rows.first().filter({ hasText: "mail.12" }).waitFor();
		return (await rows.count()) === 40;
	});
	await check("the map is drawn", async () => {
		for (const type of ["OrderPlaced", "PaymentTaken", "PaymentFailed", "PizzaBaked", "PointsEarned", "PizzaDelivered", "CustomerTold"])
			await typeIn(page, type).waitFor();
		await edgeIn(page, "OrderPlaced", "PaymentTaken").waitFor();
		await page.locator(`svg [aria-label^="OrderPlaced causes PaymentTaken, 9 times"]`).waitFor();
		return (await page.locator("#map-rows tr").count()) === 6;
	});
	await check("an edge opens its events", async () => {
		await edgeIn(page, "OrderPlaced", "PaymentFailed").click();
		await title.filter({ hasText: "OrderPlaced → PaymentFailed" }).waitFor();
		return (await page.locator("#panel-body li").count()) === 3;
	});
	await check("an event of them opens, with its data", async () => {
		await page.locator("#panel-body li button").first().click();
		await title.filter({ hasText: /^PaymentFailed$/ }).waitFor();
		return (await page.locator("#panel-body pre").textContent()) === `{"reason":"gateway timeout"}`;
	});
	await check("its story opens as a tree", async () => {
		await page.getByRole("button", { name: "Its story" }).click();
		await title.filter({ hasText: "Story order-12" }).waitFor();
		const tree = page.locator("#panel-body .tree > li");

		return (await tree.count()) === 1 && (await tree.locator("> ul > li > ul > li").textContent()).startsWith("CustomerTold");
	});
	await axe(page, source, "in light, with a story");
	await page.emulateMedia({ colorScheme: "dark" });
	await axe(page, source, "in dark, with a story");
	await page.emulateMedia({ colorScheme: "light" });
	await check("Back, Escape and a link lead where they say", async () => {
		const link = page.url();

		await page.goBack();
		await title.filter({ hasText: /^PaymentFailed$/ }).waitFor();
		await page.keyboard.press("Escape");
		await page.locator("#panel").waitFor({ state: "hidden" });
		await page.goto(link);
		await title.filter({ hasText: "Story order-12" }).waitFor();
	});
	if (screenshot !== null) {
		await page.mouse.move(2, 2);
		await page.screenshot({ path: screenshot });
	}
	await page.keyboard.press("Escape");
}

async function byKeys(page) {
	await check("all of it goes by keys", async () => {
		await typeIn(page, "OrderPlaced").focus();
		await page.keyboard.press("ArrowRight");
		const edge = await page.evaluate(() => document.activeElement.getAttribute("aria-label"));

		await page.keyboard.press("ArrowRight");
		const type = await page.evaluate(() => document.activeElement.getAttribute("aria-label"));

		if (!edge.startsWith("OrderPlaced causes ") || !edge.includes(type.split(" ")[0]))
			return `${edge}; ${type}`;
		await page.keyboard.press("Enter");
		await page.locator("#panel-title", { hasText: "Newest of" }).waitFor();
		await page.keyboard.press("Tab");
		await page.keyboard.press("Enter");
		await page.locator("#panel-body dl").waitFor();
		await page.keyboard.press("Escape");
		await page.locator("#panel").waitFor({ state: "hidden" });
	});
	await check("rows under focus stand still, and go on behind it", async () => {
		const first = page.locator("#rows tr").first();

		await first.locator("button").focus();
		const before = await first.textContent();

		await publish({ type: "WhileFocused", subject: "focus.1" });
		await page.locator("#count", { hasText: "1 new, shown when you go on" }).waitFor();
		if ((await first.textContent()) !== before)
			throw new Error("a row changed under the focus");
		await page.locator("#pause").focus();
		await first.filter({ hasText: "WhileFocused" }).waitFor();
	});
	await check("a pause holds until it is ended", async () => {
		await page.locator("#pause").click();
		await publish({ type: "WhilePaused", subject: "pause.1" });
		await page.locator("#count", { hasText: "1 new" }).waitFor();
		await page.locator("#pause").click();
		await page.locator("#rows tr").first().filter({ hasText: "WhilePaused" }).waitFor();
	});
}

async function hostileWords(page, source) {
	await check("hostile words stay words", async () => {
		for (const [i, word] of hostile.entries()) {
			await publish({ type: word, id: `evil-${i}`, subject: `evil.${i}`, source: "/evil", correlationid: "evil", causationid: i > 0 ? `evil-${i - 1}` : undefined, data: `{"big":9223372036854775807,"html":${JSON.stringify(word)},"lone":"\\ud800"}` });
		}
		await page.locator("#rows tr", { hasText: "{{7*7}}${7*7}" }).first().waitFor();
		await page.locator("svg", { hasText: "<img src=x" }).waitFor();
		await page.locator("#rows tr", { hasText: "<img src=x" }).first().locator("button").click();
		await page.locator("#panel-title", { hasText: "<img src=x" }).waitFor();
		const data = await page.locator("#panel-body pre").textContent();

		if (!data.includes(`"big":9223372036854775807`) || !data.includes("\\ud800"))
			return data;
		await page.getByRole("button", { name: "Its story" }).click();
		await page.locator("#panel-title", { hasText: "Story evil" }).waitFor();
		return (await page.evaluate(() => window.evil)) === undefined && (await page.locator("#panel-body img, #panel-body script, #rows img, svg image").count()) === 0;
	});
	await axe(page, source, "with hostile words");
	await page.keyboard.press("Escape");
}

/* A server that was killed and comes again. Its refusals meanwhile are the browser's to tell. */
async function comesAgain(page, server, data, errors) {
	await check("a server that comes again is followed on", async () => {
		const before = errors.length;

		await kill(server.child, "SIGKILL");
		await page.locator("#state", { hasText: "reconnecting" }).waitFor();
		await serve(data, server.http);
		await publish({ type: "AfterTheKill", subject: "again.1" });
		await page.locator("#state", { hasText: "live" }).waitFor();
		await page.locator("#rows tr", { hasText: "AfterTheKill" }).first().waitFor();
		await page.locator("#alert").waitFor({ state: "hidden" });
		errors.splice(before, errors.length, ...errors.slice(before).filter((error) => !error.includes("net::ERR_")));
		if ((await page.locator("#rows tr", { hasText: "AfterTheKill" }).count()) !== 1)
			return "shown twice";
	});
}

async function narrow(page) {
	await check("on a narrow screen nothing but its own boxes scrolls sideways", async () => {
		await page.setViewportSize({ width: 360, height: 700 });
		const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);

		return inner <= outer || `${inner} > ${outer}`;
	});
}

/* --- all of it ------------------------------------------------------------------------------ */

const executablePath = browserPath();
const [{ chromium }, source] = await libraries();
const browser = await launch(chromium, executablePath);
const data = mkdtempSync(join(tmpdir(), "tidings-page-"));

try {
	const server = await serve(data, "127.0.0.1:0");
	const errors = [];

	origin = `http://${server.http}`;
	const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, locale: "en-GB", timezoneId: "UTC", colorScheme: "light", reducedMotion: "reduce" });

	page.setDefaultTimeout(PATIENCE);
	page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
	page.on("pageerror", (error) => errors.push(String(error)));
	await page.goto(`${origin}/`);
	await walkThrough(page, source);
	await byKeys(page);
	await hostileWords(page, source);
	await narrow(page);
	await comesAgain(page, server, data, errors);
	await check("the console has no error", () => errors.length === 0 || errors.join("\n"));
} catch (error) {
	ok(false, String(error.stack));
} finally {
	await browser.close();
	for (const child of servers)
		await kill(child, "SIGKILL");
	rmSync(data, { recursive: true, force: true });
}
console.log(`1..${number}`);
process.exitCode = failed > 0 ? 1 : 0;
