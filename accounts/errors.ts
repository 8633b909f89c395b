/**
 * Why a rule refuses. Two tables turn these errors, and the database's, into answers: plugins/http/problems.ts for the API and
 * manage/errors.ts for the commands.
 */

/** A rule refuses, whatever the reason. */
export class RuleError extends Error {
  constructor(message?: string) {
    super(message);
    this.name = new.target.name;
  }
}

/** There is nothing of that kind with this id. */
export class NotFoundError extends RuleError {
  readonly kind: string;
  constructor(kind: string) {
    super(`There is no ${kind} with this id.`);
    this.kind = kind;
  }
}

/** The caller has not signed in, or their session or token has ended, or their user was disabled or removed. */
export class UnauthenticatedError extends RuleError {
  override message = 'The session or token has ended, or its user was disabled or removed.';
}

/** Username and password do not belong together, or the user may not sign in. */
export class WrongCredentialsError extends RuleError {
  override message = 'The username or the password is wrong.';
}

/** A signed-in user gave a wrong password. */
export class WrongPasswordError extends RuleError {
  /** Whether they were changing it, and gave the old one beside a new one. */
  readonly changing: boolean;
  constructor(changing: boolean) {
    super(changing ? 'The current password is wrong.' : 'The password is wrong.');
    this.changing = changing;
  }
}

/** The caller lacks permissions. */
export class MissingPermissionError extends RuleError {
  readonly permissions: readonly string[];
  constructor(permissions: readonly string[]) {
    super(`This asks for the permission ${permissions.join(', ')}.`);
    this.permissions = permissions;
  }
}

/** The operator makes a token with scopes that its owner does not hold. */
export class OwnerLacksPermissionError extends RuleError {
  constructor(username: string, permissions: readonly string[]) {
    super(
      `${username} does not hold ${permissions.join(', ')}, so no token of theirs can. Add them to a group that carries it first.`,
    );
  }
}

/** Users may change only some fields of themselves without a permission. */
export class ForbiddenFieldsError extends RuleError {
  readonly fields: string[];
  readonly permission: string;
  constructor(fields: string[], allowed: readonly string[], permission: string) {
    super(
      `Of yourself you may change ${allowed.join(' and ')}; the rest asks for the permission ${permission}.`,
    );
    this.fields = fields;
    this.permission = permission;
  }
}

/** Only a user who signed in may do this, not a token. */
export class SessionRequiredError extends RuleError {
  override message = 'Only a user who has signed in may do this, not a token.';
}

/** The password of the session was not given of late. */
export class StaleSessionError extends RuleError {
  override message = 'This asks for a password that was given of late.';
}

/** Users change their own password, and nobody else does. */
export class OwnPasswordError extends RuleError {
  /** Whether it is the caller's own. */
  readonly own: boolean;
  constructor(own: boolean) {
    super(
      own
        ? 'Users change their own password with the old one.'
        : 'Only users themselves change their password.',
    );
    this.own = own;
  }
}

/** The change would leave no user who can sign in and holds every permission. */
export class LastAdministratorError extends RuleError {
  override message =
    'No other user who can sign in would hold every permission (*). Give it to another user first.';
}

/** The group of administrators does not carry every permission. */
export class NoAdministratorsError extends RuleError {}

/** The thing has another version than the caller has read. */
export class StaleVersionError extends RuleError {
  constructor(kind: string) {
    super(`The ${kind} has changed since you read it. Read it again and decide anew.`);
  }
}

export type UniqueField = 'username' | 'email' | 'name';

/** Another user has the username or the e-mail address, other users have both, or another group has the name. */
export class TakenError extends RuleError {
  readonly fields: UniqueField[];
  constructor(fields: UniqueField[]) {
    super(
      `Another ${fields.includes('name') ? 'group' : 'user'} has this ${fields.join(', and another this ')}.`,
    );
    this.fields = fields;
  }
}

/** Others changed the same thing meanwhile. */
export class ConflictError extends RuleError {}

/** A one-time code is mistyped, used or expired, or its issuer may not issue it any more. */
export class InvalidCodeError extends RuleError {
  override message = 'The code is mistyped, used or expired. An administrator can issue another one.';
}

/** Too many attempts were made, at one name or from one network. */
export class TooManyAttemptsError extends RuleError {
  /** Which bound was hit; when to try again, and how many attempts are let pass in which time, in seconds. */
  readonly bounds: { name: string; seconds: number; limit: number; window: number };
  constructor(bounds: TooManyAttemptsError['bounds']) {
    super(`There were too many attempts. Try again in ${bounds.seconds} seconds.`);
    this.bounds = bounds;
  }
}

/** What is wrong with a password that is to be set. */
export interface Weakness {
  code: 'too-short' | 'common' | 'contains-name' | 'breached';
  /** It completes a sentence that begins with the password. */
  detail: string;
}

/** The password may not be set. */
export class WeakPasswordError extends RuleError {
  readonly weaknesses: Weakness[];
  constructor(weaknesses: Weakness[]) {
    super(`The password ${weaknesses.map(({ detail }) => detail).join(', and ')}.`);
    this.weaknesses = weaknesses;
  }
}

/** Whether a password is known from breaches can't be told, so none is set. */
export class PasswordCheckError extends RuleError {
  override message =
    'The file that BREACHED_PASSWORDS_FILE names can not be searched, so no password can be set.';
  constructor(cause: unknown) {
    super();
    this.cause = cause;
  }
}

/** Too many passwords are being hashed or wait for it. */
export class BusyError extends RuleError {
  override message = 'Too many passwords are being looked at. Try again in a moment.';
}
