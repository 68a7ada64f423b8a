// Another browser cannot use what this one began.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { arrive, newVisitor } from '../browser.mjs';
import * as go from '../journey.mjs';
import { startStella } from '../stella.mjs';

let house;

export function strangers() {
	before(async () => (house = await startStella()));
	after(() => house?.stop());

	test('an answer of the provider counts only in the browser that asked', async () => {
		const visitor = await newVisitor(house);
		await go.walkToLogin(visitor, go.anna);
		await go.beginLogin(visitor);
		const answer = await interceptAnswer(visitor, 'Anna Neri');

		const stranger = await newVisitor(house);
		await submit(stranger, answer);
		await arrive(stranger, /Identificazione non (riuscita|completata)/);
		await stranger.page.goto(house.stella);
		await arrive(stranger, /Qualifica la tua casella|La sessione è scaduta/);

		// Nothing has changed, and the answer is used up: its owner cannot use it
		// any more either, but can log in again.
		await visitor.page.goto(house.stella);
		await arrive(visitor, 'Accesso in corso con Identità di prova');
		await submit(visitor, answer);
		await arrive(visitor, /Identificazione non (riuscita|completata)/);
		await visitor.page.goto(house.stella);
		if (await visitor.page.getByRole('link', { name: 'Ricomincia l\'accesso' }).isVisible()) {
			await visitor.page.goto(`${house.stella}/identificazione/spid`);
			await go.goToProvider(visitor);
		} else {
			await go.beginLogin(visitor);
		}
		await go.loginAs(visitor, 'Anna Neri');
	});

	test('another browser finds the data, but not the identity', async () => {
		const first = await newVisitor(house);
		await go.walkToLogin(first, go.sara);
		await go.beginLogin(first);
		await go.loginAs(first, 'Sara Verdi');

		const second = await newVisitor(house);
		await go.enterWebmail(second, go.sara.mailbox);
		await go.confirmIdentity(second, 'Ora identificati');
		await second.page.getByText('L\'identificazione di prima non vale più').waitFor();

		// The second browser's visit does not affect the first one, and the progress
		// of the first one does not give the second one access.
		await first.page.getByRole('button', { name: 'PROCEDI', exact: true }).click();
		await arrive(first, 'Informativa contrattuale');
		await second.page.goto(house.stella);
		await arrive(second, 'Ora identificati');

		// Only the browser with the latest login has the identity.
		await go.beginLogin(second);
		await go.loginAs(second, 'Sara Verdi');
		await first.page.getByRole('button', { name: 'COMPLETA LA RICHIESTA DI IDENTIFICAZIONE', exact: true }).click();
		await arrive(first, 'Ora identificati');
		await go.walkFromIdentified(second, go.sara.email);
		await go.expectStar(second, go.sara.mailbox);
	});
}

// interceptAnswer logs in, but blocks the provider's answer and returns its fields.
async function interceptAnswer({ page }, name) {
	const acs = `${house.stella}/spid/acs`;
	let caught;
	const answer = new Promise((resolve) => (caught = resolve));
	await page.route(acs, async (route) => {
		caught(Object.fromEntries(new URLSearchParams(route.request().postData())));
		await route.abort('aborted');
	});
	await page.getByRole('button', { name: `Accedi come ${name}`, exact: true }).click();
	await page.getByRole('button', { name: 'Autorizza', exact: true }).click();
	const fields = await answer;
	await page.unroute(acs);
	assert.ok(fields.SAMLResponse, 'no SAML response was sent');
	return fields;
}

// submit posts an answer from an empty page without an origin.
async function submit({ page }, fields) {
	await page.goto('about:blank');
	await page.evaluate(
		([action, fields]) => {
			const form = document.createElement('form');
			form.method = 'post';
			form.action = action;
			for (const [name, value] of Object.entries(fields)) {
				const input = document.createElement('input');
				input.name = name;
				input.value = value;
				form.append(input);
			}
			document.body.append(form);
			form.submit();
		},
		[`${house.stella}/spid/acs`, fields],
	);
}
