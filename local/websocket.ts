import { WebSocket } from 'ws';

// Node 20 has no WebSocket of its own, and supabase-js does not start without one, also when nobody
// subscribes to anything. Imported for this effect by what makes a client in Node.
if (!('WebSocket' in globalThis)) Object.assign(globalThis, { WebSocket });
