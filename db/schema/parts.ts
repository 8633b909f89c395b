/**
 * The tables of what stands on the core: a line for each, under the name of its table. A part is left out by deleting its files and
 * its line here. Its file exports the table (`define`), the names of its audit events (`events`), and `keepExpired` if its rows are
 * to be removed so many milliseconds after their `expiresAt`.
 */
export * as tokens from './tokens.ts';
