// The browser and its visitors. Each visitor has cookies of their own, and
// every page they come to is looked at.

import { AxeBuilder } from '@axe-core/playwright';
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const wide = { width: 1280, height: 800 };
const narrow = { width: 320, height: 640 };
const phone = { width: 390, height: 780 };

const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

export function startBrowser() {
	const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
		(path) => path && existsSync(path),
	);
	assert.ok(executablePath, 'Chromium is missing: scripts/setup test installs it');
	const args = [
		'--disable-gpu',
		'--disable-quic',
		'--no-first-run',
		'--disable-background-networking',
		'--disable-component-update',
		'--disable-sync',
	];
	if (process.getuid?.() === 0) args.push('--no-sandbox'); // which root must not use
	return chromium.launch({ executablePath, args });
}

// newVisitor opens a browser of one's own at a house. With pictures, the pages
// that are given a name are photographed for the documentation.
export async function newVisitor(browser, house, { javaScript = true, pictures = false } = {}) {
	const context = await browser.newContext({ locale: 'it-IT', viewport: wide, javaScriptEnabled: javaScript });
	context.setDefaultTimeout(15_000);
	context.on('request', (request) => house.secrets.request(request));
	const page = await context.newPage();
	const faults = [];
	page.on('console', (message) => {
		if (/content security policy/i.test(message.text())) faults.push(message.text());
	});
	page.on('pageerror', (error) => faults.push(String(error)));
	return { page, context, house, javaScript, faults, pictures: pictures && process.env.STELLA_SCREENSHOTS === '1' };
}

// arrive waits for the page with a heading, and looks at it.
export async function arrive(visitor, heading, picture) {
	const { page, house } = visitor;
	try {
		await page.getByRole('heading', { level: 1, name: heading }).waitFor();
	} catch {
		const text = await page.locator('body').innerText().catch(() => '(nothing)');
		assert.fail(`waited for “${heading}”, am at ${page.url()}:\n${text}\n\n${house.log().slice(-4000)}`);
	}
	for (const { value } of await visitor.context.cookies()) house.secrets.add('a cookie', value);
	if (picture && visitor.pictures) await photograph(page, picture);
	await look(visitor);
}

// seen are the pages already looked at, by what they are built of.
const seen = new Set();

// look fails if a page cannot be read by all, in either colour scheme, wide or
// narrow, or if it broke its own security policy. A page that is built like one
// seen before, with other words in it, is not looked at again.
async function look(visitor) {
	const { page } = visitor;
	await page.waitForLoadState();
	const name = `${new URL(page.url()).pathname} “${await page.title()}”`;
	assert.deepEqual(visitor.faults, [], name);
	const build = await page.evaluate(() =>
		[...document.querySelectorAll('*')].map((e) => [e.tagName, e.className, ...e.getAttributeNames()].join('.')).join(' '),
	);
	if (seen.has(build)) return;
	seen.add(build);
	for (const colorScheme of ['light', 'dark']) {
		await page.emulateMedia({ colorScheme });
		for (const size of [narrow, wide]) {
			await page.setViewportSize(size);
			const where = `${name}, ${colorScheme}, ${size.width} px`;
			const [needs, has] = await page.evaluate(() => [
				document.documentElement.scrollWidth,
				document.documentElement.clientWidth,
			]);
			assert.ok(needs <= has, `${where}: ${needs} px wide, it must be scrolled sideways`);
			if (!visitor.javaScript) continue; // axe is a script of the page's
			// Legacy mode judges in the page itself, which is quicker by far; what
			// it leaves out are frames of other sites, and there are none.
			const { violations } = await new AxeBuilder({ page }).setLegacyMode().withTags(rules).analyze();
			assert.deepEqual(
				violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.html).join(' ')}`),
				[],
				where,
			);
		}
	}
	await page.emulateMedia({ colorScheme: null });
	await page.setViewportSize(wide);
	assert.deepEqual(visitor.faults, [], name);
}

async function photograph(page, name) {
	const folder = fileURLToPath(new URL('../docs/journey/', import.meta.url));
	await mkdir(folder, { recursive: true });
	await page.setViewportSize(phone);
	await page.screenshot({ path: `${folder}${name}.png`, animations: 'disabled', caret: 'initial' });
	await page.setViewportSize(wide);
}
