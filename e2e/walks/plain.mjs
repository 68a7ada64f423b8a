// The whole procedure in a browser without scripts.

import { after, before, test } from 'node:test';
import { newVisitor } from '../browser.mjs';
import * as go from '../journey.mjs';
import { startStella } from '../stella.mjs';

let house;

export function withoutScripts() {
	before(async () => (house = await startStella()));
	after(() => house?.stop());

	test('without scripts Anna gets her star all the same', async () => {
		const visitor = await newVisitor(house, { javaScript: false });
		await go.walkToLogin(visitor, go.anna);
		await go.beginLogin(visitor);
		await go.loginAs(visitor, 'Anna Neri');
		await go.walkFromIdentified(visitor, go.anna.email);
		await go.expectStar(visitor, go.anna.mailbox);
	});
}
