// The holders of three sample mailboxes, each with a different procedure.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { arrive, newVisitor } from '../browser.mjs';
import * as go from '../journey.mjs';
import { startStella } from '../stella.mjs';

let house;

export function holders() {
	before(async () => (house = await startStella()));
	after(() => house?.stop());

	test('Anna identifies herself and her mailbox gets its star', async () => {
		const visitor = await newVisitor(house, { pictures: true });
		const begun = Date.now();
		await go.walkToLogin(visitor, go.anna);
		await go.beginLogin(visitor);
		await go.loginAs(visitor, 'Anna Neri');
		await go.walkFromIdentified(visitor, go.anna.email);
		await go.expectStar(visitor, go.anna.mailbox);

		// Both mailboxes get a mail, and the pages of the inbox pass the checks too.
		await house.mail(go.anna.mailbox, begun, /qualificata/);
		await house.mail(go.anna.email, begun, /qualificata/);
		await visitor.page.goto(house.inbox);
		await arrive(visitor, 'Messaggi');
		await visitor.page.getByRole('link', { name: /Identificazione avvenuta con successo/ }).first().click();
		await arrive(visitor, /Identificazione avvenuta con successo/);
	});

	test('a tester logs in for no mailbox', async () => {
		const visitor = await newVisitor(house);
		await go.tryLogin(visitor, { look: true });
		await go.loginAs(visitor, 'Anna Neri', 'Accesso di collaudo riuscito');
		await go.tryLogin(await newVisitor(house)); // by the script
		const plain = await newVisitor(house, { javaScript: false });
		await go.tryLogin(plain);
		await go.cancelLogin(plain);
	});

	test('the first page says what to do to who comes from nowhere', async () => {
		const visitor = await newVisitor(house);
		await visitor.page.goto(house.stella);
		await arrive(visitor, /Qualifica la tua casella/);
		await visitor.page.getByRole('link', { name: 'Vai alla webmail' }).click();
		await arrive(visitor, 'Caselle di prova');
	});

	test('the guide can be opened on another device by its QR code', async () => {
		const visitor = await newVisitor(house);
		await go.openGuide(visitor);
		const address = await go.readGuideCode(visitor);
		assert.equal(address, visitor.page.url());

		const phone = await newVisitor(house);
		await phone.page.goto(address);
		await arrive(phone, /^Guida all'identificazione/);
		assert.equal(await phone.page.title(), await visitor.page.title());
	});

	test('Sara’s mailbox is not for Anna, then for Sara', async () => {
		const visitor = await newVisitor(house);
		await go.walkToLogin(visitor, go.sara);
		await go.beginLogin(visitor);
		await go.loginAs(visitor, 'Anna Neri', /non è andata a buon fine: riprova/);
		assert.ok(await visitor.page.getByRole('button', { name: 'Riprova', exact: true }).isVisible());
		await go.loginWithAnotherIdentity(visitor);
		await go.loginAs(visitor, 'Sara Verdi');
		await go.walkFromIdentified(visitor, go.sara.email);
		await go.expectStar(visitor, go.sara.mailbox);
	});

	test('nobody knows who represents the cooperative, so an operator decides', async () => {
		const visitor = await newVisitor(house);
		await go.walkToLogin(visitor, go.cooperativa);
		await go.beginLogin(visitor);
		await go.loginAs(visitor, 'Paola Conti');
		await go.walkFromIdentified(visitor, go.cooperativa.email, 'Richiesta in verifica');
		await go.expectNoStar(visitor, go.cooperativa.mailbox, 'under_review');
		await house.command('qualification', 'approve', go.cooperativa.mailbox, '--reason', 'visura camerale del 3 novembre');
		await go.expectStar(visitor, go.cooperativa.mailbox);
	});
}
