/**
 * Runs the commands of a page of the documentation in a copy of the project, in their order, as a reader would type them: those in the
 * blocks that begin with "```sh test". An output that the page shows below a block must be what came.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { run, type Server, startServer } from './processes.ts';

/** The password that the pages use. */
const PASSWORD = 'correct horse';
/** The longest time for one command, in milliseconds: all checks of the project are one. */
const LONGEST = 120_000;
const BLOCK = /^( *)```(\w*)(?: (\S+))?\n([\s\S]*?)^\1```$/gm;
const ADDRESS = 'http://127.0.0.1:5000';

interface Block {
  language: string;
  /** "test" when its commands are typed, or the test file that has them. */
  mark: string;
  text: string;
  /** Where it begins and ends in the page. */
  from: number;
  to: number;
}

export interface Reading {
  folder: string;
  /** The settings of the service and the commands. */
  environment?: Record<string, string>;
  /** What a reader has typed before the page. */
  first?: string[];
  /** What else a reader does before a command that includes the text, by that text. */
  before?: Record<string, (reader: Reader) => Promise<void> | void>;
}

/** @returns the fenced blocks of a page, without their indentation. */
export function blocksOf(page: string): Block[] {
  return [...page.matchAll(BLOCK)].map((found) => {
    const [whole, indentation = '', language = '', mark = '', text = ''] = found;
    const lines = text.replaceAll(new RegExp(`^${indentation}`, 'gm'), '');
    const place = { from: found.index, to: found.index + whole.length };
    return { language, mark, text: lines, ...place };
  });
}

/** Replaces what differs from run to run: ids, times, secrets. */
function masked(output: string): string {
  const text = output
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/\brcc?_[\w-]+/g, 'SECRET')
    .replaceAll('\r', '')
    .replace(/"requestId": ?"[^"]+"/g, '"requestId":"ID"')
    .trim();
  return /^[{[]/.test(text) ? JSON.stringify(JSON.parse(text)) : text;
}

/** Someone who reads a page and types its commands. */
export class Reader {
  readonly #t: Test;
  readonly #reading: Reading;
  /** What stands for the words in capitals in the page's commands. */
  readonly #words = new Map<string, string>();
  server: Server | undefined;

  constructor(t: Test, reading: Reading) {
    this.#t = t;
    this.#reading = reading;
  }

  /** Runs the command. @returns its output. @throws when it fails. */
  async type(command: string): Promise<string> {
    const { folder, environment = {}, before = {} } = this.#reading;
    for (const [text, prepare] of Object.entries(before)) if (command.includes(text)) await prepare(this);
    // The packages are installed already, and the port of the pages may be in use.
    if (command.endsWith('npm start')) {
      this.server = await startServer(this.#t, { folder, environment });
      return '';
    }
    const asks = / user (create|password) /.test(command) && !command.includes(' --code');
    const filled = command
      .replaceAll(ADDRESS, this.server?.url ?? ADDRESS)
      .replace(/\b[A-Z]{3,}\b/g, (word) => this.#words.get(word) ?? word);
    const { code, stdout, stderr } = await run(
      folder,
      'bash',
      ['-c', asks ? `${filled} --password-stdin` : filled],
      { environment: { ...environment, ...this.#port() }, input: `${PASSWORD}\n`, deadline: LONGEST },
    );
    if (code !== 0) throw new Error(`${command} ended with ${code}:\n${stdout}${stderr}`);
    this.#learn(command, stdout);
    return stdout;
  }

  /** @returns the setting by which commands find the running service. */
  #port(): Record<string, string> {
    return this.server ? { PORT: this.server.port } : {};
  }

  /** Remembers the ids and secrets in an answer, which the page names in capitals in its next commands. */
  #learn(command: string, output: string): void {
    const listed = / (token|session) list /.exec(command)?.[1];
    const [id] = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(output) ?? [];
    if (listed && id) this.#words.set(listed.toUpperCase(), id);
    if (!output.startsWith('{')) return;
    const { reset, secret, ...made } = JSON.parse(output);
    if (reset) this.#words.set('CODE', reset.code);
    if (secret) this.#words.set('SECRET', secret).set('TOKEN', made.id);
    const kind = made.username ? 'USER' : made.permissions ? 'GROUP' : undefined;
    if (kind && made.id)
      for (const word of [kind, made.username ?? made.name]) this.#words.set(word.toUpperCase(), made.id);
  }
}

/** Follows the page. @returns the number of commands that ran. */
export async function follow(t: Test, page: string, reading: Reading): Promise<number> {
  const text = readFileSync(join(reading.folder, page), 'utf8');
  const blocks = blocksOf(text);
  const reader = new Reader(t, reading);
  for (const command of reading.first ?? []) await reader.type(command);
  let count = 0;
  for (const [index, block] of blocks.entries()) {
    if (block.mark !== 'test') continue;
    let output = '';
    for (const command of block.text.trim().split('\n')) {
      output = await reader.type(command);
      count++;
    }
    const next = blocks[index + 1];
    // What is shown directly below is the output.
    if (!next || next.language === 'sh' || text.slice(block.to, next.from).trim() !== '') continue;
    t.equal(masked(output), masked(next.text), `${page}: ${block.text}`);
  }
  return count;
}
