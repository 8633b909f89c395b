/**
 * The authorization matrix: a row for each route, or for each decision of a route, with the status for each caller.
 *
 * `member` is the target of the request: the user of /api/users/:id, and a plain member of the group of /api/groups/:id.
 * `manager` manages that group. The `other` ones belong to another group. `holder` belongs to a group with the permission
 * of the row. The tokens belong to an administrator who manages the group; one has the permission as its scope, and one
 * has no scope. The body of a request is below its row.
 */
import { parseRows } from './rows.ts';

export const ROWS = parseRows(`
                                                         anon- mem-  other man- other hol- admi- dis-  token without
route                                    permission      ymous ber         ager       der  nistr abled
GET / -                                                   200   200   200   200   200   200   200   200   200   200
GET /livez -                                              200   200   200   200   200   200   200   200   200   200
GET /readyz -                                             200   200   200   200   200   200   200   200   200   200

POST /api/sign/in -                                       200   200   200   200   200   200   200   401   200   200
  {"username":"{username}","password":"{password}"}
POST /api/sign/out -                                      204   204   204   204   204   204   204   204   204   204
POST /api/sign/reset -                                    204   204   204   204   204   204   204   204   204   204
  {"code":"{code}","password":"another password"}
POST /api/sign/up -                                       201   201   201   201   201   201   201   201   201   201
  {"username":"{newName}","password":"{password}"}
GET /api/sign -                                           401   200   200   200   200   200   200   401   200   200
POST /api/sign/confirm -                                  401   204   204   204   204   204   204   401   403   403
  {"password":"{password}"}
GET /api/sign/check -                                     401   204   204   204   204   204   204   401   204   204
GET /api/sign/check?permission=tea:make   tea:make        401   403   403   403   403   204   204   401   204   403
GET /api/sign/check?group={groupName} -                   401   204   403   204   403   403   403   401   403   403

GET /api/sessions -                                       401   200   200   200   200   200   200   401   403   403
DELETE /api/sessions -                                    401   204   204   204   204   204   204   401   403   403
DELETE /api/sessions/{session} -                          401   204   404   404   404   404   404   401   403   403
GET /api/tokens -                                         401   200   200   200   200   200   200   401   403   403
POST /api/tokens -                                        401   201   201   201   201   201   201   401   403   403
  {"name":"new"}
POST /api/tokens                          tea:make        401   403   403   403   403   201   201   401   403   403
  {"name":"new","scopes":["tea:make"]}
DELETE /api/tokens/{token} -                              401   204   404   404   404   404   404   401   403   403

GET /api/users -                                          401   200   200   200   200   200   200   401   200   200
POST /api/users                           users:write     401   403   403   403   403   201   201   401   201   403
  {"username":"{newName}"}
GET /api/users/{user} -                                   401   200   200   200   200   200   200   401   200   200
PATCH /api/users/{user}                   users:write     401   200   403   403   403   200   200   401   200   403
  {"name":"New","email":"{newName}@example.org"}
PATCH /api/users/{user}                   users:write     401   403   403   403   403   200   200   401   200   403
  {"username":"{newName}","active":false}
DELETE /api/users/{user}                  users:write     401   403   403   403   403   204   204   401   204   403
PUT /api/users/{user}/password            users:write     401   204   403   403   403   403   403   401   403   403
  {"current":"{password}","password":"another password"}
POST /api/users/{user}/reset              users:write     401   403   403   403   403   201   201   401   201   403
GET /api/users/{user}/groups -                            401   200   200   200   200   200   200   401   200   200
GET /api/users/{user}/sessions            sessions:write  401   403   403   403   403   200   200   401   200   403
DELETE /api/users/{user}/sessions         sessions:write  401   403   403   403   403   204   204   401   204   403

GET /api/groups -                                         401   200   200   200   200   200   200   401   200   200
POST /api/groups                          groups:write    401   403   403   403   403   201   201   401   201   403
  {"name":"{newName}"}
POST /api/groups                          groups:write    401   403   403   403   403   403   201   401   403   403
  {"name":"{newName}","permissions":["tea:make"]}
GET /api/groups/{group} -                                 401   200   200   200   200   200   200   401   200   200
PATCH /api/groups/{group}                 groups:write    401   403   403   403   403   200   200   401   200   403
  {"title":"New"}
PATCH /api/groups/{group}                 groups:write    401   403   403   403   403   403   200   401   403   403
  {"permissions":["tea:make"]}
DELETE /api/groups/{group}                groups:write    401   403   403   403   403   204   204   401   204   403
GET /api/groups/{group}/members           groups:write    401   403   403   200   403   200   200   401   200   403
PUT /api/groups/{group}/members/{user}    groups:write    401   403   403   200   403   200   200   401   200   403
  {"role":"manager"}
DELETE /api/groups/{group}/members/{user} groups:write    401   403   403   204   403   204   204   401   204   403

GET /api/audit                            audit:read      401   403   403   403   403   200   200   401   200   403
`);
