// Runs a command and ends it when standard input ends, which the system sees to even when
// whoever holds the other end is killed: no server outlives the stack that started it.
import { spawn } from 'node:child_process';
import process from 'node:process';

const [command, ...args] = process.argv.slice(2);
if (command === undefined) throw new Error('usage: guard.js COMMAND [ARGUMENT ...]');

const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
child.once('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(127);
});
child.once('exit', (code) => process.exit(code ?? 1));

// Requests have been answered by then, and these servers keep nothing that could be lost; asked to
// end, Deno would wait for its idle database connections.
process.stdin.resume().once('close', () => child.kill('SIGKILL'));
