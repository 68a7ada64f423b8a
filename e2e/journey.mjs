// The steps of the procedure. Each starts on the page on which the previous one
// ended, and ends on a page that has been checked.

import assert from 'node:assert/strict';
import jsQR from 'jsqr';
import { arrive } from './browser.mjs';

export const anna = { mailbox: 'anna.neri@pec.example', email: 'anna.neri@mail.example', name: 'Anna Neri' };
export const sara = { mailbox: 'sara.verdi@pec.example', email: 'sara.verdi@mail.example', name: 'Sara Verdi' };
export const officine = {
	mailbox: 'officine.bianchi@pec.example',
	email: 'amministrazione@bianchi.example',
	company: 'Officine Bianchi S.r.l.',
	code: '09876543217',
};
export const cooperativa = {
	mailbox: 'nuova.cooperativa@pec.example',
	email: 'info@cooperativa.example',
	company: 'Nuova Cooperativa',
	code: '02468135799',
};

const button = (visitor, name) => visitor.page.getByRole('button', { name, exact: true });
const link = (visitor, name) => visitor.page.getByRole('link', { name, exact: true });

// press clicks a button or a link and waits for the next page, which may have the
// same heading.
async function press(visitor, target) {
	const { page } = visitor;
	const moved = page.waitForEvent('framenavigated', (frame) => frame === page.mainFrame());
	await Promise.all([moved, target.click()]);
}

const star = (visitor) => visitor.page.getByRole('img', { name: 'Casella qualificata e identificata', exact: true });

// The webmail

export async function enterWebmail(visitor, mailbox) {
	await visitor.page.goto(visitor.house.webmail);
	const leave = button(visitor, 'Esci dalla casella');
	if (await leave.isVisible()) await press(visitor, leave);
	await arrive(visitor, 'Caselle di prova');
	await press(visitor, button(visitor, `Entra in ${mailbox}`));
	await arrive(visitor, mailbox, '01-webmail');
	assert.equal(await star(visitor).count(), 0, 'the star is there before anything was done');
}

export async function confirmIdentity(visitor, heading = 'Conferma identità') {
	await visitor.page.getByText('Adegua la tua PEC agli standard europei: conferma la tua identità.').waitFor();
	await press(visitor, button(visitor, 'Conferma identità'));
	await arrive(visitor, heading, '02-conferma-identita');
}

export async function answerWhichMailbox(visitor, answer, heading) {
	await press(visitor, button(visitor, answer));
	await arrive(visitor, heading);
}

export async function expectStar(visitor, mailbox) {
	await visitor.page.goto(visitor.house.webmail);
	await arrive(visitor, mailbox, '13-stella');
	await star(visitor).waitFor();
	assert.equal(await button(visitor, 'Conferma identità').count(), 0, 'the banner is still there');
}

export async function expectNoStar(visitor, mailbox, state) {
	await visitor.page.goto(visitor.house.webmail);
	await arrive(visitor, mailbox);
	assert.equal(await star(visitor).count(), 0, 'there is a star');
	await visitor.page.getByText(`"state": "${state}"`).waitFor();
}

// The guide

// openGuide follows the guide's link on the first page.
export async function openGuide(visitor) {
	await visitor.page.goto(visitor.house.stella);
	await press(visitor, link(visitor, 'Guida passo passo'));
	await arrive(visitor, /^Guida all'identificazione/);
}

// readGuideCode decodes the QR code from its pixels, as a camera does.
export async function readGuideCode(visitor) {
	const { data, width, height } = await visitor.page
		.getByRole('img', { name: 'Codice QR con l\'indirizzo di questa pagina', exact: true })
		.evaluate(async (img) => {
			await img.decode();
			const canvas = document.createElement('canvas');
			[canvas.width, canvas.height] = [4 * img.width, 4 * img.height];
			const pen = canvas.getContext('2d');
			pen.drawImage(img, 0, 0, canvas.width, canvas.height);
			const { data, width, height } = pen.getImageData(0, 0, canvas.width, canvas.height);
			return { data: [...data], width, height };
		});
	return jsQR(Uint8ClampedArray.from(data), width, height)?.data;
}

// The data

export async function declareHolder(visitor) {
	await visitor.page.getByLabel('Sono il legale rappresentante o l\'intestatario della casella', { exact: true }).check();
	await press(visitor, button(visitor, 'Conferma'));
	await arrive(visitor, 'Cosa occorre', '03-cosa-occorre');
	await press(visitor, button(visitor, 'PROCEDI'));
	await arrive(visitor, 'Intestatario della casella PEC', '04-intestatario');
}

export async function choosePerson(visitor) {
	await visitor.page.getByLabel('Privato Cittadino', { exact: true }).check();
	await press(visitor, button(visitor, 'Conferma'));
	await arrive(visitor, 'Dati di Contatto', '05-dati-di-contatto');
}

export async function chooseCompany(visitor, { company, code }) {
	await visitor.page.getByLabel('Impresa / Società', { exact: true }).check();
	await press(visitor, button(visitor, 'Conferma'));
	await arrive(visitor, 'Dati della persona / impresa');
	await visitor.page.getByLabel('Ragione sociale', { exact: true }).fill(company);
	await visitor.page.getByLabel('Codice fiscale impresa (*)', { exact: true }).fill(code);
	await press(visitor, button(visitor, 'Conferma'));
	await arrive(visitor, 'Dati di Contatto');
}

// fillContacts expects that the form already contains the address on record.
export async function fillContacts(visitor, email) {
	assert.equal(await visitor.page.getByLabel('E-mail (*)', { exact: true }).inputValue(), email);
	await visitor.page.getByLabel('Cellulare', { exact: true }).fill('+39 347 123 4567');
	await press(visitor, button(visitor, 'Conferma'));
	await arrive(visitor, 'Controlla i dati', '06-riepilogo');
	await visitor.page.getByText(email).first().waitFor();
	await press(visitor, button(visitor, 'SALVA E PROCEDI'));
	await arrive(visitor, 'Ora identificati', '07-identificazione');
}

// The invitation

export async function inviteHolder(visitor, email) {
	await visitor.page
		.getByLabel('Non sono il legale rappresentante o l\'intestatario della casella', { exact: true })
		.check();
	await press(visitor, button(visitor, 'Conferma'));
	await arrive(visitor, 'Invita l\'intestatario');
	await visitor.page.getByLabel('E-mail dell\'intestatario').fill(email);
	const since = Date.now();
	await press(visitor, button(visitor, 'Invia l\'invito'));
	await arrive(visitor, 'Invito inviato');
	assert.ok((await visitor.page.locator('main').innerText()).includes(email), 'a slip in the address could not be seen');
	const mail = await visitor.house.mail(email, since, /\/invito\//);
	return mail.text.match(/https?:\/\/\S+\/invito\/[\w-]+/)[0];
}

export async function openInvitation(visitor, url) {
	await visitor.page.goto(url);
	await arrive(visitor, 'Ti chiedono di confermare l\'identità');
}

export async function acceptInvitation(visitor) {
	await press(visitor, button(visitor, 'PROCEDI'));
	await arrive(visitor, 'Intestatario della casella PEC');
}

export async function declineInvitation(visitor) {
	await press(visitor, button(visitor, 'Non riconosco questa casella'));
	await arrive(visitor, 'Hai rifiutato l\'invito');
}

// The login

export async function beginLogin(visitor) {
	await press(visitor, link(visitor, 'Inizia l\'identificazione'));
	await arrive(visitor, 'Scegli il gestore della tua identità SPID');
	await press(visitor, link(visitor, 'Entra con SPID'));
	await goToProvider(visitor);
}

export async function goToProvider(visitor) {
	await arrive(visitor, 'Scegli il gestore della tua identità SPID', '08-gestori');
	await press(visitor, link(visitor, 'Prosegui con Identità di prova'));
	await arrive(visitor, 'Con quale identità vuoi accedere?');
}

export async function cancelLogin(visitor) {
	await press(visitor, button(visitor, 'Annulla'));
	await sendAnswer(visitor);
	await arrive(visitor, 'Identificazione non completata');
}

export async function loginAs(visitor, name, heading = 'Identificazione riuscita') {
	await press(visitor, button(visitor, `Accedi come ${name}`));
	await arrive(visitor, 'Dati che saranno inviati');
	await press(visitor, button(visitor, 'Autorizza'));
	await sendAnswer(visitor);
	await arrive(visitor, heading, '09-identificazione-riuscita');
}

export async function refuseConsent(visitor, name) {
	await press(visitor, button(visitor, `Accedi come ${name}`));
	await press(visitor, button(visitor, 'Non autorizzo'));
	await sendAnswer(visitor);
	await arrive(visitor, 'Identificazione non completata');
}

// sendAnswer makes the click that a script makes if scripts run.
async function sendAnswer(visitor) {
	if (!visitor.javaScript) await press(visitor, button(visitor, 'Continua'));
}

export async function loginAgain(visitor) {
	await press(visitor, link(visitor, 'Riprova'));
	await goToProvider(visitor);
}

export async function loginWithAnotherIdentity(visitor) {
	await press(visitor, button(visitor, 'Ripeti l\'identificazione con un\'altra identità'));
	await arrive(visitor, 'Ora identificati');
	await beginLogin(visitor);
}

// tryLogin starts a test login (collaudo), which belongs to no mailbox. Its request is
// a form that a script posts at once. With look, the script is blocked so that the
// page can be checked.
export async function tryLogin(visitor, { look = false } = {}) {
	const { page, house } = visitor;
	if (look) await page.route('**/static/post.*.js', (route) => route.abort());
	await page.goto(`${house.stella}/spid/collaudo?binding=post&idp=${encodeURIComponent(house.provider)}`);
	if (look || !visitor.javaScript) {
		await arrive(visitor, 'Attendi qualche secondo…');
		await press(visitor, button(visitor, 'Continua'));
	}
	await arrive(visitor, 'Con quale identità vuoi accedere?');
}

// The contract and the code

// completeRequest requests a code and returns it.
export async function completeRequest(visitor, email) {
	await press(visitor, button(visitor, 'PROCEDI'));
	await arrive(visitor, 'Informativa contrattuale', '10-informativa');
	const since = Date.now();
	await press(visitor, button(visitor, 'COMPLETA LA RICHIESTA DI IDENTIFICAZIONE'));
	return readCode(visitor, email, since);
}

// sendAgain requests another code and returns it. This is possible only some seconds
// after the previous code.
export async function sendAgain(visitor, email) {
	const since = Date.now();
	await press(visitor, button(visitor, 'Invia di nuovo'));
	return readCode(visitor, email, since);
}

async function readCode(visitor, email, since) {
	const { page, house } = visitor;
	const mail = await house.mail(email, since, /\b\d{6}\b/);
	// The relay has the mail a moment before Stella records it, and the page reloads
	// then: wait for that, so that the page does not change any more.
	const sent = page.locator('[data-status="sent"]');
	for (let n = 0; n < 20; n++) {
		await page.goto(house.stella);
		if (await sent.isVisible()) break;
	}
	await arrive(visitor, 'Inserisci il codice', '11-codice');
	await sent.waitFor();
	return mail.text.match(/\b\d{6}\b/)[0];
}

export async function typeCode(visitor, code, heading = 'Identificazione avvenuta con successo') {
	await visitor.page.getByLabel('Codice OTP (*)', { exact: true }).fill(code);
	await press(visitor, button(visitor, 'Conferma'));
	await arrive(visitor, heading, '12-successo');
}

// Walks that many tests share

// walkToLogin goes from the webmail's list of mailboxes to the identification page.
export async function walkToLogin(visitor, holder) {
	await enterWebmail(visitor, holder.mailbox);
	await confirmIdentity(visitor);
	await declareHolder(visitor);
	if (holder.company) await chooseCompany(visitor, holder);
	else await choosePerson(visitor);
	await fillContacts(visitor, holder.email);
}

// walkFromIdentified goes from the identity page to the end.
export async function walkFromIdentified(visitor, email, heading) {
	await typeCode(visitor, await completeRequest(visitor, email), heading);
}
