// What people typed, were sent and showed while they walked, and no log may
// tell: codes, links, cookies, SAML; and what is true of them alone.

// personal are the shapes of what is a person's: fiscal codes, those of
// companies, and addresses.
const personal = /\b[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]\b|\b\d{11}\b|[\w.+-]+@[\w.-]*example\b|<saml/i;

// figures are the digits of a log that are no code: durations and times.
const figures = /"duration":\d+|\d{2}\.\d+(?=Z|ms|s\b)/g;

const names = ['Anna Neri', 'Luca Bianchi', 'Sara Verdi', 'Paola Conti', 'Officine Bianchi'];

export class Secrets {
	#seen = new Map(); // what each is, by its text

	add(what, text) {
		if (text?.length >= 6) this.#seen.set(text, what);
	}

	// mails adds what mails tell their readers alone.
	mails(all) {
		for (const { text } of all) {
			for (const [code] of text.matchAll(/\b\d{6}\b/g)) this.add('a code', code);
			for (const [, secret] of text.matchAll(/\/invito\/([\w-]+)/g)) this.add('an invitation', secret);
		}
	}

	// request adds what a browser sends to get in.
	request(request) {
		const url = new URL(request.url());
		this.add('a link', url.pathname.match(/^\/(?:start|invito)\/([\w-]+)/)?.[1]);
		for (const fields of [url.searchParams, new URLSearchParams(request.postData() ?? '')]) {
			for (const name of ['SAMLRequest', 'SAMLResponse', 'RelayState']) {
				this.add(name, fields.get(name)?.slice(0, 60)); // a log may have cut it short
			}
		}
	}

	get size() {
		return this.#seen.size;
	}

	// toldBy names what a log tells; nothing, if all is well.
	toldBy(log) {
		log = log.replace(figures, '');
		for (const [text, what] of this.#seen) if (log.includes(text)) return `${what}, ${text}`;
		return names.find((name) => log.includes(name)) ?? log.match(personal)?.[0];
	}
}
