import type { Command } from 'commander';

/** Runs a command; what goes wrong is said in a sentence, with its place in the code if DEBUG is set. */
export async function runCommand(command: Command): Promise<void> {
  try {
    await command.parseAsync();
  } catch (error) {
    const { message } = error instanceof Error ? error : new Error(String(error));
    console.error(process.env.DEBUG ? error : `${command.name()}: ${message}`);
    process.exitCode = 1;
  }
}
