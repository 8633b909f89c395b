/** How one-time codes appear in the API. */
import { type Static, Type } from 'typebox';
import type { IssuedCode } from '../accounts/codes.ts';
import { Instant } from './common.ts';
import { instant } from './instant.ts';

/** A one-time code, with which a user sets a password: POST /api/sign/reset. It can't be shown again. */
export const ResetCode = Type.Object({ code: Type.String(), expiresAt: Instant });

/** @returns the code as the API shows it, once. */
export function codeJson({ code, expiresAt }: IssuedCode): Static<typeof ResetCode> {
  return { code, expiresAt: instant(expiresAt) };
}
