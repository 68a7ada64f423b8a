// Starts and stops `stella demo`, reads the relay's inbox and runs the operator's
// commands. At the end it searches the log for secrets.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Secrets } from './secrets.mjs';

const program = fileURLToPath(new URL('../bin/stella', import.meta.url));

// startStella starts a demo with its own database. The returned house gives access
// to it.
export async function startStella() {
	const port = await freePorts();
	const folder = await mkdtemp(join(tmpdir(), 'stella-e2e-'));
	// As root, Stella starts its database as another user, which must be able to
	// enter this folder.
	await chmod(folder, 0o755);
	const dir = join(folder, 'data');

	const child = spawn(program, ['demo', '--port', String(port), '--dir', dir], { stdio: ['ignore', 'pipe', 'pipe'] });
	let greeting = ''; // contains the sample data, so it is not searched for secrets
	let log = '';
	child.stdout.on('data', (text) => (greeting += text));
	child.stderr.on('data', (text) => (log += text));
	const ended = new Promise((resolve) => {
		child.on('error', (error) => resolve(String(error)));
		child.on('exit', (code, signal) => resolve(`exit ${code ?? signal}`));
	});

	const house = {
		stella: `http://localhost:${port}`,
		webmail: `http://localhost:${port + 1}`,
		// Another host, so that browsers take it for another site.
		provider: `http://127.0.0.1:${port + 2}`,
		inbox: `http://localhost:${port + 3}`,
		log: () => greeting + log,
		guests: [], // the visitors' browser contexts, which are closed before the demo stops
		secrets: new Secrets(),

		// command runs an operator's command on the data of this demo.
		async command(...args) {
			const { stdout } = await promisify(execFile)(program, [...args, '--dir', dir]);
			return stdout;
		},

		// mail waits for a mail to an address that arrived after the time since
		// and whose text matches the pattern, and returns it.
		async mail(to, since, pattern) {
			const deadline = Date.now() + 300_000; // a busy machine may be slow
			for (;;) {
				const response = await fetch(`${house.inbox}/messages.json?to=${encodeURIComponent(to)}`);
				const found = (await response.json()).find(
					(m) => Date.parse(m.received_at) >= since && (!pattern || pattern.test(m.text)),
				);
				if (found) return found;
				if (Date.now() > deadline) throw new Error(`no mail to ${to} like ${pattern}\n${house.log()}`);
				await sleep(100);
			}
		},

		async stop() {
			await Promise.all(house.guests.map((context) => context.close()));
			house.secrets.mails(await (await fetch(`${house.inbox}/messages.json`)).json());
			child.kill('SIGTERM');
			const late = setTimeout(() => child.kill('SIGKILL'), 60_000);
			const how = await ended;
			clearTimeout(late);
			await rm(folder, { recursive: true, force: true });
			if (how !== 'exit 0') throw new Error(`stella demo ended with ${how}\n${house.log()}`);
			assert.ok(house.secrets.size > 0, 'no secrets were collected');
			const told = house.secrets.toldBy(log);
			assert.equal(told, undefined, `the log contains ${told}:\n${log}`);
		},
	};

	const gone = ended.then((how) => {
		throw new Error(`stella demo did not start: ${how}\n${house.log()}`);
	});
	gone.catch(() => {}); // after the start this rejection is expected
	await Promise.race([ready(house), gone]);
	return house;
}

async function ready(house) {
	const deadline = Date.now() + 300_000;
	for (;;) {
		const ok = await Promise.all(
			[`${house.stella}/readyz`, house.webmail, house.provider, house.inbox].map((url) =>
				fetch(url).then((response) => response.ok || url === house.provider, () => false),
			),
		);
		if (ok.every(Boolean)) return;
		if (Date.now() > deadline) throw new Error(`stella demo is not ready\n${house.log()}`);
		await sleep(100);
	}
}

// freePorts returns the first of four consecutive free ports. The start is random,
// so that tests that run in parallel do not collide.
async function freePorts() {
	for (;;) {
		const port = 20_000 + 4 * Math.floor(Math.random() * 2_500);
		const free = await Promise.all([0, 1, 2, 3].map((n) => isFree(port + n)));
		if (free.every(Boolean)) return port;
	}
}

function isFree(port) {
	return new Promise((resolve) => {
		const server = createServer();
		server.once('error', () => resolve(false));
		server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
	});
}
