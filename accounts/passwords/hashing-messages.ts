/** What goes between the hashing threads and their owner. */

/** What OWASP's password storage cheat sheet gives for Argon2id, the library's default; memory in KiB. */
export const PARAMETERS = { memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 };

export interface Question {
  password: string;
  /** What it is to be checked against; without it the password is hashed. */
  hashed?: string;
}

/** A hash, or whether the password is the one that was hashed; or what went wrong. */
export type Reply = { result: string | boolean } | { error: string };
