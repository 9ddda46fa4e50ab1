/** A server process with the port of 127.0.0.1 it listens on. */
export interface Running {
  port: number;
  exited: Promise<void>;
  stop(): Promise<void>;
}

export interface OnDemand {
  get(): Promise<Running>;
  stop(): Promise<void>;
}

/** Starts a server when it is first asked for, and again when it is asked for after it died. */
export function onDemand(start: () => Promise<Running>): OnDemand {
  let current: Promise<Running> | undefined;
  let stopped = false;

  return {
    get() {
      if (stopped) return Promise.reject(new Error('the stack is stopping'));
      if (current === undefined) {
        const attempt = start();
        const forget = () => {
          if (current === attempt) current = undefined;
        };
        // A failed start is reported to whoever asked for it; here it only clears the way.
        attempt.then((running) => running.exited).then(forget, forget);
        current = attempt;
      }
      return current;
    },
    async stop() {
      stopped = true;
      const running = await current?.catch(() => undefined);
      await running?.stop();
    },
  };
}
