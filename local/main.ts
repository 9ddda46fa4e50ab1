import { once } from 'node:events';
import { Command, InvalidArgumentError } from 'commander';
import { DataInUseError } from './lock.ts';
import { type Stack, stackJson, startStack } from './stack.ts';

const exitCode = { failed: 1, usage: 2, dataInUse: 3 };

interface Arguments {
  port?: number;
  data: string;
  fresh?: boolean;
  json?: boolean;
}

const program = new Command('npm start --')
  .description('Starts the whole backend on this computer and keeps it running until Ctrl-C.')
  .option('--port <number>', 'port of the API (default: 54321, or a free one)', portNumber)
  .option('--data <folder>', 'folder for the database and the keys', '.data')
  .option('--fresh', 'forget what that folder holds')
  .option('--json', 'print the content of stack.json instead of the table')
  .addHelpText('after', '\nExit codes: 0 stopped, 1 failed, 2 wrong option, 3 data folder in use.')
  .exitOverride(({ exitCode: code }) => process.exit(code === 0 ? 0 : exitCode.usage))
  .action(serve);

await program.parseAsync();

async function serve({ data, port, fresh = false, json = false }: Arguments): Promise<void> {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => interrupted.abort());
  }
  endWithNpm(interrupted);
  try {
    const stack = await startStack({
      dataDir: data,
      fresh,
      log: (line) => console.error(line),
      signal: interrupted.signal,
      ...(port === undefined ? {} : { port }),
    });
    console.log(json ? JSON.stringify(stackJson(stack), null, 2) : table(stack, data));
    if (!interrupted.signal.aborted) await once(interrupted.signal, 'abort');
    console.error('stopping');
    await stack.stop();
  } catch (error) {
    // Ctrl-C also reaches the commands that a start runs, and makes them fail.
    const stopped = interrupted.signal.aborted && !(error instanceof AggregateError);
    if (stopped) console.error('stopped before it was ready');
    else report(error);
  }
}

/** When npm is killed it cannot pass the signal on, and nobody is left to stop this process. */
function endWithNpm(interrupted: AbortController): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const npm = process.ppid;
  setInterval(() => {
    if (process.ppid !== npm) interrupted.abort();
  }, 500).unref();
}

function report(error: unknown): void {
  if (error instanceof DataInUseError) {
    console.error(error.message);
    process.exitCode = exitCode.dataInUse;
    return;
  }
  console.error(error);
  process.exitCode = exitCode.failed;
}

function table(stack: Stack, data: string): string {
  const facts: [string, string][] = [
    ['API', stack.url],
    ['REST API', `${stack.url}/docs`],
    ['Publishable key', stack.publishableKey],
    ['Secret key', stack.secretKey],
    ['Database', stack.databaseUrl],
    ['As JSON', `${data}/stack.json`],
  ];
  return [
    '',
    'order-ledger is running; Ctrl-C stops it.',
    '',
    ...facts.map(([name, value]) => `  ${name.padEnd(17)}${value}`),
    '',
    `  ${'Role'.padEnd(12)}${'Email'.padEnd(32)}Password`,
    ...stack.users.map(
      ({ role, email, password }) => `  ${role.padEnd(12)}${email.padEnd(32)}${password}`,
    ),
    '',
  ].join('\n');
}

function portNumber(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new InvalidArgumentError('A port is a number from 1 to 65535.');
}
