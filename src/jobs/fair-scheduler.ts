/** The waiting runs of one task: the unit that is scheduled. An owner may have many. */
export interface Flow {
  readonly owner: string;
  /** Id of the task or asset. */
  readonly subject: string;
}

/**
 * Round-robin over owners, then over each owner's tasks. A served owner or task and a new one go to the back, so nothing
 * waits for more than one round, whatever the load of others. Each node schedules on its own: if every node is fair, so is
 * the cluster.
 */
export class FairScheduler {
  readonly #owners = new RoundRobin();
  readonly #subjects = new Map<string, RoundRobin>();

  /**
   * Picks the flow to serve next and does not advance the round: call {@link served} once it was served.
   * @param waiting candidates, oldest first
   */
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

  /** Moves the flow's owner, and the flow within its owner, to the back. */
  served({ owner, subject }: Flow): void {
    this.#owners.moveToBack(owner);
    this.#subjects.get(owner)?.moveToBack(subject);
  }
}

class RoundRobin {
  /** In the order of service: the first has waited longest. */
  #names = new Set<string>();

  /** First of the names that are present. Absent names lose their place; new ones go to the back. */
  first(present: readonly string[]): string | undefined {
    const here = new Set(present);
    this.#names = new Set([...[...this.#names].filter((name) => here.has(name)), ...present]);
    return this.#names.values().next().value;
  }

  moveToBack(name: string): void {
    if (this.#names.delete(name)) this.#names.add(name);
  }
}
