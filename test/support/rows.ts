/** Parses tables of requests with a status for each kind of caller, and sends these requests. */
import type { App } from '../../app.ts';
import { CALLERS, type Caller, setScene } from './cast.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
const ROW = /^([A-Z]+) (\/\S*) +(\S+) +((?:\d{3} *)+)(?:\n +(\{.*\}))?$/gm;

interface Row {
  method: (typeof METHODS)[number];
  /** The path, with placeholders in braces. */
  path: string;
  permission: string;
  body: string | undefined;
  status: (caller: Caller) => number;
}

/** @returns the rows of the table. A row has a method, a path, a permission and a status for each caller; its body is below. */
export function parseRows(table: string): Row[] {
  const rows = [...table.matchAll(ROW)].map(
    ([line, verb, path = '', permission = '', numbers = '', body]) => {
      const method = METHODS.find((each) => each === verb);
      const statuses = numbers.trim().split(/ +/).map(Number);
      if (!method || statuses.length !== CALLERS.length) throw new Error(`This row is malformed: ${line}`);
      const status = (caller: Caller) => statuses[CALLERS.indexOf(caller)] ?? 0;
      // If the route requires no permission, the holder gets an unrelated one.
      return { method, path, permission: permission === '-' ? 'tea:make' : permission, body, status };
    },
  );
  const written = table.match(/^[A-Z]+ \//gm) ?? [];
  if (written.length !== rows.length) throw new Error('A row of the table is malformed.');
  return rows;
}

/** @returns the route of the row, as the service names it. */
export function routeOf({ method, path }: Pick<Row, 'method' | 'path'>): string {
  const [bare = ''] = path.split('?');
  return `${method} ${bare.replace(/\{\w+\}/, ':id').replace(/\{\w+\}/, ':userId')}`;
}

/** Makes the users and groups for the caller. @returns a function that sends the request of the row, or another method. */
export async function prepare(app: App, { path, permission, body, ...row }: Row, caller: Caller) {
  const { names, send } = await setScene(app, caller, permission);
  const fill = (text: string) => text.replace(/\{(\w+)\}/g, (_all, name: string) => names[name] ?? '');
  const payload: object | undefined = body === undefined ? undefined : JSON.parse(fill(body));
  const request = { url: fill(path), ...(payload ? { payload } : {}) };
  return (method: Row['method'] | 'HEAD' = row.method) => send({ ...request, method });
}
