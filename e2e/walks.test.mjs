// All walks, in one process: a page that one has looked at is not looked at
// again by the next.

import './walks/detour.mjs';
import './walks/holder.mjs';
import './walks/plain.mjs';
import './walks/stranger.mjs';
