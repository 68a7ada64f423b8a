// All walks, in one process and one browser, so that a page that one walk has
// checked is not checked again. Each suite has its own demo, because all use the
// same four mailboxes. Two suites run in parallel, because one of the detours waits
// for a minute.

import { after, before, describe } from 'node:test';
import { closeBrowser, openBrowser } from './browser.mjs';
import { detours } from './walks/detour.mjs';
import { inEnglish } from './walks/english.mjs';
import { holders } from './walks/holder.mjs';
import { withoutScripts } from './walks/plain.mjs';
import { sessions } from './walks/session.mjs';
import { strangers } from './walks/stranger.mjs';

describe('walks', { concurrency: 2 }, () => {
	before(openBrowser);
	after(closeBrowser);

	describe('detours', { concurrency: 2 }, detours);
	describe('holders', { concurrency: 2 }, holders);
	describe('without scripts', withoutScripts);
	describe('in English', inEnglish);
	describe('sessions', { concurrency: 2 }, sessions);
	describe('strangers', { concurrency: true }, strangers);
});
