// Collects the secrets of a test run (codes, links, cookies, SAML messages), and
// checks that a log contains none of them and no personal data.

// personal matches personal data: fiscal codes of persons and companies,
// addresses, and SAML messages.
const personal = /\b[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]\b|\b\d{11}\b|[\w.+-]+@[\w.-]*example\b|<saml/i;

// figures matches digits in a log that are not a code: durations and times.
const figures = /"duration":\d+|\d{2}\.\d+(?=Z|ms|s\b)/g;

const names = ['Anna Neri', 'Luca Bianchi', 'Sara Verdi', 'Paola Conti', 'Officine Bianchi'];

export class Secrets {
	#seen = new Map(); // the description of each secret, by its text

	add(what, text) {
		if (text?.length >= 6) this.#seen.set(text, what);
	}

	// mails adds the secrets in mails: codes and invitation links.
	mails(all) {
		for (const { text } of all) {
			for (const [code] of text.matchAll(/\b\d{6}\b/g)) this.add('a code', code);
			for (const [, secret] of text.matchAll(/\/invito\/([\w-]+)/g)) this.add('an invitation', secret);
		}
	}

	// request adds the secrets in a browser's request: start and invitation links,
	// and SAML parameters.
	request(request) {
		const url = new URL(request.url());
		this.add('a link', url.pathname.match(/^\/(?:start|invito)\/([\w-]+)/)?.[1]);
		for (const fields of [url.searchParams, new URLSearchParams(request.postData() ?? '')]) {
			for (const name of ['SAMLRequest', 'SAMLResponse', 'RelayState']) {
				this.add(name, fields.get(name)?.slice(0, 60)); // a log may truncate it
			}
		}
	}

	get size() {
		return this.#seen.size;
	}

	// toldBy returns the first secret or personal data that a log contains, or
	// undefined if there is none.
	toldBy(log) {
		log = log.replace(figures, '');
		for (const [text, what] of this.#seen) if (log.includes(text)) return `${what}, ${text}`;
		return names.find((name) => log.includes(name)) ?? log.match(personal)?.[0];
	}
}
