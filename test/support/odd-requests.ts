/**
 * Odd requests: what a proxy, a script or a slip of the finger makes of a request. A row has the status, the request line, the errors
 * in brackets (pointer and code) if there are any, and after a # why that is right. Below it stand a header, or the body, or both.
 * `{user}`, `{USER}` and `{group}` are ids; see SPECIAL for what can't be written down.
 */

import { isThere } from './optional.ts';

interface OddRequest {
  status: number;
  method: string;
  url: string;
  /** The errors, as pointer and code. */
  errors: string[] | undefined;
  why: string;
  headers: Record<string, string>;
  body: string | undefined;
}

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

/** What stands for bodies, and parts of them. */
const SPECIAL: Record<string, string> = {
  '(empty)': '',
  '(NUL)': '\u0000',
  '(BOM)': '\ufeff',
  '(line)': ' \n',
  '(deep)': nested(10_000),
  '(deeper)': nested(30_000),
};

const TABLE = String.raw`
400 GET /api/users?limt=5 [/limt unknown] # a misspelt one would be no limit
400 GET /api/users?LIMIT=5 [/LIMIT unknown] # names of parameters have a case
400 GET /api/users?limit=5&limit=5 [/limit repeated] # which one counts?
400 GET /api/sign/check?permission=a:b&permission=c:d [/permission repeated] # one of two that is ignored would open a door
400 GET /api/users?limit= [/limit type] # nothing is no number
400 GET /api/users?limit [/limit type] # a name alone has an empty value
400 GET /api/users?limit=five [/limit type] # a word is no number
400 GET /api/users?limit=5.5 [/limit type] # there are no half users
400 GET /api/users?limit=-5 [/limit too-small] # it must be one at least
200 GET /api/users?limit=05 # a zero in front changes no number
200 GET /api/users?%6Cimit=5 # a letter that is percent-encoded is the same (RFC 3986, section 6.2.2.2)
400 GET /api/users?active=TRUE [/active type] # it is true or false, as in JSON
400 GET /api/users?active=1 [/active type] # it is true or false, as in JSON
400 GET /api/users?q=%00 [/q format] # no name has a NUL
400 GET /api/users?group=readers [/group format] # it takes an id
400 GET /api/sign/check?permission= [/permission format] # an empty one would ask for nothing
400 GET /api/sign/check?permissions= [/permissions unknown] # a misspelt one would ask for nothing
400 GET /api/sign/check?permission=*:* [/permission format] # there is no such permission
204 GET /api/sign/check? # nothing more than being signed in is asked for
400 GET /api/groups?limit=0&after=x&foo=1 [/after format, /foo unknown, /limit too-small] # all is told at once
400 POST /api/users?dry-run=true [/dry-run unknown] # it would not be dry
    {"username":"dry"}
400 DELETE /api/users/{user}?dryRun=1 [/dryRun unknown] # it would remove

200 GET /api/users/{USER} # an id in upper case is the same (RFC 9562, section 4)
200 GET /api/users/{user}/ # a slash at the end changes nothing
400 GET /api/users/{user}%20 [/id format] # a space belongs to no id
400 GET /api/users/%7B{user}%7D [/id format] # braces belong to no id
400 GET /api/users/urn:uuid:{user} [/id format] # the id alone is the id
400 GET /api/users/me [/id format] # GET /api/sign says who one is
400 GET /api/users// [/id format] # an empty part of a path is no id
404 GET /api/users/{group} # it is the id of a group
404 GET /API/users # paths have a case
405 PUT /api/users # no route takes it, so that its body does not matter
    {"name":
404 POST /api/nothing # nor does it here
    {"name":

200 PATCH /api/users/{user} # a proxy that compresses makes tags weak
    If-Match: W/"1"
    {"name":""}
200 PATCH /api/users/{user} # any version
    If-Match: *
    {"name":""}
400 PATCH /api/users/{user} [/if-match format] # what is no entity tag can never match
    If-Match: 1
    {"name":""}
400 PATCH /api/users/{user} [/if-match format] # the tag got lost on the way
    If-Match: (empty)
    {"name":""}
400 PATCH /api/users/{user} [/if-match format] # a program had none
    If-Match: undefined
    {"name":""}
412 PATCH /api/users/{user} # another version
    If-Match: "2"
    {"name":""}
200 GET /api/users/{user} # reading does not look at it
    If-Match: 1
200 GET /api/users/{user} # answers are no-store, so there is nothing to compare with
    If-None-Match: "1"

200 PATCH /api/users/{user} # the last of two counts, as everywhere in JavaScript (RFC 8259, section 4, leaves it open)
    {"active":"no","active":true}
400 PATCH /api/users/{user} [/active type] # what counts is validated
    {"active":true,"active":"no"}
400 PATCH /api/users/{user} [/name type] # deep nesting costs no stack
    {"name":(deep)}
400 PATCH /api/users/{user} [/deep unknown] # nor in an unknown field
    {"deep":(deeper)}
400 PATCH /api/users/{user} [/name format] # databases do not keep NUL faithfully
    {"name":"a\u0000b"}
400 PATCH /api/users/{user} # a raw NUL is no JSON
    {"name":"a(NUL)b"}
400 PATCH /api/users/{user} [/name format] # a lone surrogate is no character
    {"name":"\ud83e"}
200 PATCH /api/users/{user} # a pair of them is one
    {"name":"\ud83e\udd8a"}
400 PATCH /api/users/{user} [/active type] # text is not taken for true or false
    {"active":"false"}
400 PATCH /api/users/{user} [/active type] # nor is a number
    {"active":0}
400 PATCH /api/users/{user} [/name type] # a number is not taken for text
    {"name":1}
400 POST /api/tokens [/expiresIn type] # a number in quotes is text
    {"name":"x","expiresIn":"3600"}
400 POST /api/tokens [/expiresIn type] # these are whole seconds
    {"name":"x","expiresIn":3600.5}
400 POST /api/tokens [/expiresIn too-large] # more than a number holds is infinite
    {"name":"x","expiresIn":1e400}
201 POST /api/tokens # 6e1 is 60 in JSON
    {"name":"x","expiresIn":6e1}
400 POST /api/tokens [/expiresIn too-small] # it would have ended
    {"name":"x","expiresIn":-0}
400 POST /api/tokens [/scopes type] # null is no list; leave the field out
    {"name":"x","scopes":null}
400 POST /api/tokens [/scopes repeated] # one of them is a slip
    {"name":"x","scopes":["a:b","a:b"]}
400 PATCH /api/users/{user} [/Name unknown] # names of fields have a case
    {"Name":"x"}
400 PATCH /api/users/{user} [/id unknown] # nobody sets an id
    {"id":"{user}"}
400 PATCH /api/users/{user} [/ unknown] # an empty name is a name
    {"":1}
400 PATCH /api/users/{user} # it would change what objects inherit
    {"__proto__":{"active":false}}
400 PATCH /api/users/{user} [ too-few] # most likely a slip
    {}
400 PATCH /api/users/{user} [ type] # a change needs a body
    (empty)
200 PATCH /api/users/{user} # a parser may ignore a byte order mark (RFC 8259, section 8.1)
    (BOM){"name":"x"}
200 PATCH /api/users/{user} # spaces around it are allowed
    (line){"name":"x"}(line)
400 PATCH /api/users/{user} # a comma too many is no JSON
    {"name":"x",}
400 PATCH /api/users/{user} # NaN is no JSON
    {"name":NaN}
200 GET /api/users/{user} # the body of a GET means nothing (RFC 9110, section 9.3.1)
    {"name":"x"}
204 DELETE /api/groups/{group} # an empty body is none
    (empty)
`;

const ROW = /^(\d{3}) ([A-Z]+) (\S+)(?: \[(.*)\])? # (.+)$/;
const HEADER = /^([A-Z][\w-]+): (.*)$/;

function special(text: string): string {
  return Object.entries(SPECIAL).reduce((filled, [name, value]) => filled.replaceAll(name, value), text);
}

const ALL: OddRequest[] = TABLE.split(/\n(?=\d{3} )/)
  .filter((block) => block.trim() !== '')
  .map((block) => {
    const [line = '', ...below] = block
      .trimEnd()
      .split('\n')
      .map((each) => each.trim());
    const [, status, method = '', url = '', errors, why = ''] = ROW.exec(line) ?? [];
    if (status === undefined) throw new Error(`This row is malformed: ${line}`);
    const headers = below.flatMap((each) => {
      const [, name, value = ''] = HEADER.exec(each) ?? [];
      return name ? [[name.toLowerCase(), special(value)]] : [];
    });
    const body = below.find((each) => each !== '' && !HEADER.test(each));
    return {
      status: Number(status),
      method,
      url,
      errors: errors?.split(', ').sort(),
      why,
      headers: Object.fromEntries(headers),
      body: body === undefined ? undefined : special(body),
    };
  });

export const ODD_REQUESTS = ALL.filter(({ url }) => isThere(url));
