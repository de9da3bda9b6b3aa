import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningServer } from './server.ts';
import { type Answer, call } from './tasks.ts';

/** A request, and the status that it should be answered with. */
export interface Wish {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly status: number;
}

export interface LoadOptions {
  /** Who may be asked now: in turns, and another where a connection is refused, as a load balancer does. */
  readonly servers: () => readonly RunningServer[];
  /** What every client asks for, one after the other, again and again. */
  readonly overrides: readonly (() => Wish)[];
  readonly clients: number;
  /** How long a client waits between its requests, in milliseconds. */
  readonly pauseMs: number;
}

/** What became of the requests so far. Each is one or the other. */
export interface Toll {
  readonly answers: readonly Answer[];
  /** Requests that got another answer than they should, or none. */
  readonly failures: readonly string[];
}

const REFUSALS = 20;

/** Clients that ask all the while, and ask for nothing twice. Call `stop` to have them finish what they are at. */
export function askAllTheWhile({
  servers,
  overrides,
  clients,
  pauseMs,
}: LoadOptions): Toll & { stop(): Promise<void> } {
  const answers: Answer[] = [];
  const failures: string[] = [];
  let over = false;
  const ask = async (wish: Wish, turn: number) => {
    for (let refusals = 0; ; refusals++) {
      const all = servers();
      try {
        const answer = await call(all[(turn + refusals) % all.length]!, wish.method, wish.path, wish);
        if (answer.status === wish.status) answers.push(answer);
        else failures.push(`${wish.method} ${wish.path}: ${answer.status} ${answer.text.slice(0, 300)}`);
        return;
      } catch (error) {
        const { code } = ((error as Error).cause ?? {}) as { code?: string };
        if (code === 'ECONNREFUSED' && refusals < REFUSALS) continue;
        failures.push(`${wish.method} ${wish.path}: ${error} ${code}`);
        return;
      }
    }
  };
  const client = async (first: number) => {
    for (let turn = first; ; turn++) {
      await sleep(pauseMs);
      if (over) return;
      await ask(overrides[turn % overrides.length]!(), turn);
    }
  };
  const all = Array.from({ length: clients }, (_, i) => client(i));
  return {
    answers,
    failures,
    async stop() {
      over = true;
      await Promise.all(all);
    },
  };
}
