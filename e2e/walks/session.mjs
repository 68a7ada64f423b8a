// The session of a browser: the page warns before it ends, and the user is asked
// before another mailbox takes its place.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { arrive, newVisitor } from '../browser.mjs';
import * as go from '../journey.mjs';
import { startStella } from '../stella.mjs';

let house;

export function sessions() {
	before(async () => (house = await startStella()));
	after(() => house?.stop());

	test('two minutes before its end a session can be prolonged', async () => {
		const visitor = await newVisitor(house);
		const { page } = visitor;
		await go.enterWebmail(visitor, go.anna.mailbox);
		await page.clock.install();
		await go.confirmIdentity(visitor);
		const asked = [];
		await page.route('**/sessione', (route) => {
			asked.push(route.request().method());
			// The server's clock does not change.
			return route.request().method() === 'GET' ? route.fulfill({ json: { seconds: 119 } }) : route.continue();
		});
		const warning = page.getByText('La sessione sta per chiudersi: mancano 119 secondi. Vuoi restare?');
		// The page's clock is stopped, so that the speed of the machine changes nothing.
		// The script began at some moment of the page's age.
		await page.clock.pauseAt((await page.evaluate(() => Date.now())) + 60_000);
		const [left, age] = await page.evaluate(() => [
			1000 * document.getElementById('idle').dataset.seconds,
			Math.ceil(performance.now()),
		]);
		await page.clock.fastForward(left - 121_000 - age);
		assert.deepEqual([asked, await warning.isVisible()], [[], false], 'it warns too early');
		await page.clock.fastForward(1_000 + age);
		await warning.waitFor();
		assert.deepEqual(asked, ['GET']);
		await page.clock.resume(); // axe needs it
		await arrive(visitor, 'Conferma identità'); // axe checks it
		await page.getByRole('button', { name: 'Resta', exact: true }).click();
		await page.getByText('La sessione continua.').waitFor();
		assert.deepEqual(asked.filter((method) => method !== 'GET'), ['POST']);
		assert.equal(await page.evaluate(() => document.activeElement.id), 'idle', 'the focus is lost');
	});

	test('who is inside a procedure is asked before another mailbox takes its place', async () => {
		const visitor = await newVisitor(house);
		await go.walkToLogin(visitor, go.sara);
		const question = 'Vuoi passare a un\'altra casella?';
		await go.enterWebmail(visitor, go.officine.mailbox);
		await go.confirmIdentity(visitor, question);
		await go.answerWhichMailbox(visitor, `Torna alla casella ${go.sara.mailbox}`, 'Ora identificati');
		await go.enterWebmail(visitor, go.officine.mailbox);
		await go.confirmIdentity(visitor, question);
		await go.answerWhichMailbox(visitor, 'Continua', 'Conferma identità');
		await visitor.page.getByText(`Casella: ${go.officine.mailbox}`).waitFor();
	});
}
