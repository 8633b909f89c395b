/** Interleavings (see interleavings.ts) about sessions: what their confirmation renews, and who may end them. */
import { endSessions, holder, type Make } from './interleavings.ts';

export const SESSIONS: Record<string, Make> = {
  'A session that ends meanwhile can not be confirmed': async (stage) => {
    const person = await stage.person();
    return {
      request: (stage) => stage.confirm(person),
      meanwhile: endSessions(person.id),
      status: 401,
    };
  },
  'A session that is confirmed meanwhile can not go on by its old cookie': async (stage) => {
    const person = await stage.person();
    return {
      request: (stage) => stage.send(person, `PATCH /api/users/${person.id}`, { name: 'Late' }),
      meanwhile: (stage) => stage.confirm(person),
      status: 401,
    };
  },
  'A user who joins a group with * meanwhile keeps their sessions from a caller without *': async (stage) => {
    const [{ person }, target] = [await holder(stage, 'sessions:write'), await stage.target()];
    return {
      request: (stage) => stage.send(person, `DELETE /api/users/${target}/sessions`),
      meanwhile: (stage) => stage.put(stage.chief, stage.admins, target),
      status: 403,
    };
  },
  'A caller who loses a permission meanwhile can not end the sessions of a user who holds it': async (
    stage,
  ) => {
    const [{ person }, target] = [await holder(stage, 'sessions:write'), await stage.target()];
    const group = await stage.group(
      ['tea:make'],
      [
        [person.id, 'member'],
        [target, 'member'],
      ],
    );
    return {
      request: (stage) => stage.send(person, `DELETE /api/users/${target}/sessions`),
      meanwhile: (stage) => stage.lose(group, person),
      status: 403,
    };
  },
};
