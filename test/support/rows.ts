/** Tables of requests, and the status that each kind of caller gets; read, and acted out. */
import type { App } from '../../app.ts';
import { CALLERS, type Caller, setScene } from './cast.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
const ROW = /^([A-Z]+) (\/\S*) +(\S+) +((?:\d{3} *)+)(?:\n +(\{.*\}))?$/gm;

interface Row {
  method: (typeof METHODS)[number];
  /** With names in braces. */
  path: string;
  permission: string;
  body: string | undefined;
  status: (caller: Caller) => number;
}

/** @returns the table's rows: method, path, permission, and a status for each caller; under it the body, if any. */
export function parseRows(table: string): Row[] {
  const rows = [...table.matchAll(ROW)].map(
    ([line, verb, path = '', permission = '', numbers = '', body]) => {
      const method = METHODS.find((each) => each === verb);
      const statuses = numbers.trim().split(/ +/).map(Number);
      if (!method || statuses.length !== CALLERS.length) throw new Error(`This is no row: ${line}`);
      const status = (caller: Caller) => statuses[CALLERS.indexOf(caller)] ?? 0;
      // Where nothing is asked for, the holder holds what is of no use.
      return { method, path, permission: permission === '-' ? 'tea:make' : permission, body, status };
    },
  );
  const written = table.match(/^[A-Z]+ \//gm) ?? [];
  if (written.length !== rows.length) throw new Error('A row of the table can not be read.');
  return rows;
}

/** @returns the route that the row is about, as the service names it. */
export function routeOf({ method, path }: Pick<Row, 'method' | 'path'>): string {
  const [bare = ''] = path.split('?');
  return `${method} ${bare.replace(/\{\w+\}/, ':id').replace(/\{\w+\}/, ':userId')}`;
}

/** Sets the scene for the caller. @returns a function that sends the row's request, or one of another method. */
export async function prepare(app: App, { path, permission, body, ...row }: Row, caller: Caller) {
  const { names, send } = await setScene(app, caller, permission);
  const fill = (text: string) => text.replace(/\{(\w+)\}/g, (_all, name: string) => names[name] ?? '');
  const payload: object | undefined = body === undefined ? undefined : JSON.parse(fill(body));
  const request = { url: fill(path), ...(payload ? { payload } : {}) };
  return (method: Row['method'] | 'HEAD' = row.method) => send({ ...request, method });
}
