// Procedures that reach the star indirectly. They run in parallel, because one of
// them waits for a minute: each uses another mailbox.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { arrive, newVisitor } from '../browser.mjs';
import * as go from '../journey.mjs';
import { startStella } from '../stella.mjs';

let house;

export function detours() {
	before(async () => (house = await startStella()));
	after(() => house?.stop());

	test('Anna lets the code expire and has another sent', async () => {
		const visitor = await newVisitor(house);
		await go.walkToLogin(visitor, go.anna);
		await go.beginLogin(visitor);
		await go.loginAs(visitor, 'Anna Neri');
		const old = await go.completeRequest(visitor, go.anna.email);
		const { page } = visitor;
		const field = page.getByLabel('Codice OTP (*)', { exact: true });
		await field.fill('12');
		await sleep(61_000);
		await page.getByText('Il codice è scaduto').first().waitFor();
		await page.locator('#resend:not(.second)').waitFor(); // the button for the next action is highlighted
		await page.locator('#confirm.second').waitFor();
		assert.equal(await field.inputValue(), '12', 'what was typed is lost');
		assert.ok(await field.evaluate((f) => f === document.activeElement), 'the focus is lost');
		await go.typeCode(visitor, old, 'Inserisci il codice');
		await visitor.page.getByRole('alert').getByText('Il codice è scaduto').waitFor();
		await go.typeCode(visitor, await go.sendAgain(visitor, go.anna.email));
		await go.expectStar(visitor, go.anna.mailbox);
	});

	test('a delegate invites Luca, who goes on in a browser of his own', async () => {
		const delegate = await newVisitor(house);
		await go.enterWebmail(delegate, go.officine.mailbox);
		await go.confirmIdentity(delegate);
		const invitation = await go.inviteHolder(delegate, 'luca.bianchi@mail.example');
		await go.expectNoStar(delegate, go.officine.mailbox, 'invited');

		const luca = await newVisitor(house);
		await go.openInvitation(luca, invitation);
		await go.acceptInvitation(luca);
		await go.chooseCompany(luca, go.officine);
		await go.fillContacts(luca, 'luca.bianchi@mail.example');
		await go.beginLogin(luca);
		await go.loginAs(luca, 'Luca Bianchi');
		await go.walkFromIdentified(luca, 'luca.bianchi@mail.example');

		await go.expectStar(delegate, go.officine.mailbox);
	});

	test('an invited person does not know the mailbox', async () => {
		const delegate = await newVisitor(house);
		await go.enterWebmail(delegate, go.cooperativa.mailbox);
		await go.confirmIdentity(delegate);
		const invitation = await go.inviteHolder(delegate, 'sconosciuta@mail.example');
		const stranger = await newVisitor(house);
		await go.openInvitation(stranger, invitation);
		await go.declineInvitation(stranger);
		await delegate.page.goto(house.stella);
		await arrive(delegate, 'Conferma identità');

		const withdrawn = await go.inviteHolder(delegate, 'paola.conti@mail.example');
		await delegate.page.goto(house.stella);
		await delegate.page.getByRole('button', { name: 'Annulla l\'invito' }).click();
		await arrive(delegate, 'Conferma identità');
		await stranger.page.goto(withdrawn);
		await arrive(stranger, 'Questo invito non è più valido');
	});

	test('Sara cancels the login, then refuses consent, then logs in', async () => {
		const visitor = await newVisitor(house);
		await go.walkToLogin(visitor, go.sara);
		await go.beginLogin(visitor);
		await go.cancelLogin(visitor);
		await go.loginAgain(visitor);
		await go.refuseConsent(visitor, 'Sara Verdi');
		await visitor.page.goto(house.stella);
		await arrive(visitor, 'Ora identificati');
		await go.beginLogin(visitor);
		await go.loginAs(visitor, 'Sara Verdi');
		const code = await go.completeRequest(visitor, go.sara.email);
		await go.typeCode(visitor, code === '000000' ? '111111' : '000000', 'Inserisci il codice');
		assert.match(await visitor.page.getByRole('alert').innerText(), /Il codice non è corretto/);
		await go.typeCode(visitor, code);
		await go.expectStar(visitor, go.sara.mailbox);
	});
}
