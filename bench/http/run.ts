import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { withConnection } from '../../local/database/bootstrap.ts';
import type { PostgresServer } from '../../local/postgres/postgres.ts';
import type { Progress } from '../progress.ts';
import { describeEnvironment } from '../server/environment.ts';
import { makeTemplate, withBenchServer, withDatabase } from '../server/server.ts';
import { readWorld, type World, type WorldSize } from '../world/world.ts';
import { httpCases, PAGE } from './calls.ts';
import { measureCase } from './measure.ts';
import { type HttpCell, type HttpResult, httpMarkdown, httpResult } from './report.ts';
import { openWays, WAYS } from './ways.ts';
import { withFront } from './with-front.ts';

export interface HttpOptions {
  /** Each case is measured with each of these numbers of clients. */
  clients: number[];
  rounds: number;
  size: WorldSize;
  /** Instead of each case's own number. */
  operations?: number;
  /** Only these; all by default. */
  cases?: string[];
}

const DATABASE = 'bench_http';

/** Measures the cases over HTTP, through the front and past it, beside the bare statements. */
export function runHttp(options: HttpOptions, progress: Progress): Promise<HttpResult> {
  const wanted = httpCases.filter(({ name }) => options.cases?.includes(name) ?? true);
  return withBenchServer(async (server) => {
    await makeTemplate(server, options.size);
    const environment = await withConnection(server.url('supabase_admin'), describeEnvironment);
    const cells: HttpCell[] = [];
    await withDatabase(server, DATABASE, async () => {
      const world = await prepare(server, options.size);
      await withFront(server.url('authenticator', DATABASE), async (ports) => {
        for (const measured of wanted) {
          for (const clients of options.clients) {
            const ways = await openWays(ports, server.url('postgres', DATABASE), clients);
            try {
              cells.push(await measureCase(measured, world, ways, { ...options, clients }));
            } finally {
              await Promise.all(Object.values(ways).map((way) => way.close()));
            }
            progress.line(describe(cells.at(-1)));
          }
        }
      });
      await expectBooks(server);
    });
    return { format: 1, environment, cells };
  });
}

/** Writes a run as JSON, and beside it as Markdown; gives both paths. */
export function saveHttp(path: string, result: HttpResult): string[] {
  const markdown = `${path.replace(/\.json$/, '')}.md`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(httpResult.parse(result), null, 1)}\n`);
  writeFileSync(markdown, httpMarkdown(result));
  return [path, markdown];
}

/** The empty function is this database's own; every customer gets a page of orders to read. */
function prepare(server: PostgresServer, size: WorldSize): Promise<World> {
  return withConnection(server.url('postgres', DATABASE), async (sql) => {
    await sql.unsafe('create function public.bench_nothing() returns int language sql return 1');
    const world = await readWorld(sql, size);
    const people = world.people.map(({ id }) => id);
    const goods = world.goods.map(({ id }) => id);
    const [refused] = await sql`
      select o.error_message
      from unnest(${people}::uuid[]) with ordinality u (id, place),
        generate_series(1, ${PAGE}::int) n,
        lateral public.ledger_place_order(
          jsonb_build_array(jsonb_build_object('quantity', 1, 'variant_id',
            (${goods}::uuid[])[1 + (u.place + n) % ${goods.length}::int])), p_user_id => u.id) o
      where not o.success`;
    if (refused) throw new Error(`an order to read was refused: ${String(refused.error_message)}`);
    return world;
  });
}

async function expectBooks(server: PostgresServer): Promise<void> {
  await withConnection(server.url('postgres', DATABASE), async (sql) => {
    const found = await sql`select check_code, subject from ledger.book_differences() limit 5`;
    if (found.length > 0) throw new Error(`the books differ: ${JSON.stringify(found)}`);
  });
}

function describe(cell: HttpCell | undefined): string {
  if (!cell) return '';
  const rates = WAYS.map((way) => `${way} ${Math.round(cell.ways[way].rate.median)}/s`);
  return `${cell.case} with ${cell.clients}: ${rates.join(', ')}`;
}
