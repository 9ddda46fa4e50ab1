import { Agent, request } from 'node:http';
import type { HttpCall } from './calls.ts';
import type { Way } from './ways.ts';

type Headers = (call: HttpCall) => Promise<Record<string, string>>;

/** Node's own client, the cheapest there is, so that little of what is measured is its. */
export function plainHttp(name: string, url: string, clients: number, headersOf: Headers): Way {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const send = async (call: HttpCall) => {
    const body = 'procedure' in call ? JSON.stringify(call.body) : undefined;
    const headers = {
      ...(await headersOf(call)),
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    };
    const path =
      'procedure' in call
        ? `rpc/${call.procedure}`
        : `${call.table}?select=*&order=${call.newestBy}.desc&limit=${call.length}`;
    const method = body === undefined ? 'GET' : 'POST';
    const answer = await exchange(`${url}/${path}`, { agent, method, headers }, body);
    if (answer.status >= 300) throw new Error(`${answer.status}: ${answer.text}`);
    return answer.text === '' ? null : (JSON.parse(answer.text) as unknown);
  };
  return {
    name,
    senders: Array.from({ length: clients }, () => send),
    close: () => Promise.resolve(agent.destroy()),
  };
}

function exchange(
  url: string,
  options: { agent: Agent; method: string; headers: Record<string, string | number> },
  body: string | undefined,
): Promise<{ status: number; text: string }> {
  return new Promise((done, reject) => {
    const sent = request(url, options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response
        .on('error', reject)
        .on('end', () => done({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', reject).end(body);
  });
}
