/**
 * The tables of what stands on the core: a line for each, under a name of its own. A blueprint that nothing else uses is left out by
 * deleting its files and its line here. The file of a table exports what `Part` in tables.ts says.
 */
export * as tokens from './tokens.ts';
