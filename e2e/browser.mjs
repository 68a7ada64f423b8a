// The browser and its visitors. Each visitor has separate cookies, and every page
// that a visitor opens is checked.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { chromium } from 'playwright-core';

const wide = { width: 1280, height: 800 };
const narrow = { width: 320, height: 640 };
const phone = { width: 390, height: 780 };

const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

let browser; // shared by all visitors

export async function openBrowser() {
	assert.ok(process.env.CHROMIUM, 'CHROMIUM names no browser: CHROMIUM=$(scripts/find-chromium)');
	const args = [
		'--disable-gpu',
		'--disable-quic',
		'--no-first-run',
		'--disable-background-networking',
		'--disable-component-update',
		'--disable-sync',
	];
	if (process.getuid?.() === 0) args.push('--no-sandbox'); // the sandbox does not work as root
	browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args });
}

export async function closeBrowser() {
	await browser?.close();
}

// newVisitor returns a visitor of a demo, with separate cookies. With pictures, and
// if STELLA_SCREENSHOTS is 1, pages with a picture name are saved as screenshots for
// the guide, in templates/journey.
export async function newVisitor(house, { javaScript = true, pictures = false, locale = 'it-IT' } = {}) {
	// With motion, axe could check a colour in the middle of a transition.
	const context = await browser.newContext({ locale, viewport: wide, javaScriptEnabled: javaScript, reducedMotion: 'reduce' });
	house.guests.push(context);
	context.setDefaultTimeout(300_000); // a busy machine may be slow
	context.on('request', (request) => house.secrets.request(request));
	const page = await context.newPage();
	const faults = [];
	page.on('console', (message) => {
		if (/content security policy/i.test(message.text())) faults.push(message.text());
	});
	page.on('pageerror', (error) => faults.push(String(error)));
	return { page, context, house, javaScript, faults, pictures: pictures && process.env.STELLA_SCREENSHOTS === '1' };
}

// arrive waits for the page with a heading, and checks it.
export async function arrive(visitor, heading, picture) {
	const { page, house } = visitor;
	try {
		await page.getByRole('heading', { level: 1, name: heading }).waitFor();
	} catch {
		const text = await page.locator('body').innerText().catch(() => '(nothing)');
		assert.fail(`waited for “${heading}”, am at ${page.url()}:\n${text}\n\n${house.log().slice(-4000)}`);
	}
	for (const { name, value } of await visitor.context.cookies()) {
		if (!['stella-notice', 'stella-language'].includes(name)) house.secrets.add('a cookie', value); // these contain no secret
	}
	if (picture && visitor.pictures) await photograph(visitor, picture);
	await look(visitor);
}

// seen contains the pages that were already checked, by their structure and by
// whether scripts ran.
const seen = new Set();

// look fails if axe finds a violation in a page (narrow in light colours, or wide in
// dark colours), if the page must be scrolled sideways, or if it violates its own
// content security policy. A page with the same structure as an earlier one is not
// checked again.
async function look(visitor) {
	const { page } = visitor;
	await page.waitForLoadState();
	const name = `${new URL(page.url()).pathname} “${await page.title()}”`;
	assert.deepEqual(visitor.faults, [], name);
	const build = await page.evaluate(() =>
		[...document.querySelectorAll('*')].map((e) => [e.tagName, e.className, ...e.getAttributeNames()].join('.')).join(' '),
	);
	const kind = `${visitor.javaScript} ${build}`;
	if (seen.has(kind)) return;
	seen.add(kind);
	if (visitor.javaScript) await page.evaluate(axe.source);
	for (const [colorScheme, size] of [['light', narrow], ['dark', wide]]) {
		await page.emulateMedia({ colorScheme });
		await page.setViewportSize(size);
		const where = `${name}, ${colorScheme}, ${size.width} px`;
		const [needs, has] = await page.evaluate(() => [
			document.documentElement.scrollWidth,
			document.documentElement.clientWidth,
		]);
		assert.ok(needs <= has, `${where}: ${needs} px wide, it must be scrolled sideways`);
		if (!visitor.javaScript) continue; // axe runs as a script in the page
		const { violations } = await page.evaluate((tags) => window.axe.run({ runOnly: tags, resultTypes: ['violations'] }), rules);
		assert.deepEqual(
			violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.html).join(' ')}`),
			[],
			where,
		);
	}
	await page.emulateMedia({ colorScheme: null });
	await page.setViewportSize(wide);
	assert.deepEqual(visitor.faults, [], name);
}

// photograph saves screenshots of a page in both languages, for the guides. The demo
// webmail is in Italian only.
async function photograph({ page, house }, name) {
	const ours = page.url().startsWith(house.stella);
	for (const [language, other] of [['it', 'English'], ['en', 'Italiano']]) {
		const folder = fileURLToPath(new URL(`../templates/journey/${language}/`, import.meta.url));
		await mkdir(folder, { recursive: true });
		await page.setViewportSize(phone);
		await page.screenshot({ path: `${folder}${name}.png`, animations: 'disabled', caret: 'initial' });
		await page.setViewportSize(wide);
		if (ours) await Promise.all([page.waitForNavigation(), page.getByRole('link', { name: other, exact: true }).click()]);
	}
}
