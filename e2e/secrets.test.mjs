// Tests that secrets in a log are found.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secrets } from './secrets.mjs';

const line = '{"time":"2026-11-22T03:16:44.736123Z","level":"WARN","msg":"a request failed","route":"GET /start/{token}","duration":279825}';

test('secrets and personal data are found in a log, and nothing else', () => {
	const secrets = new Secrets();
	secrets.mails([
		{ text: 'Il codice è 736123.' },
		{ text: 'Apri http://localhost:8080/invito/47DEQpj8HBSa-_TImW entro il 3 novembre.' },
	]);
	secrets.request({ url: () => 'http://localhost:8080/start/ABCDEFGHIJ', postData: () => null });
	secrets.request({ url: () => 'http://localhost:8080/spid/acs', postData: () => 'SAMLResponse=PHNhbWxwOl&RelayState=abcdefgh' });
	secrets.request({ url: () => 'http://127.0.0.1:8082/sso?SAMLRequest=fZJNT8MwDIb', postData: () => null });
	secrets.add('a cookie', 'XYL3AKODV5');
	assert.equal(secrets.toldBy(line), undefined);
	for (const secret of [
		'736123', '47DEQpj8HBSa-_TImW', '/start/ABCDEFGHIJ', 'PHNhbWxwOl', 'abcdefgh', 'fZJNT8MwDIb', 'XYL3AKODV5',
		'TINIT-NRENNA80A41H501T', '09876543217', 'anna.neri@pec.example', 'Anna Neri', '<samlp:Response',
	]) {
		assert.ok(secrets.toldBy(`${line} ${secret}`), `${secret} is not found`);
	}
});
