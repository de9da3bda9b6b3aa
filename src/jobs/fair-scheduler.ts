/** Work of one task that waits: one of many of its owner, who is one of many. */
export interface Flow {
  readonly owner: string;
  /** The task or asset. */
  readonly subject: string;
}

/**
 * Whose turn it is: owners in a ring, and within each owner their tasks in a ring. Who had a turn goes to the end, and
 * so does who comes anew, so that nobody waits for more than one round however much others bring. Each node keeps its
 * own rings: where every node is fair, all of them are.
 */
export class FairScheduler {
  readonly #owners = new RoundRobin();
  readonly #subjects = new Map<string, RoundRobin>();

  /** @param waiting what there is to choose from, the oldest first */
  next<F extends Flow>(waiting: readonly F[]): F | undefined {
    const byOwner = Map.groupBy(waiting, ({ owner }) => owner);
    for (const owner of this.#subjects.keys()) if (!byOwner.has(owner)) this.#subjects.delete(owner);
    const owner = this.#owners.first([...byOwner.keys()]);
    if (owner === undefined) return undefined;
    const subjects = this.#subjects.get(owner) ?? new RoundRobin();
    this.#subjects.set(owner, subjects);
    const subject = subjects.first(byOwner.get(owner)!.map((flow) => flow.subject));
    return byOwner.get(owner)!.find((flow) => flow.subject === subject);
  }

  /** It was their turn. */
  served({ owner, subject }: Flow): void {
    this.#owners.moveToBack(owner);
    this.#subjects.get(owner)?.moveToBack(subject);
  }
}

class RoundRobin {
  /** The first is who waits longest. */
  #names = new Set<string>();

  /** Of those who are here now; who left and comes again comes anew. */
  first(present: readonly string[]): string | undefined {
    const here = new Set(present);
    this.#names = new Set([...[...this.#names].filter((name) => here.has(name)), ...present]);
    return this.#names.values().next().value;
  }

  moveToBack(name: string): void {
    if (this.#names.delete(name)) this.#names.add(name);
  }
}
