/**
 * The tables of who may set and who may see each field of users, groups, members, tokens and sessions. The columns are
 * those of permitted.ts. A field that is not listed can not be set.
 */
import { parseRows } from './rows.ts';

export const SETTING = parseRows(`
                                                         anon- mem-  other man- other hol- admi- dis-  token without
route                                    permission      ymous ber         ager       der  nistr abled
POST /api/users                           users:write     401   403   403   403   403   201   201   401   201   403
  {"username":"{newName}"}
POST /api/users                           users:write     401   403   403   403   403   201   201   401   201   403
  {"username":"{newName}","name":"New"}
POST /api/users                           users:write     401   403   403   403   403   201   201   401   201   403
  {"username":"{newName}","email":"{newName}@example.org"}
POST /api/users                           users:write     401   403   403   403   403   201   201   401   201   403
  {"username":"{newName}","active":false}
POST /api/users                           users:write     401   403   403   403   403   201   201   401   201   403
  {"username":"{newName}","password":"another password"}
PATCH /api/users/{user}                   users:write     401   403   403   403   403   200   200   401   200   403
  {"username":"{newName}"}
PATCH /api/users/{user}                   users:write     401   200   403   403   403   200   200   401   200   403
  {"name":"New"}
PATCH /api/users/{user}                   users:write     401   200   403   403   403   200   200   401   200   403
  {"email":"{newName}@example.org"}
PATCH /api/users/{user}                   users:write     401   403   403   403   403   200   200   401   200   403
  {"active":false}
PUT /api/users/{user}/password            users:write     401   204   403   403   403   403   403   401   403   403
  {"current":"{password}","password":"another password"}
POST /api/sign/reset -                                    204   204   204   204   204   204   204   204   204   204
  {"code":"{code}","password":"another password"}
POST /api/sign/up -                                       201   201   201   201   201   201   201   201   201   201
  {"username":"{newName}","password":"another password","name":"New","email":"{newName}@example.org"}

POST /api/groups                          groups:write    401   403   403   403   403   201   201   401   201   403
  {"name":"{newName}"}
POST /api/groups                          groups:write    401   403   403   403   403   201   201   401   201   403
  {"name":"{newName}","title":"New"}
POST /api/groups                          groups:write    401   403   403   403   403   403   201   401   403   403
  {"name":"{newName}","permissions":["tea:make"]}
POST /api/groups                          groups:write    401   403   403   403   403   201   201   401   201   403
  {"name":"{newName}","permissions":["groups:write"]}
PATCH /api/groups/{group}                 groups:write    401   403   403   403   403   200   200   401   200   403
  {"name":"{newName}"}
PATCH /api/groups/{group}                 groups:write    401   403   403   403   403   200   200   401   200   403
  {"title":"New"}
PATCH /api/groups/{group}                 groups:write    401   403   403   403   403   403   200   401   403   403
  {"permissions":["tea:make"]}
PATCH /api/groups/{group}                 groups:write    401   403   403   403   403   200   200   401   200   403
  {"permissions":["groups:write"]}
PUT /api/groups/{group}/members/{user}    groups:write    401   403   403   200   403   200   200   401   200   403
  {"role":"member"}
PUT /api/groups/{group}/members/{user}    groups:write    401   403   403   200   403   200   200   401   200   403
  {"role":"manager"}

POST /api/tokens -                                        401   201   201   201   201   201   201   401   403   403
  {"name":"new"}
POST /api/tokens                          tea:make        401   403   403   403   403   201   201   401   403   403
  {"name":"new","scopes":["tea:make"]}
POST /api/tokens                          tea:make        401   403   403   403   403   403   201   401   403   403
  {"name":"new","scopes":["*"]}
POST /api/tokens -                                        401   201   201   201   201   201   201   401   403   403
  {"name":"new","expiresIn":60}

POST /api/sign/in -                                       200   200   200   200   200   200   200   401   200   200
  {"username":"{username}","password":"{password}","remember":true}
POST /api/sign/confirm -                                  401   204   204   204   204   204   204   401   403   403
  {"password":"{password}"}
`);

const USER = 'active createdAt email id lastSignInAt name updatedAt username';
const GROUP = 'createdAt id name permissions title updatedAt';
const SESSION = 'address createdAt current endsAt expiresAt id lastSeenAt userAgent';

/**
 * The fields that each GET shows, of the object or of each item in a list, to the callers with status 200; and those that it shows
 * in addition to an administrator, and to the callers who hold the permission of the row.
 */
export const SEEING = [
  {
    fields: USER,
    more: 'passwordSetBy',
    table: 'GET /api/users/{user} -                           401 200 200 200 200 200 200 401 200 200',
  },
  {
    fields: USER,
    more: 'passwordSetBy',
    table: 'GET /api/users/{user} users:write                 401 200 200 200 200 200 200 401 200 200',
  },
  {
    fields: USER,
    more: 'passwordSetBy',
    table: 'GET /api/users/{user} groups:write                401 200 200 200 200 200 200 401 200 200',
  },
  { fields: USER, table: 'GET /api/users -                   401 200 200 200 200 200 200 401 200 200' },
  { fields: GROUP, table: 'GET /api/groups/{group} -         401 200 200 200 200 200 200 401 200 200' },
  { fields: GROUP, table: 'GET /api/groups -                 401 200 200 200 200 200 200 401 200 200' },
  {
    fields: 'createdAt group.id group.name group.title role',
    table: 'GET /api/users/{user}/groups -                    401 200 200 200 200 200 200 401 200 200',
  },
  {
    fields: 'createdAt passwordSetBy role user.id user.name user.username',
    table: 'GET /api/groups/{group}/members groups:write      401 403 403 200 403 200 200 401 200 403',
  },
  {
    fields: 'createdAt expiresAt id lastUsedAt name scopes',
    table: 'GET /api/tokens -                                 401 200 200 200 200 200 200 401 403 403',
  },
  { fields: SESSION, table: 'GET /api/sessions -             401 200 200 200 200 200 200 401 403 403' },
  {
    fields: SESSION,
    table: 'GET /api/users/{user}/sessions sessions:write     401 403 403 403 403 200 200 401 200 403',
  },
].map(({ fields, more = '', table }) => ({
  fields: fields.split(' '),
  more: more.split(' ').filter(Boolean),
  row: parseRows(table)[0],
}));
