/** Tables of requests with a status for each kind of caller, and what sends these requests. */
import type { App } from '../../app.ts';
import { type Caller, setScene } from './cast.ts';
import { type Method, parse, type Step } from './request.ts';

type Statuses = Record<Caller, number>;

export interface Row {
  /** The path has placeholders in braces (see setScene); so has the body. */
  send: Step['send'];
  body?: object;
  /** The permission of the holder and the scope of the token. Without one, they have another one. */
  permission?: string;
  /** The expected status for each caller. */
  answers: Statuses;
}

export const everyone = (status: number): Statuses => ({
  anonymous: status,
  disabled: status,
  member: status,
  manager: status,
  'other member': status,
  'other manager': status,
  holder: status,
  administrator: status,
  token: status,
  'token without': status,
});
export const signedIn = (status: number) => ({ ...everyone(status), anonymous: 401, disabled: 401 });
/** Those who signed in with a password. */
export const sessions = (status: number) => ({ ...signedIn(status), token: 403, 'token without': 403 });
/** The holders of a permission. */
export const holders = (status: number) => ({
  ...signedIn(403),
  holder: status,
  administrator: status,
  token: status,
});
/** The managers of the group, and the holders of a permission. */
export const managers = (status: number) => ({ ...holders(status), manager: status });

/** The blueprints that each table must list. Of others it lists all routes or none (see declared.test.ts). */
const OWN = ['users', 'groups', 'sessions', 'tokens', 'sign', 'audit'].map((name) => `/api/${name}`);

/** @returns the blueprint of a route: the beginning of its path. */
const blueprintOf = (route: string) => /^\w+ ((?:\/api)?\/\w*)/.exec(route)?.[1];

/** @returns the route of the row, as `namesOf` names it. */
export function routeOf({ send }: Pick<Row, 'send'>): string {
  const [bare = ''] = send.split('?');
  return bare.replaceAll(/\{\w+\}/g, ':');
}

/**
 * @returns the routes that the table must list: those of Rollcall's own blueprints, and all of another blueprint of which it lists
 * any. Without a row, the routes of another blueprint are held to what they declare (declared.test.ts).
 */
export function routesToList(rows: Pick<Row, 'send'>[], routes: string[]): string[] {
  const blueprints = new Set([...OWN, ...rows.map((row) => blueprintOf(row.send))]);
  return routes.filter((route) => blueprints.has(blueprintOf(route)));
}

/** @returns a function that puts the values in the place of `{name}`. */
export const filler = (values: Record<string, string>) => (text: string) =>
  text.replace(/\{(\w+)\}/g, (_all, name: string) => values[name] ?? '');

/** @returns the body with values in the place of its placeholders. */
export const fillBody = (body: object, fill: (text: string) => string): object =>
  JSON.parse(fill(JSON.stringify(body)));

/** Makes the users and groups for the caller. @returns a function that sends the request of the row, or another method, with more headers. */
export async function prepare(app: App, { send, body, permission = 'tea:make' }: Row, caller: Caller) {
  const { names, send: sendTo } = await setScene(app, caller, permission);
  const fill = filler(names);
  const { method, path } = parse(send);
  const request = { url: fill(path), ...(body ? { payload: fillBody(body, fill) } : {}) };
  return (instead: Method = method, headers: Record<string, string> = {}) =>
    sendTo({ ...request, method: instead, headers });
}
