// A person who reads English only comes from a webmail that speaks Italian.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { arrive, newVisitor } from '../browser.mjs';
import * as go from '../journey.mjs';
import { startStella } from '../stella.mjs';

let house;

export function inEnglish() {
	before(async () => (house = await startStella()));
	after(() => house?.stop());

	test('Anna reads pages and mails in English to the star', async () => {
		const visitor = await newVisitor(house, { locale: 'en-GB' });
		const { page } = visitor;
		const begun = Date.now();
		const press = async (role, name, heading) => {
			await page.getByRole(role, { name, exact: true }).click();
			await arrive(visitor, heading);
			assert.equal(await page.locator('html').getAttribute('lang'), 'en', `“${heading}” is in another language`);
		};
		await go.enterWebmail(visitor, go.anna.mailbox);
		await go.confirmIdentity(visitor); // in Italian, as the webmail says
		await press('link', 'English', 'Confirm your identity');
		await page.getByLabel('I am the legal representative or the holder of the mailbox', { exact: true }).check();
		await press('button', 'Confirm', 'What you need');
		await press('button', 'PROCEED', 'Holder of the PEC mailbox');
		await page.getByLabel('Private citizen', { exact: true }).check();
		await press('button', 'Confirm', 'Contact details');
		await press('button', 'Confirm', 'Check your details');
		await press('button', 'SAVE AND PROCEED', 'Now identify yourself');
		await press('link', 'Start the identification', 'Choose your SPID provider');
		await press('link', 'Enter with SPID', 'Choose your SPID provider');
		await page.getByRole('link', { name: 'Continue with Identità di prova', exact: true }).click();
		await arrive(visitor, 'Con quale identità vuoi accedere?');
		await go.loginAs(visitor, 'Anna Neri', 'Identification successful');
		await press('button', 'PROCEED', 'Contract information');
		const asked = Date.now();
		await page.getByRole('button', { name: 'COMPLETE THE IDENTIFICATION REQUEST', exact: true }).click();
		const code = await house.mail(go.anna.email, asked, /^\d{6}\n/);
		assert.equal(code.subject, `Your code for the mailbox ${go.anna.mailbox}`);
		assert.match(code.text, /This is your OTP code/);
		await page.locator('[data-status="sent"]').waitFor();
		await arrive(visitor, 'Enter the code');
		await page.getByLabel('OTP code (*)', { exact: true }).fill(code.text.slice(0, 6));
		await press('button', 'Confirm', 'Identification completed successfully');
		for (const to of [go.anna.email, go.anna.mailbox]) {
			const success = await house.mail(to, begun, /is now qualified and identified/);
			assert.match(success.subject, /^Identification completed successfully/);
			assert.match(success.text, /Contract information: version 1\.0/);
		}
		await go.expectStar(visitor, go.anna.mailbox);
	});
}
