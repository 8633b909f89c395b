/** Remembers which writes the service has acknowledged, and looks afterwards whether each of them is in the database, once. */
import { query } from '../database-content.ts';

/** The names that a user may have: the last one acknowledged, and those without an answer, which may have been written or not. */
interface Names {
  acknowledged: string;
  unanswered: string[];
}

export class Ledger {
  /** The User-Agent of the requests, by which their entries in the audit trail are found. */
  readonly userAgent: string;
  /** Whether writes that are acknowledged now may be lost, or not: the test replaces the database, or damages it. */
  isUncertain = false;
  /** How many writes were acknowledged. */
  acknowledged = 0;
  #sent = 0;
  #nextName = 0;
  /** What was written, by the id of its request. Each write leaves one entry in the audit trail, with this id. */
  readonly #acknowledged = new Map<string, string>();
  readonly #groups = new Set<string>();
  readonly #names = new Map<string, Names>();
  readonly #living = new Set<string>();
  readonly #ended = new Set<string>();

  constructor(userAgent: string) {
    this.userAgent = userAgent;
  }

  /** @returns a name that nothing else has. */
  newName(): string {
    return `${this.userAgent}.${this.#nextName++}`;
  }

  /** A write is about to be sent. */
  sending(): void {
    this.#sent++;
  }

  /** A write was answered with success. */
  written(requestId: string, what: string): void {
    this.acknowledged++;
    if (!this.isUncertain) this.#acknowledged.set(requestId, what);
  }

  groupMade(name: string): void {
    if (!this.isUncertain) this.#groups.add(name);
  }

  /** A user has got the name, which is one of those without an answer. */
  named(userId: string, name: string): void {
    if (this.isUncertain) return;
    const names = this.namesOf(userId);
    names.unanswered.splice(names.unanswered.indexOf(name), 1);
    names.acknowledged = name;
  }

  /** @returns the names that the user may have. */
  namesOf(userId: string): Names {
    const known = this.#names.get(userId) ?? { acknowledged: '', unanswered: [] };
    this.#names.set(userId, known);
    return known;
  }

  signedIn(sessionId: string): void {
    if (!this.isUncertain) this.#living.add(sessionId);
  }

  /** A sign-out is about to be sent: without an answer, nobody knows whether the session lives. @returns whether it lives now. */
  signingOut(sessionId: string): boolean {
    return this.#living.delete(sessionId);
  }

  signedOut(sessionId: string): void {
    if (!this.isUncertain) this.#ended.add(sessionId);
  }

  /** Reads the database without the service. @returns a sentence for each write that is missing, there twice, or undone. */
  async faults(databaseUrl: string): Promise<string[]> {
    return [
      ...(await this.#faultsOfAudit(databaseUrl)),
      ...(await this.#faultsOfGroups(databaseUrl)),
      ...(await this.#faultsOfSessions(databaseUrl)),
      ...(await this.#faultsOfNames(databaseUrl)),
    ];
  }

  async #faultsOfAudit(databaseUrl: string): Promise<string[]> {
    const where = `user_agent = '${this.userAgent}'`;
    const rows = await query(databaseUrl, `SELECT request_id AS id FROM audit WHERE ${where}`);
    const counts = new Map<string, number>();
    for (const { id } of rows) counts.set(String(id), (counts.get(String(id)) ?? 0) + 1);
    const faults: string[] = [];
    for (const [id, what] of this.#acknowledged)
      if (!counts.has(id))
        faults.push(`${what} was acknowledged (request ${id}) and is not in the audit trail`);
    for (const [id, count] of counts)
      if (count > 1) faults.push(`request ${id} (${this.#acknowledged.get(id)}) was written ${count} times`);
    if (counts.size > this.#sent) faults.push(`${this.#sent} writes were sent, and ${counts.size} written`);
    return faults;
  }

  async #faultsOfGroups(databaseUrl: string): Promise<string[]> {
    const rows = await query(databaseUrl, 'SELECT name FROM `groups`');
    const found = new Set(rows.map(({ name }) => name));
    const missing = [...this.#groups].filter((name) => !found.has(name));
    return missing.map((name) => `the group ${name} was acknowledged and is not there`);
  }

  async #faultsOfSessions(databaseUrl: string): Promise<string[]> {
    const found = new Set((await query(databaseUrl, 'SELECT id FROM sessions')).map(({ id }) => id));
    const missing = [...this.#living].filter((id) => !found.has(id));
    const left = [...this.#ended].filter((id) => found.has(id));
    return [
      ...missing.map((id) => `the session ${id} was acknowledged and is not there`),
      ...left.map((id) => `the session ${id} was signed out and lives`),
    ];
  }

  async #faultsOfNames(databaseUrl: string): Promise<string[]> {
    const faults: string[] = [];
    for (const { id, name } of await query(databaseUrl, 'SELECT id, name FROM users')) {
      const names = this.#names.get(String(id));
      if (names && ![names.acknowledged, ...names.unanswered].includes(String(name)))
        faults.push(`the user ${id} is named "${name}", and "${names.acknowledged}" was acknowledged`);
    }
    return faults;
  }
}
