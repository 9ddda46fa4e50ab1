/** Where a run is, on stderr: one line that changes on a terminal, plain lines elsewhere. */
export interface Progress {
  /** A long step that has come this far. */
  step(what: string, done: number, total: number): void;
  /** Something that is finished and stays on the screen. */
  line(text: string): void;
}

export function progressTo(stream: NodeJS.WriteStream): Progress {
  let shown = '';
  const wipe = () => {
    if (stream.isTTY) stream.write('\r\x1b[K');
  };
  return {
    step(what, done, total) {
      const text = `${what}: ${done.toLocaleString('en')} of ${total.toLocaleString('en')}`;
      wipe();
      if (stream.isTTY) {
        stream.write(text);
      } else {
        // a log wants tenths, not every step
        const tenth = `${what} ${Math.floor((done / total) * 10)}`;
        if (tenth !== shown) stream.write(`${text}\n`);
        shown = tenth;
      }
    },
    line(text) {
      wipe();
      stream.write(`${text}\n`);
    },
  };
}
