import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningServer } from './server.ts';
import { type Answer, call } from './tasks.ts';

/** Request with the expected status. */
export interface LoadRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly status: number;
}

export interface LoadOptions {
  /** Available servers: used round-robin, with failover on a refused connection, like a load balancer. */
  readonly servers: () => readonly RunningServer[];
  /** Requests of each client, in a loop. */
  readonly requests: readonly (() => LoadRequest)[];
  readonly clients: number;
  /** Pause of a client between requests, in milliseconds. */
  readonly pauseMs: number;
}

/** Outcome of the requests so far: each counts once. */
export interface LoadOutcome {
  readonly answers: readonly Answer[];
  /** Requests with an unexpected answer, or none. */
  readonly failures: readonly string[];
}

const REFUSALS = 20;

/** Starts clients that send requests continuously, without retries. `stop` waits for their current requests. */
export function startLoad({
  servers,
  requests,
  clients,
  pauseMs,
}: LoadOptions): LoadOutcome & { stop(): Promise<void> } {
  const answers: Answer[] = [];
  const failures: string[] = [];
  let over = false;
  const ask = async (request: LoadRequest, turn: number) => {
    for (let refusals = 0; ; refusals++) {
      const all = servers();
      try {
        const answer = await call(all[(turn + refusals) % all.length]!, request.method, request.path, request);
        if (answer.status === request.status) answers.push(answer);
        else failures.push(`${request.method} ${request.path}: ${answer.status} ${answer.text.slice(0, 300)}`);
        return;
      } catch (error) {
        const { code } = ((error as Error).cause ?? {}) as { code?: string };
        if (code === 'ECONNREFUSED' && refusals < REFUSALS) continue;
        failures.push(`${request.method} ${request.path}: ${error} ${code}`);
        return;
      }
    }
  };
  const client = async (first: number) => {
    for (let turn = first; ; turn++) {
      await sleep(pauseMs);
      if (over) return;
      await ask(requests[turn % requests.length]!(), turn);
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
